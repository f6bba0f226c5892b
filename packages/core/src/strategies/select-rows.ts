import type { Context } from '../context.js';
import { AlfamixError } from '../errors.js';
import { dot } from '../kernels/js/reduce.js';
import type { RowSelection } from '../kernels/kernels.js';
import { TimeSlice } from '../time-slice.js';

/** Norms whose inverse is a float32 of full precision. */
const LEAST_NORM = 1e-30;
const LARGEST_NORM = 1e30;

/**
 * Rows of the pool for a kernel that takes a selection: in place where the pool is float32 in memory, else gathered; of
 * unit length where `normalize`, rows of zeros as they are.
 * @param copy M×D of their own, without index and scale
 */
export async function selectRows(
  context: Context,
  rows: ArrayLike<number>,
  { normalize, copy }: { normalize: boolean; copy: boolean },
): Promise<RowSelection> {
  const { pool, kernels } = context;
  const shape = { rows: rows.length, dim: pool.dim };
  const { source } = pool;
  const selection: RowSelection =
    source instanceof Float32Array && !copy
      ? { data: source, index: Int32Array.from(rows), ...shape }
      : { data: await context.stage('gather', ({ signal }) => pool.gather(rows, { signal })), ...shape };
  if (!normalize) return selection;
  const scale = copy
    ? undefined
    : await context.stage('normalize', ({ signal }) => inverseNorms(selection, signal));
  if (scale) return { ...selection, scale };
  const data = selection.index
    ? await context.stage('gather', ({ signal }) => pool.gather(rows, { signal }))
    : selection.data;
  return {
    data: await context.stage('normalize', (job) => kernels.normalizeRows({ data, ...shape, ...job })),
    ...shape,
  };
}

/** Undefined where some norm's inverse isn't good enough. Throws NON_FINITE, naming the row's place. */
async function inverseNorms(
  { data, index, rows, dim }: RowSelection,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  const scale = new Float32Array(rows);
  const slice = new TimeSlice(signal);
  let good = true;
  for (let i = 0; i < rows; i++) {
    const from = (index ? index[i] : i) * dim;
    const norm = Math.sqrt(dot(data, from, data, from, dim));
    if (!Number.isFinite(norm)) {
      throw new AlfamixError('NON_FINITE', `expected finite values, found NaN or infinity in row ${i}`, {
        details: { row: i },
      });
    }
    if (norm > 0 && !(norm > LEAST_NORM && norm < LARGEST_NORM)) good = false;
    scale[i] = norm > 0 ? 1 / norm : 0;
    if (slice.due) await slice.next();
  }
  return good ? scale : undefined;
}
