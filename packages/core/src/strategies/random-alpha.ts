import type { Rng } from '../random/xoshiro.js';
import type { TimeSlice } from '../time-slice.js';

/** The least α: the reference's, so that no mix is the row itself. */
const LEAST_ALPHA = 1e-8;

/**
 * A row of `dim` normals N(cap/2, cap/2), each clamped to [1e-8, cap], for each of `rows`. Marsaglia's polar method, two
 * normals at a time; a row starts with a new pair, so that blocks of any size give the same numbers.
 */
export async function drawAlpha(
  rng: Rng,
  rows: number,
  dim: number,
  cap: number,
  slice: TimeSlice,
): Promise<Float32Array> {
  const alpha = new Float32Array(rows * dim);
  const half = cap / 2;
  for (let i = 0; i < rows; i++) {
    const end = (i + 1) * dim;
    for (let j = i * dim; j < end; ) {
      const [low, high] = rng.next();
      // Midpoints of 2^32 parts of (−1, 1): never 0.
      const x = (low + 0.5) / 2147483648 - 1;
      const y = (high + 0.5) / 2147483648 - 1;
      const s = x * x + y * y;
      if (s >= 1) continue;
      const radius = half * Math.sqrt((-2 * Math.log(s)) / s);
      alpha[j++] = clampAlpha(half + x * radius, cap);
      if (j < end) alpha[j++] = clampAlpha(half + y * radius, cap);
    }
    if (slice.due) await slice.next();
  }
  return alpha;
}

export function clampAlpha(alpha: number, cap: number): number {
  return Math.min(cap, Math.max(LEAST_ALPHA, alpha));
}
