import { readFileSync } from 'node:fs';

/** Of this process's main thread, in nanoseconds: time on a processor, and time spent waiting for one. */
const schedule = () =>
  readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ', 2).map(Number);

/** Milliseconds that the main thread computed. */
export const processorTime = (): number => schedule()[0] / 1e6;

/**
 * Milliseconds that the main thread did not wait for a processor: it computed, or was blocked. Other processes' load
 * counts little: Linux from 6.12 on may count some waits, right after a lock or a page, as the lock's.
 */
export const heldTime = (): number => performance.now() - schedule()[1] / 1e6;

export const canMeasureTurns = process.platform === 'linux';

/**
 * The longest, in ms of the clock, that one turn of the event loop takes while `work` runs. The loop never idles
 * meanwhile, there is always an immediate to run: what `heldTime` counts is computing, or being blocked by a lock, a
 * synchronous read, a thread's end.
 */
export async function longestTurn(
  work: () => Promise<unknown>,
  clock: () => number = heldTime,
): Promise<number> {
  let longest = 0;
  let last = clock();
  let running = true;
  const look = () => {
    const now = clock();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(look);
  };
  setImmediate(look);
  await work();
  running = false;
  look();
  return longest;
}
