import type { FlipSearchArgs } from '../../src/kernels/kernels.js';

/** Uniform numbers in [0, 1), the same for the same seed. */
export function uniform(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Rows with little structure, for jobs that must be large. */
export function noise(length: number, offset = 0): Float32Array {
  const next = uniform(length);
  return Float32Array.from({ length }, () => Math.fround(next() + offset));
}

export function flipJob(rows: number, dim: number, classes = 4): FlipSearchArgs & { data: Float32Array } {
  const weight = noise(classes * dim);
  const anchors = noise(classes * dim + 1).subarray(1);
  return { data: noise(rows * dim), rows, dim, weight, bias: noise(classes), classes, anchors };
}
