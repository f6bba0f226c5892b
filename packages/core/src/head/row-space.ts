import { addScaled } from '../kernels/js/dense.js';
import { dot } from '../kernels/js/reduce.js';
import type { TimeSlice } from '../time-slice.js';

/** The labelled rows, centred, in coordinates that lose nothing: x_i = mean + Σ_j coordinates[i, j] · basis_j. */
export interface RowSpace {
  /** M×n. */
  coordinates: Float64Array;
  /** n: D, or the rank when the rows span less than all dimensions. */
  size: number;
  mean: Float64Array;
  /** n×D orthonormal rows; undefined when the coordinates are the dimensions themselves. */
  basis: Float64Array | undefined;
}

/** A residual this small against its row is rounding of the row (float32 input keeps about 1e-7). */
const RANK_TOLERANCE = 1e-11;

/**
 * Coordinates in which to fit a head. The ridge keeps the weight inside the span of the rows (whatever lies outside
 * costs and changes no logit) and the free bias absorbs the mean, so both changes leave the minimum where it is. With
 * fewer rows than dimensions the fit is D/M times cheaper.
 */
export async function rowSpace(
  embeddings: Float32Array,
  rows: number,
  dim: number,
  slice: TimeSlice,
): Promise<RowSpace> {
  const mean = new Float64Array(dim);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dim; j++) mean[j] += embeddings[i * dim + j];
    if ((i & 63) === 63 && slice.due) await slice.next();
  }
  for (let j = 0; j < dim; j++) mean[j] /= rows;
  const centred = new Float64Array(rows * dim);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dim; j++) centred[i * dim + j] = embeddings[i * dim + j] - mean[j];
    if ((i & 63) === 63 && slice.due) await slice.next();
  }
  if (rows > dim) return { coordinates: centred, size: dim, mean, basis: undefined };
  return { mean, ...(await orthonormalise(centred, rows, dim, slice)) };
}

/** Modified Gram–Schmidt, run twice on each row ("twice is enough", Kahan and Parlett); dependent rows add nothing. */
async function orthonormalise(
  centred: Float64Array,
  rows: number,
  dim: number,
  slice: TimeSlice,
): Promise<{ coordinates: Float64Array; size: number; basis: Float64Array }> {
  const basis = new Float64Array(rows * dim);
  const wide = new Float64Array(rows * rows);
  const row = new Float64Array(dim);
  let size = 0;
  for (let i = 0; i < rows; i++) {
    row.set(centred.subarray(i * dim, (i + 1) * dim));
    const norm = Math.sqrt(dot(row, 0, row, 0, dim));
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < size; k++) {
        const along = dot(row, 0, basis, k * dim, dim);
        wide[i * rows + k] += along;
        addScaled(row, 0, -along, basis, k * dim, dim);
        if ((k & 63) === 63 && slice.due) await slice.next();
      }
    }
    const rest = Math.sqrt(dot(row, 0, row, 0, dim));
    if (rest > RANK_TOLERANCE * norm) {
      for (let j = 0; j < dim; j++) basis[size * dim + j] = row[j] / rest;
      wide[i * rows + size] = rest;
      size++;
    }
    if (slice.due) await slice.next();
  }
  // At least one coordinate, so that rows all alike still make a matrix.
  size = Math.max(size, 1);
  const coordinates = new Float64Array(rows * size);
  for (let i = 0; i < rows; i++) {
    coordinates.set(wide.subarray(i * rows, i * rows + size), i * size);
    if ((i & 63) === 63 && slice.due) await slice.next();
  }
  return { coordinates, size, basis: basis.subarray(0, size * dim) };
}

/** W (C×D) from V (n×C), and the bias that goes with uncentred rows: W = Vᵀ·basis, b − W·mean. */
export async function leaveRowSpace(
  space: RowSpace,
  solution: Float64Array,
  classes: number,
  slice: TimeSlice,
): Promise<{ weight: Float64Array; bias: Float64Array }> {
  const { size, mean, basis } = space;
  const dim = mean.length;
  const weight = new Float64Array(classes * dim);
  const bias = solution.slice(classes * size);
  for (let c = 0; c < classes; c++) {
    for (let k = 0; k < size; k++) {
      const v = solution[k * classes + c];
      if (basis) addScaled(weight, c * dim, v, basis, k * dim, dim);
      else weight[c * dim + k] = v;
      if ((k & 63) === 63 && slice.due) await slice.next();
    }
    if (slice.due) await slice.next();
    bias[c] -= dot(weight, c * dim, mean, 0, dim);
  }
  return { weight, bias };
}
