import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { getKernels } from '../src/index.js';
import { everyKernels } from './support/golden-cases.js';
import { longCalls } from './support/long-calls.js';
import { canMeasureTurns, longestTurn, processorTime } from './support/turns.js';

const hasAddon = (await everyKernels()).length > 1;
const MB = 1 << 20;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes this process holds once what is garbage has gone. */
async function held(): Promise<{ external: number; rss: number }> {
  for (let i = 0; i < 4; i++) {
    collect();
    await pause(2);
  }
  const { arrayBuffers, rss } = process.memoryUsage();
  return { external: arrayBuffers, rss };
}

describe.runIf(hasAddon).each(longCalls)('%s and the process it runs in', (_name, call) => {
  /** The call, ended after so many ms where it takes longer. */
  const run = async (ms: number) => {
    const kernels = await getKernels('cpu');
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), ms);
    await call(kernels, { signal: controller.signal, threads: 2 }).catch(() => {});
    clearTimeout(timer);
  };

  test.runIf(canMeasureTurns)('no turn of the event loop computes 10 ms', { retry: 2 }, async () => {
    await run(20); // compiled, and its data made
    collect();
    // Computes: garbage collection waits for its threads, which the two here may keep off the processors for long.
    expect(await longestTurn(() => run(300), processorTime)).toBeLessThan(10);
  });

  test('memory comes back', async () => {
    for (let i = 0; i < 4; i++) await run(5);
    const before = await held();
    for (let i = 0; i < 16; i++) await run(5);
    const after = await held();
    expect(after.external - before.external).toBeLessThan(MB);
    expect(after.rss - before.rss).toBeLessThan(64 * MB);
  });
});
