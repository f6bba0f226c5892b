import { AlfamixError, expected } from '../errors.js';

/**
 * Checks that an array can be a pool of rows × dim in place.
 * @throws INVALID_ARGUMENT; SHAPE_MISMATCH when there are no rows or the length isn't rows × dim
 */
export function checkArray(data: Float32Array, { rows, dim }: { rows: number; dim: number }): void {
  if (!(data instanceof Float32Array)) throw expected('a Float32Array', 'data', data);
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
