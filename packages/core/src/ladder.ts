/** The counts of at most this many rungs are listed. */
export const LISTED_RUNGS = 64;

/** How many rows would change their prediction below a cap. */
export interface CapCount {
  cap: number;
  count: number;
}

/**
 * The alpha caps of ALFA-Mix: step, 2·step, …, the last being the first that is at least 1. Never enumerated: a
 * step of 1e-9 has a billion rungs.
 */
export class Ladder {
  readonly step: number;
  /** Number of rungs. */
  readonly length: number;

  /** @param step above 0 and finite */
  constructor(step: number) {
    this.step = step;
    // Forgives rounding: 5 · 0.2 and 3 · (1/3) are 1.
    this.length = Math.max(1, Math.ceil((1 / step) * (1 - 1e-12)));
  }

  /** The cap of rung i, 1 … length; written as a person would: 0.6, not 0.6000000000000001. */
  cap(i: number): number {
    return i === 1 ? this.step : Number((i * this.step).toPrecision(15));
  }

  /** The first rung whose cap is above `flipCap`; length + 1 when none is. */
  rungAbove(flipCap: number): number {
    if (!(flipCap < this.cap(this.length))) return this.length + 1;
    let i = Math.max(1, Math.floor(flipCap / this.step));
    while (this.cap(i) <= flipCap) i += Math.max(1, i * Number.EPSILON);
    return i;
  }

  /**
   * The rung to use: the first with more than `budget` candidates, else the last.
   * @param next the (budget + 1)-th smallest flip cap; Infinity when there are no more rows than that
   */
  rungFor(next: number): number {
    return Math.min(this.rungAbove(next), this.length);
  }

  /** Candidates at every cap, or, on a longer ladder, at the 64 at most that end with the one used. O(N log 64). */
  counts(flipCaps: Float32Array, used: number): CapCount[] {
    const last = this.length <= LISTED_RUNGS ? this.length : used;
    const first = Math.max(1, last - LISTED_RUNGS + 1);
    const caps = Array.from({ length: last - first + 1 }, (_, i) => this.cap(first + i));
    const counts = new Array<number>(caps.length + 1).fill(0);
    const highest = caps[caps.length - 1];
    for (let i = 0; i < flipCaps.length; i++) {
      // Of most rows no class is ever taken over: infinity.
      if (flipCaps[i] < highest) counts[firstAbove(caps, flipCaps[i])]++;
    }
    let total = 0;
    return caps.map((cap, i) => {
      total += counts[i];
      return { cap, count: total };
    });
  }
}

/** The first index whose value is above x; the length when none is. */
function firstAbove(sorted: readonly number[], x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] > x) high = middle;
    else low = middle + 1;
  }
  return low;
}
