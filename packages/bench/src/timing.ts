import { quantile } from '@alfamix/core';

/** One way to do the same work. `run` returns the milliseconds of one whole run, timed inside so that set-up is left out. */
export interface Contender {
  name: string;
  run: () => Promise<number>;
}

export interface Timing {
  median: number;
  low: number;
  high: number;
  runs: number;
}

export interface TurnOptions {
  /** Runs of each, after the warm-up. */
  repeats: number;
  /** A contender gets as many runs as fit into this, its warm-up included; at least one. Milliseconds. */
  budget: number;
  /** Beside each round, for what is measured with the contenders. */
  eachRound?: () => Promise<void>;
  onRun?: (name: string, round: number, rounds: number) => void;
}

/**
 * Times contenders in turns (a b c a b c …), after one warm-up each: what slows the machine for a while slows all of
 * them. A contender whose first run takes more than half the budget has that run counted, and no other. One that fails
 * leaves the rest to run on.
 *
 * @param warm milliseconds of each one's warm-up, already made
 */
export async function interleave(
  contenders: readonly Contender[],
  warm: readonly number[],
  { repeats, budget, eachRound, onRun }: TurnOptions,
): Promise<(Timing | Error)[]> {
  const times = contenders.map((): number[] => []);
  const errors: (Error | undefined)[] = contenders.map(() => undefined);
  const wanted = warm.map((ms, i) => {
    if (2 * ms <= budget) return Math.max(1, Math.min(repeats, Math.floor(budget / ms) - 1));
    times[i].push(ms);
    return 0;
  });
  const rounds = Math.max(...wanted);
  for (let round = 0; round < Math.max(1, rounds); round++) {
    await eachRound?.();
    for (const [i, { name, run }] of contenders.entries()) {
      if (round >= wanted[i] || errors[i]) continue;
      onRun?.(name, round, rounds);
      try {
        times[i].push(await run());
      } catch (error) {
        errors[i] = error as Error;
      }
    }
  }
  return times.map((values, i) => errors[i] ?? summarize(values));
}

export function summarize(values: readonly number[]): Timing {
  return {
    median: quantile(values, 0.5),
    low: Math.min(...values),
    high: Math.max(...values),
    runs: values.length,
  };
}
