/** Whether a strategy's name can be part of a file's name, on every system, and stays in the folder. */
export const isStrategyName = (name: string): boolean =>
  name.length > 0 && name.length <= 150 && !/^[.\s]|[/\\<>"|?*]|\p{Cc}/u.test(name);

/** Colons separate a strategy's options, and can't be in a file's name on Windows. */
export const seriesName = (strategy: string, seed: number): string =>
  `${strategy.replaceAll(':', ',')}.seed-${seed}.jsonl`;
