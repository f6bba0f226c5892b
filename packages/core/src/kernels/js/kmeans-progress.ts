import type { JobOptions } from '../kernels.js';
import { Slices } from './slices.js';

/** Units of one try. */
const TRY = 2 ** 20;

/**
 * How far a k-means is, as nobody can know beforehand how many passes it takes: the seeds are about half of a try, and each
 * pass takes its share of what is left. The same as native/src/cpu/kmeans_progress.h.
 */
export class KMeansProgress {
  readonly #slices: Slices;
  #tries = 0;
  /** Where the part under way begins and how long it is. */
  #at = 0;
  #part = 0;
  #units = 1;

  constructor(tries: number, options: JobOptions) {
    this.#slices = new Slices(tries * TRY, options);
  }

  beginTry(): void {
    this.#slices.step(TRY * this.#tries++ - this.#at);
    this.#at = TRY * (this.#tries - 1);
    this.#part = 0;
  }

  /** The next `units` of steps make up `share` of what is left of the try. */
  beginPart(share: number, units: number): void {
    this.#part = share * (TRY * this.#tries - this.#at);
    this.#at += this.#part;
    this.#units = units;
  }

  beginPass(rows: number): void {
    this.beginPart(1 - Math.exp(-0.25), rows);
  }

  /** See Slices. */
  step(units = 0): boolean {
    return this.#slices.step((units / this.#units) * this.#part);
  }

  turn(): Promise<void> {
    return this.#slices.turn();
  }

  finish(): void {
    this.#slices.finish();
  }
}
