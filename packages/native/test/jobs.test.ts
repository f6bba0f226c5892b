import { setTimeout as sleep } from 'node:timers/promises';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { NativeJob } from '../src/binding.js';
import { addon, errorOf, hasAddon, options } from './addon.js';
import { noise, startLongJob, startShortJob } from './children/jobs.mjs';

/** Cancels, and gives the error and the milliseconds it took. */
async function cancel(job: NativeJob<unknown>): Promise<{ error: Error & { code?: string }; took: number }> {
  const started = performance.now();
  job.cancel();
  const error = await job.promise.then(
    () => new Error('expected a rejection, got a result'),
    (reason: Error) => reason,
  );
  return { error, took: performance.now() - started };
}

describe.skipIf(!hasAddon)('cancel', () => {
  // Timed on machines that do other work too: a late answer may be the machine's, three are not.
  it.each([0, 30, 200, 700])('ends a job after %i ms, within 50 ms', { retry: 2 }, async (after) => {
    const job = startLongJob(addon);
    await sleep(after);
    const { error, took } = await cancel(job);
    expect(error).toMatchObject({ code: 'ABORTED', message: 'the operation was aborted' });
    expect(took).toBeLessThan(50);
  });

  it('ends a job that still waits for its turn', { retry: 2 }, async () => {
    const running = Array.from({ length: 40 }, () => startLongJob(addon));
    await sleep(50);
    const waiting = startShortJob(addon);
    const { error, took } = await cancel(waiting);
    expect(error.code).toBe('ABORTED');
    expect(took).toBeLessThan(50);
    const outcomes = await Promise.all(running.map(cancel));
    expect(outcomes.map(({ error: { code } }) => code)).toEqual(running.map(() => 'ABORTED'));
  });

  it('does nothing to a job that is done, however often', async () => {
    const job = startShortJob(addon);
    const result = await job.promise;
    job.cancel();
    job.cancel();
    expect(await job.promise).toBe(result);
  });

  it('works without its object and twice', async () => {
    const { promise, cancel: stop } = startLongJob(addon);
    stop();
    stop();
    await expect(promise).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe.skipIf(!hasAddon)('onProgress', () => {
  it('rises, is told at most every 50 ms, and ends with the total', async () => {
    const calls: { at: number; done: number; total: number }[] = [];
    const onProgress = (done: number, total: number) => calls.push({ at: performance.now(), done, total });
    const data = noise(20_000 * 32);
    const call = {
      ...options,
      data,
      rows: 20_000,
      dim: 32,
      clusters: 100,
      seed: 0,
      nInit: 1,
      maxIterations: 30,
    };
    const started = performance.now();
    await addon.kmeans({ ...call, onProgress }).promise;
    const took = performance.now() - started;
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.length).toBeLessThanOrEqual(took / 50 + 2);
    for (const [i, { done, total }] of calls.entries()) {
      expect(done).toBeLessThanOrEqual(total);
      expect(done).toBeGreaterThanOrEqual(calls[i - 1]?.done ?? 0);
    }
    expect(calls.at(-1)?.done).toBe(calls.at(-1)?.total);
  });

  it('is told once of a job that is done at once', async () => {
    const calls: number[][] = [];
    await startShortJob(addon, { onProgress: (...args: number[]) => calls.push(args) }).promise;
    expect(calls.at(-1)).toEqual([4000, 4000]);
  });

  it.each([new Error('mine'), 'a string', 0, undefined, null, Symbol.iterator])(
    'that throws %s stops the job and rejects with that',
    async (thrown) => {
      let calls = 0;
      const throwing = () => {
        calls++;
        throw thrown;
      };
      for (const start of [startLongJob, startShortJob]) {
        const outcome = await start(addon, { onProgress: throwing }).promise.then(
          () => 'resolved',
          (reason: unknown) => ({ reason }),
        );
        expect(outcome).toEqual({ reason: thrown });
      }
      expect(calls).toBe(2);
    },
  );

  it('may cancel its own job and start others', async () => {
    let other: Promise<unknown> | undefined;
    const job = startLongJob(addon, {
      onProgress() {
        other ??= startShortJob(addon).promise;
        job.cancel();
      },
    });
    await expect(job.promise).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(other).resolves.toBeDefined();
  });

  it("isn't told any more once the job is cancelled", async () => {
    let calls = 0;
    const job = startLongJob(addon, { onProgress: () => calls++ });
    await sleep(120);
    const before = calls;
    await cancel(job);
    await sleep(80);
    expect(calls).toBe(before);
  });
});

describe.skipIf(!hasAddon)('many jobs', () => {
  it('at once all give their own results', async () => {
    const results = await Promise.all(Array.from({ length: 300 }, () => startShortJob(addon).promise));
    const first = results[0] as Float32Array;
    for (const result of results)
      expect(Buffer.from(result.buffer).equals(Buffer.from(first.buffer))).toBe(true);
  });

  it('beyond the queue are refused with QUEUE_FULL, and the rest is done', async () => {
    const blockers = Array.from({ length: 32 }, () => startLongJob(addon, { threads: 1 }));
    const small = { ...options, data: Float32Array.of(3, 4), rows: 1, dim: 2 };
    const waiting: NativeJob<Float32Array>[] = [];
    const error = errorOf(() => {
      for (let i = 0; i < 5000; i++) waiting.push(addon.normalizeRows(small));
    });
    expect(error.code).toBe('QUEUE_FULL');
    expect(waiting.length).toBeGreaterThanOrEqual(4096);
    await Promise.all(blockers.map(cancel));
    const results = await Promise.all(waiting.map((job) => job.promise));
    expect(results.every((result) => result[1] === Math.fround(0.8))).toBe(true);
  });

  it('leave the file system free while they run', async () => {
    const { stat } = await import('node:fs/promises');
    const jobs = Array.from({ length: 8 }, () => startLongJob(addon));
    await sleep(20);
    const started = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => stat('.')));
    expect(performance.now() - started).toBeLessThan(500);
    await Promise.all(jobs.map(cancel));
  });
});

describe.skipIf(!hasAddon)('a call cut short', () => {
  it('by a vm timeout inside a getter leaves the process alive', () => {
    Object.assign(globalThis, { alfamixAddon: addon });
    const code = 'alfamixAddon.normalizeRows({ get threads() { for (;;); } })';
    for (let i = 0; i < 10; i++) {
      expect(errorOf(() => runInThisContext(code, { timeout: 5 })).code).toBe('ERR_SCRIPT_EXECUTION_TIMEOUT');
    }
    Reflect.deleteProperty(globalThis, 'alfamixAddon');
  });
});
