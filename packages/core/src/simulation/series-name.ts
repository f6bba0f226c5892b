/** Bytes; a seed and an ending follow in a file's name of at most 255. */
const MOST_BYTES = 150;

/** Whether a strategy's name can be part of a file's name, on every system, and stays in the folder. */
export const isStrategyName = (name: string): boolean =>
  name.length > 0 && Buffer.byteLength(name) <= MOST_BYTES && !/^[.\s]|[/\\<>"|?*]|\p{Cc}|\p{Cs}/u.test(name);

/** Colons separate a strategy's options, and can't be in a file's name on Windows. */
export const seriesName = (strategy: string, seed: number): string =>
  `${strategy.replaceAll(':', ',')}.seed-${seed}.jsonl`;

/** Two strategies whose files some system takes for one; undefined where there are none. */
export function sharingFiles(strategies: readonly string[]): [string, string] | undefined {
  const owners = new Map<string, string>();
  for (const strategy of strategies) {
    const key = seriesName(strategy, 0).normalize('NFC').toUpperCase().toLowerCase();
    const owner = owners.get(key);
    if (owner !== undefined) return [owner, strategy];
    owners.set(key, strategy);
  }
  return undefined;
}
