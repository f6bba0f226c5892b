import { throwIfAborted, type WriteOptions, writeFileAtomic } from '@alfamix/core';

const CHUNK = 1 << 16;

/**
 * Writes a CSV in chunks as its lines are made, so its size doesn't matter; the file appears whole or not at all.
 *
 * @param lines each without its line end
 */
export async function writeCsv(
  path: string,
  header: readonly string[],
  lines: Iterable<string>,
  { signal, outputs, onProgress }: WriteOptions & { onProgress?: (lines: number) => void } = {},
): Promise<void> {
  const write = async (append: (text: string) => Promise<void>) => {
    let text = `${header.join(',')}\n`;
    let count = 0;
    for (const line of lines) {
      text += `${line}\n`;
      count++;
      if (text.length < CHUNK) continue;
      throwIfAborted(signal);
      onProgress?.(count);
      await append(text);
      text = '';
    }
    await append(text);
  };
  await writeFileAtomic(path, write, { signal, outputs });
}
