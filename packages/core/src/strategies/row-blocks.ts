import { type Context, nameRow } from '../context.js';
import { Slices } from '../kernels/js/slices.js';
import type { JobOptions } from '../kernels/kernels.js';

/** What a block may take while it is worked on: 16 MiB of float32. */
const BLOCK_FLOATS = 1 << 22;
const FEWEST_ROWS = 64;

/** Consecutive available rows, as kernels take them. */
export interface RowBlock extends Pick<JobOptions, 'signal' | 'threads'> {
  /** rows × dim. */
  data: Float32Array;
  rows: number;
  dim: number;
}

/**
 * Works through the rows that may be picked, a block at a time, as the stage `name`: memory stays small, the pool is
 * read once.
 * @param floatsPerRow what the work holds for a row: decides how many make a block
 * @param work `first` is the block's first position in `context.available`; call `slices.step(0)` in long loops
 */
export async function overBlocks(
  context: Context,
  name: string,
  floatsPerRow: number,
  work: (block: RowBlock, first: number, slices: Slices) => Promise<void>,
): Promise<void> {
  const { pool, available } = context;
  const { dim, source } = pool;
  const most = Math.max(FEWEST_ROWS, Math.floor(BLOCK_FLOATS / (dim + floatsPerRow)));
  const whole = available.length === pool.rows && source instanceof Float32Array;
  await context.stage(name, async ({ signal, threads, onProgress }) => {
    const slices = new Slices(available.length, { signal, onProgress });
    for (let first = 0; first < available.length; first += most) {
      const taken = available.subarray(first, first + most);
      const rows = taken.length;
      const data = whole
        ? source.subarray(first * dim, (first + rows) * dim)
        : await pool.gather(taken, { signal });
      try {
        await work({ data, rows, dim, signal, threads }, first, slices);
      } catch (error) {
        throw nameRow(error, pool, taken);
      }
      slices.step(rows);
      await slices.turn();
    }
    slices.finish();
  });
}
