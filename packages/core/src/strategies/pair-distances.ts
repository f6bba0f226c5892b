import { dot, squaredDistance } from '../kernels/js/reduce.js';
import { Slices } from '../kernels/js/slices.js';
import type { JobOptions, Kernels } from '../kernels/kernels.js';
import { pairIndex } from './average-linkage.js';

/** Numbers in a block of inner products: 4 MiB. */
const BLOCK_VALUES = 1 << 20;
/** Below this share of the rows' squared norms a squared distance from inner products has too few digits. */
const CANCELLED = 1e-3;

/**
 * The Euclidean distances of all pairs of m×D rows, at pairIndex. From inner products of the centered rows, on the
 * kernels; close pairs anew in double. Cost: m²·D/2; memory: 2·m² bytes, and a centered copy of the rows.
 */
export async function pairDistances(
  kernels: Kernels,
  given: Float32Array,
  rows: number,
  dim: number,
  job: JobOptions = {},
): Promise<Float32Array> {
  const slices = new Slices(rows, job);
  const quiet = { ...job, onProgress: undefined };
  const data = await centered(given, rows, dim, slices);
  const squares = Float64Array.from({ length: rows }, (_, i) => dot(data, i * dim, data, i * dim, dim));
  const distances = new Float32Array((rows * (rows - 1)) / 2);
  for (let start = 0; start < rows - 1; ) {
    const classes = rows - start;
    const n = Math.min(classes, Math.max(1, Math.floor(BLOCK_VALUES / Math.max(dim, classes))));
    const rest = data.subarray(start * dim);
    const head = { weight: rest, bias: new Float32Array(classes), classes };
    const products = await kernels.logits({
      data: rest.subarray(0, n * dim),
      rows: n,
      dim,
      ...head,
      ...quiet,
    });
    for (let r = 0; r < n; r++) {
      const i = start + r;
      for (let j = i + 1; j < rows; j++) {
        const scale = squares[i] + squares[j];
        let square = scale - 2 * products[r * classes + j - start];
        if (square < CANCELLED * scale) square = squaredDistance(data, i * dim, data, j * dim, dim);
        distances[pairIndex(i, j, rows)] = Math.sqrt(square);
      }
      if (slices.step(1)) await slices.turn();
    }
    start += n;
  }
  slices.finish();
  return distances;
}

async function centered(
  given: Float32Array,
  rows: number,
  dim: number,
  slices: Slices,
): Promise<Float32Array> {
  const mean = new Float64Array(dim);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dim; j++) mean[j] += given[i * dim + j] / rows;
    if (slices.step(0)) await slices.turn();
  }
  const data = new Float32Array(rows * dim);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dim; j++) data[i * dim + j] = given[i * dim + j] - mean[j];
    if (slices.step(0)) await slices.turn();
  }
  return data;
}
