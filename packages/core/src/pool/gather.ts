import { AlfamixError, throwIfAborted } from '../errors.js';
import { DTYPE_BYTES } from '../formats/dtype.js';
import { allocate, openFile, READ_BYTES, readBytes } from '../formats/file-io.js';
import { assertUnchanged } from '../formats/file-stamp.js';
import { widenBytes } from '../formats/widen.js';
import type { FileSegment, RowSource } from '../kernels/kernels.js';
import { yieldToLoop } from '../yield.js';
import { assertAttached, valuesOf } from './read-blocks.js';

/** Rows this close together in a file cost less read with what lies between than by a read of their own. */
const GAP_BYTES = 1 << 16;

/** Values copied before the event loop may turn: well under a millisecond. */
const VALUES_PER_TURN = 1 << 16;

/**
 * Copies the rows named, in the order given (repeats allowed), into one array of rows.length × dim. Of a file it
 * reads only what is needed, nearby rows together, through a buffer of at most 1 MiB or one row.
 *
 * @throws INVALID_ARGUMENT for a row out of the pool; IO when a file is gone, changed or ends early; ABORTED
 */
export async function gatherRows(
  source: RowSource,
  poolRows: number,
  dim: number,
  rows: ArrayLike<number>,
  signal?: AbortSignal,
): Promise<Float32Array> {
  throwIfAborted(signal);
  for (let i = 0; i < rows.length; i++) assertRow(rows[i], poolRows, `rows[${i}]`);
  const out = allocate(Float32Array, rows.length * dim, 'the gathered rows');
  if (!('segments' in source)) {
    assertAttached(source, poolRows, dim);
    const rowsPerTurn = Math.max(1, Math.floor(VALUES_PER_TURN / dim));
    for (let i = 0; i < rows.length; i++) {
      out.set(valuesOf(source, rows[i] * dim, dim), i * dim);
      if ((i + 1) % rowsPerTurn !== 0) continue;
      await yieldToLoop();
      throwIfAborted(signal);
      assertAttached(source, poolRows, dim);
    }
    return out;
  }
  const order = Uint32Array.from({ length: rows.length }, (_, i) => i).sort(
    (a, b) => rows[a] - rows[b] || a - b,
  );
  let next = 0;
  let first = 0;
  for (const segment of source.segments) {
    const begin = next;
    while (next < order.length && rows[order[next]] < first + segment.rows) next++;
    if (next > begin)
      await gatherSegment(segment, first, dim, rows, order.subarray(begin, next), out, signal);
    first += segment.rows;
  }
  return out;
}

/** @throws INVALID_ARGUMENT unless `row` is a row of a pool of `poolRows` */
export function assertRow(row: number, poolRows: number, name: string): void {
  if (Number.isInteger(row) && row >= 0 && row < poolRows) return;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected a row of the pool, 0 to ${poolRows - 1}, for ${name}, got ${String(row)}`,
    { details: { name, row, poolRows } },
  );
}

/** `order` holds positions in `rows`, sorted by row, all within the segment, whose first row is `first`. */
async function gatherSegment(
  segment: FileSegment,
  first: number,
  dim: number,
  rows: ArrayLike<number>,
  order: Uint32Array,
  out: Float32Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { dtype = 'float32' } = segment;
  const rowBytes = dim * DTYPE_BYTES[dtype];
  const maxSpan = Math.max(1, Math.floor(READ_BYTES / rowBytes));
  const maxStep = 1 + Math.floor(GAP_BYTES / rowBytes);
  const { handle, stamp } = await openFile(segment.path, segment.path, segment.stamp);
  try {
    let begin = 0;
    while (begin < order.length) {
      throwIfAborted(signal);
      const from = rows[order[begin]];
      let end = begin + 1;
      while (end < order.length) {
        const row = rows[order[end]];
        if (row - from >= maxSpan || row - rows[order[end - 1]] > maxStep) break;
        end++;
      }
      const span = rows[order[end - 1]] - from + 1;
      const position = segment.offset + (from - first) * rowBytes;
      const bytes = await readBytes(handle, position, span * rowBytes, segment.path);
      const data = widenBytes(bytes, dtype, span * dim);
      for (let i = begin; i < end; i++) {
        const at = (rows[order[i]] - from) * dim;
        out.set(data.subarray(at, at + dim), order[i] * dim);
      }
      begin = end;
    }
    await assertUnchanged(handle, stamp, segment.path);
  } finally {
    await handle.close();
  }
}
