import { expected } from '../errors.js';
import type { KMeansArgs, NearestMembersArgs, RowSelection } from './kernels.js';
import {
  requireFinite,
  requireInteger,
  requireMatrix,
  requireShape,
  requireTypedArray,
  validateJob,
} from './validate.js';

/** Rows are numbered in int32. */
const MAX_ROWS = 2 ** 31 - 1;

/** Checks which rows are meant; their finiteness is for the kernel. */
function validateSelection({ data, rows, dim, index, scale }: RowSelection): void {
  requireShape(rows, dim);
  requireInteger(rows, 'rows', 0, MAX_ROWS);
  if (index === undefined) requireMatrix(data, 'data', rows, dim);
  else {
    requireTypedArray(data, 'Float32Array', 'data');
    if (data.length % dim !== 0)
      throw expected(`a multiple of dim ${dim} values`, 'data', data.length, 'SHAPE_MISMATCH');
    requireTypedArray(index, 'Int32Array', 'index');
    if (index.length !== rows)
      throw expected(`${rows} values, one a row,`, 'index', index.length, 'SHAPE_MISMATCH');
    const last = data.length / dim - 1;
    for (let i = 0; i < rows; i++) {
      if (index[i] < 0 || index[i] > last) throw expected(`a row from 0 to ${last}`, `index[${i}]`, index[i]);
    }
  }
  if (scale === undefined) return;
  requireMatrix(scale, 'scale', rows, 1);
  requireFinite(scale, 'scale', 1);
}

/** Checks the arguments of `kmeans`; the finiteness of `data` is for the kernel. */
export function validateKMeans(args: KMeansArgs): void {
  validateJob(args);
  const { rows, dim, clusters, seed, nInit, maxIterations, initialCenters, algorithm } = args;
  validateSelection(args);
  requireInteger(clusters, 'clusters', 1, rows);
  if (seed !== undefined) requireInteger(seed, 'seed', 0);
  if (nInit !== undefined) requireInteger(nInit, 'nInit', 1, 2 ** 31 - 1);
  if (maxIterations !== undefined) requireInteger(maxIterations, 'maxIterations', 1, 2 ** 31 - 1);
  if (algorithm !== undefined && algorithm !== 'lloyd' && algorithm !== 'hartigan')
    throw expected('lloyd or hartigan', 'algorithm', algorithm);
  if (initialCenters === undefined) return;
  requireMatrix(initialCenters, 'initialCenters', clusters, dim);
  requireFinite(initialCenters, 'initialCenters', dim);
}

/** Checks the arguments of `nearestMembers`; the finiteness of `data` is for the kernel. */
export function validateNearestMembers(args: NearestMembersArgs): void {
  validateJob(args);
  const { rows, dim, clusters, labels, tolerance } = args;
  validateSelection(args);
  requireInteger(clusters, 'clusters', 1, 2 ** 31 - 1);
  requireMatrix(args.centers, 'centers', clusters, dim);
  requireFinite(args.centers, 'centers', dim);
  requireTypedArray(labels, 'Int32Array', 'labels');
  if (labels.length !== rows)
    throw expected(`${rows} values, one a row,`, 'labels', labels.length, 'SHAPE_MISMATCH');
  for (let row = 0; row < rows; row++) {
    if (labels[row] < 0 || labels[row] >= clusters) {
      throw expected(`a cluster from 0 to ${clusters - 1}`, `labels[${row}]`, labels[row]);
    }
  }
  if (tolerance !== undefined && !(Number.isFinite(tolerance) && tolerance >= 0)) {
    throw expected('a finite number of at least 0', 'tolerance', tolerance);
  }
}
