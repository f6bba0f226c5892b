import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { JobQueue } from '../src/job-queue.js';

const queueOf = (maxRunning = 1, maxWaiting = 5000) => new JobQueue({ maxRunning, maxWaiting });
const quick = async () => 'done';

describe('callers take turns', () => {
  test('each next job is one of the caller whose last began longest ago', async () => {
    const queue = queueOf();
    const order = [];
    const submit = (caller) => queue.submit(caller, 1, async () => void order.push(caller)).promise;
    await Promise.all(['a', 'a', 'a', 'a', 'b', 'b', 'c', 'a'].map(submit));
    // The first a began at once; then a, b and c in turn.
    expect(order.join('')).toBe('aabcabaa');
  });
});

describe('what is kept of ended jobs', () => {
  test('at most so many', async () => {
    const queue = queueOf();
    const jobs = Array.from({ length: JobQueue.KEPT + 20 }, () => queue.submit('a', 1, quick));
    await Promise.all(jobs.map(({ promise }) => promise));
    const kept = jobs.map(({ id }) => queue.get(id) !== undefined);
    expect(kept).toEqual(jobs.map((_, i) => i >= 20));
  });

  test('results of at most so many picks in all, the last one always', async () => {
    const queue = queueOf();
    const jobs = [];
    const run = async (size) => {
      jobs.push(queue.submit('a', size, quick));
      await jobs.at(-1).promise;
      return jobs.map(({ id }) => Number(queue.get(id) !== undefined)).join('');
    };
    for (let i = 0; i < 5; i++) await run(JobQueue.KEPT_SIZE / 4);
    expect(await run(JobQueue.KEPT_SIZE / 4)).toBe('001111');
    expect(await run(JobQueue.KEPT_SIZE * 2)).toBe('0000001');
  });

  test('a job that was dropped holds nothing', async () => {
    const queue = queueOf();
    const collected = vi.fn();
    const registry = new FinalizationRegistry(collected);
    for (let i = 0; i < 20; i++) {
      await queue.submit('a', JobQueue.KEPT_SIZE, async () => {
        const result = { picks: new Array(1000).fill(i) };
        registry.register(result, i);
        return result;
      }).promise;
    }
    const count = () => {
      globalThis.gc();
      return collected.mock.calls.length;
    };
    // Only the last is kept; one or two more may be on the stack.
    await expect.poll(count, { timeout: 15_000 }).toBeGreaterThanOrEqual(17);
  });
});

describe('close', () => {
  test('lets jobs end, takes no new ones', async () => {
    const queue = queueOf();
    const { promise } = queue.submit('a', 1, () => sleep(40, 'late'));
    const waiting = queue.submit('a', 1, quick);
    const closed = queue.close(10_000);
    expect(() => queue.submit('b', 1, quick)).toThrow(
      expect.objectContaining({ statusCode: 503, code: 'SHUTTING_DOWN' }),
    );
    await closed;
    expect(await Promise.all([promise, waiting.promise])).toEqual(['late', 'done']);
  });

  test('stops what takes longer', async () => {
    const queue = queueOf();
    const job = queue.submit('a', 1, ({ signal }) => sleep(60_000, undefined, { signal }));
    await queue.close(5);
    expect(job.state).toBe('cancelled');
  });
});

test('no more may wait than allowed; what can start at once does', () => {
  const queue = queueOf(1, 1);
  queue.submit('a', 1, () => sleep(20));
  queue.submit('a', 1, quick);
  expect(() => queue.submit('b', 1, quick)).toThrow(
    expect.objectContaining({ statusCode: 503, code: 'QUEUE_FULL' }),
  );
  expect(queueOf(1, 0).submit('a', 1, quick).state).toBe('running');
});
