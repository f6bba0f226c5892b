import { expected } from '../errors.js';
import type { KCenterGreedyArgs, KMeansPlusPlusArgs } from './sampling.js';
import { requireInteger, requireMatrix, requireRows, requireShape, validateJob } from './validate.js';

/** Rows are numbered in int32. */
const MAX_ROWS = 2 ** 31 - 1;

/** Checks the arguments of `kCenterGreedy`; the finiteness of `data` is for the kernel. */
export function validateKCenterGreedy(args: KCenterGreedyArgs): void {
  validateJob(args);
  const { data, rows, dim, centers, budget } = args;
  requireShape(rows, dim);
  requireInteger(rows, 'rows', 1, MAX_ROWS);
  requireMatrix(data, 'data', rows, dim);
  requireInteger(budget, 'budget', 1, rows);
  if (centers !== undefined) requireRows(centers, 'centers', dim);
}

/** Checks the arguments of `kmeansPlusPlus`; the finiteness of `data` and `factors` is for the kernel. */
export function validateKMeansPlusPlus(args: KMeansPlusPlusArgs): void {
  validateJob(args);
  const { data, rows, dim, factors, factorDim, clusters, first, seed } = args;
  requireShape(rows, dim);
  requireInteger(rows, 'rows', 1, MAX_ROWS);
  requireMatrix(data, 'data', rows, dim);
  requireInteger(clusters, 'clusters', 1, rows);
  if (factors !== undefined || factorDim !== undefined) {
    requireInteger(factorDim, 'factorDim', 1, 2 ** 31 - 1);
    requireMatrix(factors, 'factors', rows, factorDim as number);
  }
  if (first !== undefined && first !== 'uniform' && first !== 'largest-norm')
    throw expected('uniform or largest-norm', 'first', first);
  if (seed !== undefined) requireInteger(seed, 'seed', 0);
}
