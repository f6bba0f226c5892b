import type { TimeSlice } from '../../time-slice.js';
import { type LbfgsResult, minimize } from './lbfgs.js';
import { dot } from './reduce.js';
import type { SoftmaxObjective } from './softmax-objective.js';

export interface SolveOptions {
  l2: number;
  /** Number of weights at the start of x, before the biases. */
  weights: number;
  slice: TimeSlice;
  /**
   * `full`: the weight is within about 1e-5 of the minimum's, norm-wise. `rough`: close enough to rank ridges by
   * held-out loss.
   */
  precision: 'full' | 'rough';
  onIteration?: (iteration: number, value: number) => void;
}

/**
 * Minimises from x, in place. The objective is l2-strongly convex in the weight, so ‖W − W*‖ ≤ ‖gradient‖ / l2: a
 * gradient below ε·l2·‖W‖ bounds the relative error of the weight by ε at any scale of the features.
 */
export async function solve(
  objective: SoftmaxObjective,
  x: Float64Array,
  options: SolveOptions,
): Promise<LbfgsResult> {
  const { l2, weights, slice, precision } = options;
  objective.setRidge(l2);
  let first = Number.NaN;
  const done = (at: Float64Array, gradient: Float64Array, value: number, previous: number): boolean => {
    const norm = Math.sqrt(dot(gradient, 0, gradient, 0, gradient.length));
    if (Number.isNaN(first)) first = norm;
    if (norm === 0) return true;
    if (precision === 'rough') return previous - value <= 1e-3 * value;
    const size = Math.sqrt(dot(at, 0, at, 0, weights));
    return norm <= Math.max(1e-5 * l2 * size, 1e-13 * first);
  };
  return minimize(objective, x, {
    slice,
    done,
    maxIterations: precision === 'rough' ? 200 : 5000,
    onIteration: options.onIteration,
  });
}
