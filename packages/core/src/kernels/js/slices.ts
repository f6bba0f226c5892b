import { throwIfAborted } from '../../errors.js';
import { yieldToLoop } from '../../yield.js';
import type { JobOptions } from '../kernels.js';

/** Longest stretch of synchronous work, in ms: other callbacks of the event loop wait no longer than this. */
const SLICE_MS = 6;
const PROGRESS_MS = 50;

/**
 * Keeps the event loop free while plain JavaScript computes: call `step` between small pieces of work. It is cheap
 * until the slice is used up; then it reports progress, lets the event loop turn, and looks at the abort signal.
 */
export class Slices {
  readonly #options: JobOptions;
  readonly #total: number;
  #done = 0;
  #sliceStart = performance.now();
  #lastReport = Number.NEGATIVE_INFINITY;

  constructor(total: number, options: JobOptions) {
    throwIfAborted(options.signal);
    this.#options = options;
    this.#total = total;
  }

  /** True when the slice is used up and `turn` should be awaited. `work` units are added to what is done. */
  step(work: number): boolean {
    this.#done += work;
    return performance.now() - this.#sliceStart >= SLICE_MS;
  }

  /** Lets the event loop turn. Throws ABORTED when the signal has fired. */
  async turn(): Promise<void> {
    const now = performance.now();
    if (now - this.#lastReport >= PROGRESS_MS) {
      this.#lastReport = now;
      this.#options.onProgress?.(Math.min(this.#done, this.#total), this.#total);
    }
    await yieldToLoop(this.#options.signal);
    throwIfAborted(this.#options.signal);
    this.#sliceStart = performance.now();
  }

  /** The last report: all done. */
  finish(): void {
    throwIfAborted(this.#options.signal);
    this.#options.onProgress?.(this.#total, this.#total);
  }
}
