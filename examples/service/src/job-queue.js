import { randomUUID } from 'node:crypto';

import { ServiceError } from './service-error.js';

/**
 * @typedef {{ id: string, caller: string, state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled',
 *   controller: AbortController, progress: { stage: string, done: number, total: number } | undefined,
 *   result: unknown, error: unknown, promise: Promise<unknown>, listeners: Set<(job: Job) => void>,
 *   size: number, cancelledAt: number, endedAt: number }} Job
 */

/**
 * Runs a few jobs at a time. Callers take turns: the next job is the first one of the caller whose last job began longest
 * ago, so that one who sends a hundred doesn't keep out one who sends one.
 */
export class JobQueue {
  /** Ended jobs that can still be asked for: at most so many, their results together of at most this size. */
  static KEPT = 1000;
  static KEPT_SIZE = 200_000;
  /** @type {Map<string, Job>} */ #jobs = new Map();
  /** Waiting jobs by caller, callers in the order of their turns. @type {Map<string, { job: Job, start: () => void }[]>} */
  #turns = new Map();
  #running = 0;
  #waiting = 0;
  #closed = false;
  /** @type {{ maxRunning: number, maxWaiting: number }} */ #limits;

  /** @param {{ maxRunning: number, maxWaiting: number }} limits */
  constructor(limits) {
    this.#limits = limits;
  }

  get counts() {
    return { running: this.#running, waiting: this.#waiting };
  }

  /** @param {string} id */
  get(id) {
    return this.#jobs.get(id);
  }

  /**
   * @param {string} caller
   * @param {number} size of its result: what is kept of ended jobs is bounded by it
   * @param {(run: { signal: AbortSignal, onProgress: (stage: string, done: number, total: number) => void }) => Promise<unknown>} work
   * @returns {Job}
   */
  submit(caller, size, work) {
    if (this.#closed) throw new ServiceError(503, 'SHUTTING_DOWN', 'the service is shutting down');
    // What can start at once waits for nobody.
    if (this.#running >= this.#limits.maxRunning && this.#waiting >= this.#limits.maxWaiting) {
      const message = `expected at most ${this.#limits.maxWaiting} waiting jobs, got one more: try again later`;
      throw new ServiceError(503, 'QUEUE_FULL', message);
    }
    /** @type {Job} */
    const job = {
      id: randomUUID(),
      caller,
      size,
      state: 'waiting',
      controller: new AbortController(),
      progress: undefined,
      result: undefined,
      error: undefined,
      promise: Promise.resolve(),
      listeners: new Set(),
      cancelledAt: 0,
      endedAt: 0,
    };
    this.#jobs.set(job.id, job);
    job.promise = new Promise((resolve, reject) => {
      const start = () => this.#run(job, work).then(resolve, reject);
      this.#turns.set(caller, [...(this.#turns.get(caller) ?? []), { job, start }]);
    });
    job.promise.catch(() => {}); // who wants to know awaits it
    this.#waiting++;
    this.#next();
    return job;
  }

  /** Stops a job; one that waits ends at once. @param {Job} job */
  cancel(job) {
    if (job.endedAt > 0 || job.cancelledAt > 0) return;
    job.cancelledAt = performance.now();
    job.controller.abort();
    const waiting = this.#turns.get(job.caller) ?? [];
    const at = waiting.findIndex((entry) => entry.job === job);
    if (at < 0) return;
    const [{ start }] = waiting.splice(at, 1);
    if (waiting.length === 0) this.#turns.delete(job.caller);
    this.#waiting--;
    this.#running++;
    start(); // ends before its work begins
  }

  /** Takes no more jobs, waits for those there are, at most so long, then stops them. @param {number} graceMs */
  async close(graceMs) {
    this.#closed = true;
    const open = [...this.#jobs.values()].filter(({ endedAt }) => endedAt === 0);
    const stop = setTimeout(() => {
      for (const job of open) this.cancel(job);
    }, graceMs);
    await Promise.allSettled(open.map(({ promise }) => promise));
    clearTimeout(stop);
  }

  #next() {
    while (this.#running < this.#limits.maxRunning && this.#turns.size > 0) {
      const [[caller, waiting]] = this.#turns;
      const { start } = /** @type {{ start: () => void }} */ (waiting.shift());
      // Behind all other callers, for the next turn.
      this.#turns.delete(caller);
      if (waiting.length > 0) this.#turns.set(caller, waiting);
      this.#waiting--;
      this.#running++;
      start();
    }
  }

  /** @param {Job} job @param {Parameters<JobQueue['submit']>[2]} work */
  async #run(job, work) {
    const { signal } = job.controller;
    const tell = () => {
      for (const listener of job.listeners) listener(job);
    };
    try {
      signal.throwIfAborted();
      job.state = 'running';
      job.result = await work({
        signal,
        onProgress: (stage, done, total) => {
          job.progress = { stage, done, total };
          tell();
        },
      });
      job.state = 'done';
      return job.result;
    } catch (error) {
      job.state = signal.aborted ? 'cancelled' : 'failed';
      job.error = error;
      throw error;
    } finally {
      job.endedAt = performance.now();
      this.#running--;
      tell();
      job.listeners.clear();
      this.#forget();
      this.#next();
    }
  }

  /** Drops the oldest ended jobs; the last one stays however large it is. */
  #forget() {
    const ended = [...this.#jobs.values()].filter(({ endedAt }) => endedAt > 0);
    ended.sort((a, b) => b.endedAt - a.endedAt);
    let size = 0;
    for (const [i, job] of ended.entries()) {
      size += job.result === undefined ? 0 : job.size;
      if (i >= JobQueue.KEPT || (i > 0 && size > JobQueue.KEPT_SIZE)) this.#jobs.delete(job.id);
    }
  }
}
