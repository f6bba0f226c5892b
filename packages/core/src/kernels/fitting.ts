/** The kernel that fits a linear head. Row-major float64. */
import type { JobOptions } from './kernels.js';

export interface FitSoftmaxArgs extends JobOptions {
  /** M×n rows, finite, each with squares of a finite sum. */
  data: Float64Array;
  rows: number;
  dim: number;
  /** M class indices, every one of 0 … classes − 1 present. */
  labels: Int32Array;
  /** C, at least 2. */
  classes: number;
  /** R ridges above 0, each fit starting where the one before ended: from strong to weak. */
  ridges: Float64Array;
  /** The fold that holds each row out, −1 for none. Needed to choose among several ridges. */
  folds?: Int32Array;
  /** F, at least 1 with `folds`. */
  foldCount?: number;
}

export interface FitSoftmaxResult {
  /** (n + 1)×C: V, then b. */
  solution: Float64Array;
  /** Index of the ridge it was fitted with. */
  ridge: number;
  /** Σ CE + (l2/2)‖V‖² at the solution. */
  objective: number;
  /** Of the fit on all rows. */
  iterations: number;
  /** R: held-out rows predicted right, and their losses −ln p summed; zeros without folds. */
  right: Int32Array;
  loss: Float64Array;
}
