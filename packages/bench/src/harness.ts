/** One way to do the same work. `run` returns the milliseconds of one whole run, timed inside so that set-up is left out. */
export interface Contender {
  name: string;
  run: () => Promise<number>;
  /** Runs after the warm-up; slow contenders take fewer. */
  repeats: number;
}

export interface Timing {
  name: string;
  median: number;
  low: number;
  high: number;
  repeats: number;
}

/**
 * Times contenders in turns (a b c a b c …), after one warm-up each: what slows the machine for a while slows all of
 * them. Milliseconds.
 */
export async function interleave(contenders: readonly Contender[]): Promise<Timing[]> {
  const times = contenders.map(() => [] as number[]);
  for (const contender of contenders) if (contender.repeats > 1) await contender.run();
  const rounds = Math.max(...contenders.map(({ repeats }) => repeats));
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      if (round < contender.repeats) times[i].push(await contender.run());
    }
  }
  return contenders.map(({ name }, i) => {
    const sorted = times[i].sort((a, b) => a - b);
    return {
      name,
      median: sorted[Math.floor(sorted.length / 2)],
      low: sorted[0],
      high: sorted[sorted.length - 1],
      repeats: sorted.length,
    };
  });
}

/** Milliseconds that `work` takes. */
export async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The most bytes the process held above its start while `work` ran, sampled every 5 ms. */
export async function extraMemory(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  await work();
  clearInterval(timer);
  return Math.max(most, process.memoryUsage.rss()) - before;
}
