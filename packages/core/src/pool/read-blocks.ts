import { AlfamixError, expected, throwIfAborted } from '../errors.js';
import { DTYPE_BYTES } from '../formats/dtype.js';
import { openFile, READ_BYTES, readBytes } from '../formats/file-io.js';
import { assertUnchanged } from '../formats/file-stamp.js';
import { widen, widenBytes } from '../formats/widen.js';
import type { FileRows, RowSource } from '../kernels/kernels.js';

/** Consecutive rows of a pool. */
export interface Block {
  /** The first row's number in the pool. */
  start: number;
  rows: number;
  /** rows × dim. From float32 memory a view of the source, else an array of the block's own. */
  data: Float32Array;
}

export interface BlockOptions {
  /** Checked before each block. */
  signal?: AbortSignal;
  /** Default: as many as fit in 1 MiB, at least one. */
  blockRows?: number;
}

/**
 * Walks the rows of a source in order, in blocks. Files are read through one descriptor at a time, which is closed
 * whether the walk ends, fails or is left early; memory in use is one block, whatever the file's size.
 *
 * @throws IO when a file is gone, changed or ends early; ABORTED; INVALID_ARGUMENT for an array that was detached meanwhile
 * @example
 * for await (const { start, rows, data } of readBlocks(pool.source, pool.rows, pool.dim)) …
 */
export async function* readBlocks(
  source: RowSource,
  rows: number,
  dim: number,
  options: BlockOptions = {},
): AsyncGenerator<Block, void, undefined> {
  const blockRows = options.blockRows ?? Math.max(1, Math.floor(READ_BYTES / (4 * dim)));
  if (!Number.isSafeInteger(blockRows) || blockRows < 1) {
    throw expected('a positive integer', 'blockRows', options.blockRows);
  }
  if ('segments' in source) {
    yield* readFileBlocks(source, dim, blockRows, options.signal);
    return;
  }
  for (let start = 0; start < rows; start += blockRows) {
    throwIfAborted(options.signal);
    assertAttached(source, rows, dim);
    const count = Math.min(blockRows, rows - start);
    yield { start, rows: count, data: valuesOf(source, start * dim, count * dim) };
  }
}

/** `count` values of rows in memory from `first` on: a view of float32 ones, else widened. */
export function valuesOf(source: Exclude<RowSource, FileRows>, first: number, count: number): Float32Array {
  if (!('dtype' in source)) return source.subarray(first, first + count);
  return widen(source.values.subarray(first, first + count), source.dtype, new Float32Array(count));
}

/** An array that was whole when the pool was made may have been transferred to a worker since. */
export function assertAttached(source: Exclude<RowSource, FileRows>, rows: number, dim: number): void {
  const { length } = 'dtype' in source ? source.values : source;
  if (length >= rows * dim) return;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected ${rows * dim} values for the pool's array, got ${length}: its buffer was detached`,
  );
}

/** What reading the first file that can't be opened would throw; undefined where each can. */
export async function whyUnreadable({ segments }: FileRows): Promise<unknown> {
  for (const { path, stamp } of segments) {
    try {
      await (await openFile(path, path, stamp)).handle.close();
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

async function* readFileBlocks(
  source: FileRows,
  dim: number,
  blockRows: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Block, void, undefined> {
  let start = 0;
  for (const segment of source.segments) {
    throwIfAborted(signal);
    const { dtype = 'float32' } = segment;
    const size = DTYPE_BYTES[dtype];
    const { handle, stamp } = await openFile(segment.path, segment.path, segment.stamp);
    try {
      for (let row = 0; row < segment.rows; row += blockRows) {
        throwIfAborted(signal);
        const count = Math.min(blockRows, segment.rows - row);
        const position = segment.offset + row * dim * size;
        const bytes = await readBytes(handle, position, count * dim * size, segment.path);
        const data = widenBytes(bytes, dtype, count * dim);
        await assertUnchanged(handle, stamp, segment.path);
        yield { start: start + row, rows: count, data };
      }
    } finally {
      await handle.close();
    }
    start += segment.rows;
  }
}
