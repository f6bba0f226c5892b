import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { ioError, throwIfAborted } from '@alfamix/core';

/** SHA-256 (hex) and size of a file, read as a stream. */
export async function hashFile(
  path: string,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const stats = statSync(path);
    // A device may never end, a pipe never begin.
    if (!stats.isFile()) throw new Error('expected a file, got a folder, pipe or device');
    const { size } = stats;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      throwIfAborted(signal);
      hash.update(chunk);
      bytes += chunk.length;
      onProgress?.(bytes, size);
    }
  } catch (error) {
    throw ioError(error, 'read', path);
  }
  return { sha256: hash.digest('hex'), bytes };
}
