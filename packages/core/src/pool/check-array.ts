import { AlfamixError, expected } from '../errors.js';
import type { EmbeddingDType, RowSource } from '../kernels/kernels.js';

/** What a pool in memory may be made of; 16-bit floats come as their bits, with their dtype. */
export type PoolArray = Float32Array | Float64Array | Uint16Array;

/**
 * Checks that an array can be a pool of rows × dim in place, and says how kernels read it.
 * @throws INVALID_ARGUMENT; SHAPE_MISMATCH when there are no rows or the length isn't rows × dim
 */
export function checkArray(
  data: PoolArray,
  { rows, dim, dtype }: { rows: number; dim: number; dtype?: EmbeddingDType },
): RowSource {
  const source = sourceOf(data, dtype);
  for (const [name, value] of [
    ['rows', rows],
    ['dim', dim],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 0) throw expected('a positive integer', name, value);
  }
  if (isDetached(data.buffer)) {
    throw new AlfamixError('INVALID_ARGUMENT', 'expected an attached buffer for data, got a detached one');
  }
  if (canResize(data.buffer)) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      'expected a buffer of fixed length for data, got a resizable or growable one',
    );
  }
  if (rows === 0) {
    throw new AlfamixError('SHAPE_MISMATCH', 'empty pool: expected at least 1 for rows, got 0');
  }
  if (dim === 0) throw expected('at least 1', 'dim', dim, 'SHAPE_MISMATCH');
  if (data.length !== rows * dim) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${rows} × ${dim} = ${rows * dim} values for data, got ${data.length}`,
      { details: { rows, dim, length: data.length } },
    );
  }
  return source;
}

function sourceOf(data: PoolArray, dtype: unknown): RowSource {
  const fits = (wanted: EmbeddingDType) => {
    if (dtype !== undefined && dtype !== wanted) throw expected(wanted, 'dtype', dtype);
  };
  if (data instanceof Float32Array) {
    fits('float32');
    return data;
  }
  if (data instanceof Float64Array) {
    fits('float64');
    return { dtype: 'float64', values: data };
  }
  if (!(data instanceof Uint16Array)) {
    throw expected('a Float32Array, Float64Array or (16-bit floats) Uint16Array', 'data', data);
  }
  if (dtype !== 'float16' && dtype !== 'bfloat16')
    throw expected('float16 or bfloat16, which the Uint16Array holds,', 'dtype', dtype);
  return { dtype, values: data };
}

/** `ArrayBuffer.prototype.detached` is newer than Node 20; a view of a detached buffer can't be made. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function canResize(buffer: ArrayBufferLike): boolean {
  return (
    ('resizable' in buffer && buffer.resizable === true) || ('growable' in buffer && buffer.growable === true)
  );
}
