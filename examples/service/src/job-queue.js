import { randomUUID } from 'node:crypto';

/** Too many jobs wait already. */
export class QueueFullError extends Error {
  statusCode = 503;
  code = 'QUEUE_FULL';
  /** @param {number} waiting */
  constructor(waiting) {
    super(`expected fewer than ${waiting} waiting jobs: try again later`);
  }
}

/**
 * @typedef {{ id: string, caller: string, state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled',
 *   controller: AbortController, progress: { stage: string, done: number, total: number } | undefined,
 *   result: unknown, error: unknown, promise: Promise<unknown>, listeners: Set<(job: Job) => void>,
 *   cancelledAt: number, endedAt: number }} Job
 */

/**
 * Runs a few jobs at a time. Callers take turns: the next job is the first one of the caller whose last job began longest
 * ago, so that one who sends a hundred doesn't keep out one who sends one.
 */
export class JobQueue {
  /** Ended jobs that can still be asked for. */
  static KEPT = 1000;
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
   * @param {(run: { signal: AbortSignal, onProgress: (stage: string, done: number, total: number) => void }) => Promise<unknown>} work
   * @returns {Job}
   */
  submit(caller, work) {
    if (this.#closed) throw Object.assign(new Error('the service is shutting down'), { statusCode: 503 });
    if (this.#waiting >= this.#limits.maxWaiting) throw new QueueFullError(this.#limits.maxWaiting);
    /** @type {Job} */
    const job = {
      id: randomUUID(),
      caller,
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

  /** @param {Job} job @param {Parameters<JobQueue['submit']>[1]} work */
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

  #forget() {
    for (const [id, { endedAt }] of this.#jobs) {
      if (this.#jobs.size <= JobQueue.KEPT) return;
      if (endedAt > 0) this.#jobs.delete(id);
    }
  }
}
