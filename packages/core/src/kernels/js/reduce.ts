/**
 * Sums in double with a fixed order: eight interleaved partial sums, joined pairwise. native/src/cpu/reduce.h adds in
 * the same order, so what is decided here is decided equally, bit for bit, on every backend.
 */

type Floats = Float32Array | Float64Array;

/** Σ a[i]·b[i] over n values from the given offsets. */
export function dot(a: Floats, aOffset: number, b: Floats, bOffset: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  let s5 = 0;
  let s6 = 0;
  let s7 = 0;
  const whole = n & ~7;
  for (let i = 0; i < whole; i += 8) {
    const p = aOffset + i;
    const q = bOffset + i;
    s0 += a[p] * b[q];
    s1 += a[p + 1] * b[q + 1];
    s2 += a[p + 2] * b[q + 2];
    s3 += a[p + 3] * b[q + 3];
    s4 += a[p + 4] * b[q + 4];
    s5 += a[p + 5] * b[q + 5];
    s6 += a[p + 6] * b[q + 6];
    s7 += a[p + 7] * b[q + 7];
  }
  const left = n - whole;
  const p = aOffset + whole;
  const q = bOffset + whole;
  if (left > 0) s0 += a[p] * b[q];
  if (left > 1) s1 += a[p + 1] * b[q + 1];
  if (left > 2) s2 += a[p + 2] * b[q + 2];
  if (left > 3) s3 += a[p + 3] * b[q + 3];
  if (left > 4) s4 += a[p + 4] * b[q + 4];
  if (left > 5) s5 += a[p + 5] * b[q + 5];
  if (left > 6) s6 += a[p + 6] * b[q + 6];
  return s0 + s4 + (s2 + s6) + (s1 + s5 + (s3 + s7));
}

/** Σ (a[i] − b[i])² over n values from the given offsets. */
export function squaredDistance(a: Floats, aOffset: number, b: Floats, bOffset: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  let s5 = 0;
  let s6 = 0;
  let s7 = 0;
  let d: number;
  const whole = n & ~7;
  for (let i = 0; i < whole; i += 8) {
    const p = aOffset + i;
    const q = bOffset + i;
    d = a[p] - b[q];
    s0 += d * d;
    d = a[p + 1] - b[q + 1];
    s1 += d * d;
    d = a[p + 2] - b[q + 2];
    s2 += d * d;
    d = a[p + 3] - b[q + 3];
    s3 += d * d;
    d = a[p + 4] - b[q + 4];
    s4 += d * d;
    d = a[p + 5] - b[q + 5];
    s5 += d * d;
    d = a[p + 6] - b[q + 6];
    s6 += d * d;
    d = a[p + 7] - b[q + 7];
    s7 += d * d;
  }
  const left = n - whole;
  const p = aOffset + whole;
  const q = bOffset + whole;
  d = left > 0 ? a[p] - b[q] : 0;
  s0 += d * d;
  d = left > 1 ? a[p + 1] - b[q + 1] : 0;
  s1 += d * d;
  d = left > 2 ? a[p + 2] - b[q + 2] : 0;
  s2 += d * d;
  d = left > 3 ? a[p + 3] - b[q + 3] : 0;
  s3 += d * d;
  d = left > 4 ? a[p + 4] - b[q + 4] : 0;
  s4 += d * d;
  d = left > 5 ? a[p + 5] - b[q + 5] : 0;
  s5 += d * d;
  d = left > 6 ? a[p + 6] - b[q + 6] : 0;
  s6 += d * d;
  return s0 + s4 + (s2 + s6) + (s1 + s5 + (s3 + s7));
}
