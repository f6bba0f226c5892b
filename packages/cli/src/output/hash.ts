import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ioError, throwIfAborted } from '@alfamix/core';

const BLOCK_BYTES = 1 << 20;

/** SHA-256 (hex) and size of a file: one block is hashed while the next is read. */
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
    const blocks = [Buffer.allocUnsafe(BLOCK_BYTES), Buffer.allocUnsafe(BLOCK_BYTES)];
    await using file = await open(path);
    let reading = file.read(blocks[0], 0, BLOCK_BYTES, 0);
    for (let block = 0; ; block = 1 - block) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) break;
      throwIfAborted(signal);
      reading = file.read(blocks[1 - block], 0, BLOCK_BYTES, bytes + bytesRead);
      hash.update(blocks[block].subarray(0, bytesRead));
      bytes += bytesRead;
      onProgress?.(bytes, stats.size);
    }
  } catch (error) {
    throw ioError(error, 'read', path);
  }
  return { sha256: hash.digest('hex'), bytes };
}
