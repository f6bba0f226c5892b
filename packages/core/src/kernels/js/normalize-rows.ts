import type { NormalizeRowsArgs } from '../kernels.js';
import { validateNormalizeRows } from '../validate.js';
import { nonFiniteRow } from './flip-search.js';
import { dot } from './reduce.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/normalize_rows.cc. */
export async function normalizeRows(args: NormalizeRowsArgs): Promise<Float32Array> {
  validateNormalizeRows(args);
  const { data, rows, dim } = args;
  const out = new Float32Array(rows * dim);
  const slices = new Slices(rows, args);
  for (let i = 0; i < rows; i++) {
    const offset = i * dim;
    const norm = Math.sqrt(dot(data, offset, data, offset, dim));
    if (!Number.isFinite(norm)) throw nonFiniteRow(i);
    if (norm > 0) for (let j = 0; j < dim; j++) out[offset + j] = data[offset + j] / norm;
    if (slices.step(1)) await slices.turn();
  }
  slices.finish();
  return out;
}
