import { throwIfAborted } from './errors.js';
import { yieldToLoop } from './yield.js';

/** Lets other work of the event loop run between slices of a long computation, and notices an abort. */
export class TimeSlice {
  readonly #signal: AbortSignal | undefined;
  readonly #length: number;
  #end: number;

  /** @param length milliseconds of work between two yields; the promise to callers is at most 8 */
  constructor(signal?: AbortSignal, length = 6) {
    this.#signal = signal;
    this.#length = length;
    this.#end = performance.now() + length;
  }

  /** True when the slice is used up: `if (slice.due) await slice.next()` keeps short work free of promises. */
  get due(): boolean {
    return performance.now() >= this.#end;
  }

  /** Gives way to the event loop; throws ABORTED when the signal has fired. */
  async next(): Promise<void> {
    await yieldToLoop(this.#signal);
    throwIfAborted(this.#signal);
    this.#end = performance.now() + this.#length;
  }
}
