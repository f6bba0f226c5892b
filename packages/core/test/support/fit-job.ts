import { makeFolds } from '../../src/head/folds.js';
import type { FitSoftmaxArgs } from '../../src/kernels/fitting.js';
import { uniform } from './flip-job.js';

/** Rows around C centres, so near that some are on the wrong side; `chosen`: with folds to choose a ridge by. */
export function fitJob(
  rows: number,
  dim: number,
  classes: number,
  { seed = 3, chosen = true } = {},
): FitSoftmaxArgs {
  const next = uniform(seed);
  const centres = Float64Array.from({ length: classes * dim }, () => next() - 0.5);
  const labels = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const data = Float64Array.from(
    { length: rows * dim },
    (_, k) => centres[labels[Math.floor(k / dim)] * dim + (k % dim)] + 2 * (next() - 0.5),
  );
  const job = { data, rows, dim, labels, classes };
  const { heldOut } = makeFolds(labels, seed);
  if (!chosen || heldOut.length === 0) return { ...job, ridges: Float64Array.of(0.1) };
  const folds = new Int32Array(rows).fill(-1);
  heldOut.forEach((fold, f) => {
    for (const row of fold) folds[row] = f;
  });
  return { ...job, ridges: Float64Array.of(10, 1, 0.01), folds, foldCount: heldOut.length };
}
