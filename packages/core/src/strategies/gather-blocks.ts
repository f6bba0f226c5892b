import type { Pool } from '../pool/pool.js';

/** Numbers gathered at a time: 4 MiB as float32. */
const BLOCK_VALUES = 1 << 20;

export interface GatheredBlock {
  /** Position in the list of rows of the block's first. */
  start: number;
  /** n, how many rows it has. */
  rows: number;
  /** n×D. */
  data: Float32Array;
}

/** Copies rows of a pool in the order given, a block at a time: work on many rows then needs the memory of a few. */
export async function* gatherBlocks(
  pool: Pool,
  rows: Float64Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<GatheredBlock, void, undefined> {
  const length = Math.max(1, Math.floor(BLOCK_VALUES / pool.dim));
  for (let start = 0; start < rows.length; start += length) {
    const some = rows.subarray(start, start + length);
    yield { start, rows: some.length, data: await pool.gather(some, { signal }) };
  }
}
