import type { WriteStream } from 'node:tty';

/** One line on a terminal that says what is going on; nothing where there is no terminal. */
export function progressLine(stream: WriteStream): { show(text: string): void; clear(): void } {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  const clear = () => stream.write('\r\x1b[K');
  return { show: (text) => stream.write(`\r\x1b[K${text.slice(0, (stream.columns ?? 80) - 1)}`), clear };
}
