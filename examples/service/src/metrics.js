import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What GET /metrics tells, in Prometheus' text format. */
export class Metrics {
  #delay = monitorEventLoopDelay({ resolution: 1 });
  /** @type {Map<string, number>} */ #counts = new Map();
  #slowestAbort = 0;

  constructor() {
    this.#delay.enable();
  }

  /** @param {string} state */
  count(state) {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + 1);
  }

  /** @param {number} ms */
  aborted(ms) {
    this.#slowestAbort = Math.max(this.#slowestAbort, ms);
  }

  /** Starts the event loop's statistics again. */
  reset() {
    globalThis.gc?.(); // with --expose-gc: what is used then is in use
    this.#delay.reset();
    this.#slowestAbort = 0;
  }

  /** @param {{ running: number, waiting: number }} queue @param {number} labels */
  text(queue, labels) {
    // The timer's own period of 1 ms is part of what it measures, and stays in.
    const seconds = (/** @type {number} */ ns) => ns / 1e9;
    return [
      ...[...this.#counts].map(([state, count]) => `alfamix_jobs_total{state="${state}"} ${count}`),
      `alfamix_jobs_running ${queue.running}`,
      `alfamix_jobs_waiting ${queue.waiting}`,
      `alfamix_labels ${labels}`,
      `alfamix_slowest_abort_seconds ${this.#slowestAbort / 1000}`,
      `nodejs_eventloop_delay_seconds{quantile="0.5"} ${seconds(this.#delay.percentile(50))}`,
      `nodejs_eventloop_delay_seconds{quantile="0.99"} ${seconds(this.#delay.percentile(99))}`,
      `nodejs_eventloop_delay_seconds{quantile="1"} ${seconds(this.#delay.max)}`,
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      `nodejs_heap_size_used_bytes ${process.memoryUsage().heapUsed}`,
      '',
    ].join('\n');
  }
}
