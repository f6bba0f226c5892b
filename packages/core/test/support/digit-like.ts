import { Rng } from '@alfamix/core';

export interface DigitLike {
  /** rows × dim. */
  data: Float32Array;
  labels: Int32Array;
  rows: number;
  dim: number;
  classes: number;
}

/** A blurred prototype a class, with noise: learnt in a few epochs, but not in one. */
export function digitLike(rows: number, { dim = 64, classes = 10, seed = 0 } = {}): DigitLike {
  const rng = new Rng(seed);
  const prototypes = Float32Array.from({ length: classes * dim }, () => 2 * rng.uniform() - 1);
  const labels = Int32Array.from({ length: rows }, (_, row) => row % classes);
  const data = new Float32Array(rows * dim);
  for (let i = 0; i < data.length; i++) {
    const label = labels[Math.floor(i / dim)];
    data[i] = prototypes[label * dim + (i % dim)] + 3 * (rng.uniform() - 0.5);
  }
  return { data, labels, rows, dim, classes };
}
