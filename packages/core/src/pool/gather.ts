import { AlfamixError, requireList, throwIfAborted } from '../errors.js';
import { DTYPE_BYTES } from '../formats/dtype.js';
import { allocate, openFile, READ_BYTES, readBytes } from '../formats/file-io.js';
import { assertUnchanged } from '../formats/file-stamp.js';
import { widenBytes } from '../formats/widen.js';
import type { FileSegment, RowSource } from '../kernels/kernels.js';
import { TimeSlice } from '../time-slice.js';
import { assertAttached, valuesOf } from './read-blocks.js';

/** Rows this close together in a file cost less read with what lies between than by a read of their own. */
const GAP_BYTES = 1 << 16;

/** Reads under way at once: one by one they would take as many turns of the event loop. */
const READS = 8;

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 1 << 10;

/** Values of a digit of the sort by row. */
const RADIX = 1 << 16;

/**
 * Copies the rows named, in the order given (repeats allowed), into one array of rows.length × dim. Of a file it
 * reads only what is needed, nearby rows together, through eight buffers of at most 1 MiB or one row each.
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
  requireList(rows, 'an array of rows', 'rows');
  const slice = new TimeSlice(signal, 4);
  const increasing = await checkRows(rows, poolRows, slice);
  const out = allocate(Float32Array, rows.length * dim, 'the gathered rows');
  if (!('segments' in source)) {
    assertAttached(source, poolRows, dim);
    for (let i = 0; i < rows.length; i++) {
      out.set(valuesOf(source, rows[i] * dim, dim), i * dim);
      if (i % ROWS_PER_LOOK !== 0 || !slice.due) continue;
      await slice.next();
      assertAttached(source, poolRows, dim);
    }
    return out;
  }
  const order = increasing ? undefined : await sortedOrder(rows, poolRows, slice);
  const from = (i: number) => (order === undefined ? i : order[i]);
  let next = 0;
  let first = 0;
  for (const segment of source.segments) {
    const begin = next;
    next = lowerBound(rows.length, (i) => rows[from(i)] >= first + segment.rows);
    if (next > begin)
      await gatherSegment({ segment, first, dim, rows, begin, end: next, from, out, slice, signal });
    first += segment.rows;
  }
  return out;
}

/** Throws for a row out of the pool; true when they are in order. */
async function checkRows(rows: ArrayLike<number>, poolRows: number, slice: TimeSlice): Promise<boolean> {
  let increasing = true;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (!(Number.isInteger(row) && row >= 0 && row < poolRows)) assertRow(row, poolRows, `rows[${i}]`);
    if (i > 0 && row < rows[i - 1]) increasing = false;
    if (i % ROWS_PER_LOOK === 0 && slice.due) await slice.next();
  }
  return increasing;
}

/** The positions of `rows` by row, equal ones as they stand: a radix sort, which can stop anywhere for the event loop. */
async function sortedOrder(
  rows: ArrayLike<number>,
  poolRows: number,
  slice: TimeSlice,
): Promise<Uint32Array> {
  let order = new Uint32Array(rows.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  let other = new Uint32Array(rows.length);
  for (let unit = 1; unit < poolRows; unit *= RADIX) {
    const digit = (i: number) => Math.floor(rows[i] / unit) % RADIX;
    const starts = new Uint32Array(RADIX + 1);
    for (let i = 0; i < order.length; i++) {
      starts[digit(i) + 1]++;
      if (i % ROWS_PER_LOOK === 0 && slice.due) await slice.next();
    }
    for (let k = 0; k < RADIX; k++) starts[k + 1] += starts[k];
    for (let i = 0; i < order.length; i++) {
      other[starts[digit(order[i])]++] = order[i];
      if (i % ROWS_PER_LOOK === 0 && slice.due) await slice.next();
    }
    [order, other] = [other, order];
  }
  return order;
}

/** The first of 0 … count − 1 for which it holds, given that it does for all after; `count` when for none. */
function lowerBound(count: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
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

interface SegmentJob {
  segment: FileSegment;
  /** The segment's first row. */
  first: number;
  dim: number;
  rows: ArrayLike<number>;
  /** Places `begin` to `end` in the order of rows lie in the segment. */
  begin: number;
  end: number;
  /** The position in `rows` of a place in that order. */
  from: (place: number) => number;
  out: Float32Array;
  slice: TimeSlice;
  signal: AbortSignal | undefined;
}

async function gatherSegment(job: SegmentJob): Promise<void> {
  const { segment, dim, signal } = job;
  const { dtype = 'float32' } = segment;
  const rowBytes = dim * DTYPE_BYTES[dtype];
  const { handle, stamp } = await openFile(segment.path, segment.path, segment.stamp);
  try {
    for (let { begin } = job; begin < job.end; ) {
      throwIfAborted(signal);
      const spans: Span[] = [];
      while (spans.length < READS && begin < job.end) {
        const span = nextSpan(job, begin, rowBytes);
        spans.push(span);
        begin = span.end;
      }
      const reads = spans.map(({ low, rows }) =>
        readBytes(handle, segment.offset + (low - job.first) * rowBytes, rows * rowBytes, segment.path),
      );
      // All have ended, well or not, before the file is closed.
      await Promise.allSettled(reads);
      for (const [i, span] of spans.entries())
        await copySpan(job, span, widenBytes(await reads[i], dtype, span.rows * dim));
    }
    await assertUnchanged(handle, stamp, segment.path);
  } finally {
    await handle.close();
  }
}

/** Rows read at once: those at places `begin` to `end`, among `rows` of the file from `low` on. */
interface Span {
  begin: number;
  end: number;
  low: number;
  rows: number;
}

function nextSpan({ rows, from, end: places }: SegmentJob, begin: number, rowBytes: number): Span {
  const maxSpan = Math.max(1, Math.floor(READ_BYTES / rowBytes));
  const maxStep = 1 + Math.floor(GAP_BYTES / rowBytes);
  const low = rows[from(begin)];
  let last = low;
  let end = begin + 1;
  for (; end < places; end++) {
    const row = rows[from(end)];
    if (row - low >= maxSpan || row - last > maxStep || end - begin >= maxSpan) break;
    last = row;
  }
  return { begin, end, low, rows: last - low + 1 };
}

async function copySpan(
  { rows, from, out, dim, slice }: SegmentJob,
  { begin, end, low }: Span,
  data: Float32Array,
): Promise<void> {
  for (let i = begin; i < end; i++) {
    const at = (rows[from(i)] - low) * dim;
    out.set(data.subarray(at, at + dim), from(i) * dim);
    if (i % ROWS_PER_LOOK === 0 && slice.due) await slice.next();
  }
}
