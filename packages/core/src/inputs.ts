import { AlfamixError, expected } from './errors.js';
import { LinearHead } from './head/linear-head.js';
import { AutoKernels } from './kernels/auto-kernels.js';
import { type BackendName, type ResolvedKernels, resolveKernels } from './kernels/get-kernels.js';
import type { Backend, Kernels } from './kernels/kernels.js';
import { assertAttachedRows, LabeledSet } from './labels/labeled-set.js';
import type { Model } from './models/model.js';
import { Pool } from './pool/pool.js';
import type { TimeSlice } from './time-slice.js';

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 1 << 16;

/** The kernels that did the work. */
export interface BackendUsed {
  name: Backend;
  /** Instruction set: `js`, `scalar`, `avx2` …; `cuda` where a kernel ran on a device. */
  level: string;
  threads: number;
  /** Why not a faster backend, or not for every kernel, when `auto` had to fall back. */
  reason?: string;
  /** The CUDA device in use, by name. */
  device?: string;
  /** The kernels that `auto` ran on the device; the others ran on the CPU. */
  onDevice?: readonly string[];
  /** The BLAS that `ALFAMIX_BLAS` names, which logits may be products of: they are within rounding of our own then. */
  blas?: string;
  /** Why the BLAS that `ALFAMIX_BLAS` names isn't used. */
  blasReason?: string;
}

/** @throws INVALID_ARGUMENT when it isn't a pool, or a closed one */
export function checkPool(pool: unknown, name = 'pool'): asserts pool is Pool {
  if (!(pool instanceof Pool)) throw expected('a Pool', name, pool);
  // Reading `source` throws on a closed pool: now, not after a head has been fitted.
  void pool.source;
}

/** Checks that labels and head are what they should be, and fit the pool and each other. */
export function checkParts(pool: Pool, labeled: LabeledSet | undefined, head: LinearHead | undefined): void {
  if (labeled !== undefined && !(labeled instanceof LabeledSet))
    throw expected('a LabeledSet', 'labeled', labeled);
  if (labeled !== undefined) assertAttachedRows(labeled);
  if (head !== undefined && !(head instanceof LinearHead)) throw expected('a LinearHead', 'head', head);
  for (const [part, what] of [
    [labeled, 'the labelled embeddings'],
    [head, 'the head'],
  ] as const) {
    if (part === undefined || part.dim === pool.dim) continue;
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected dimension ${pool.dim}, that of the pool (${pool.name}), for ${what}, got ${part.dim}`,
      { details: { pool: pool.dim, got: part.dim } },
    );
  }
  if (labeled && head) checkLabels(labeled, head);
}

/** Checks that model and inputs come together, and that the inputs are the pool's, row for row. */
export function checkModel(pool: Pool, model: Model | undefined, inputs: Pool | undefined): void {
  if (model === undefined && inputs === undefined) return;
  if (typeof model?.embed !== 'function') throw expected('a Model, which inputs need,', 'model', model);
  checkPool(inputs, 'inputs');
  if (inputs.rows !== pool.rows)
    throw expected(`${pool.rows} rows, those of the pool,`, 'inputs', inputs.rows, 'SHAPE_MISMATCH');
}

function checkLabels({ labels, classNames }: LabeledSet, head: LinearHead): void {
  const outside = labels.findIndex((label) => label >= head.classes);
  if (outside >= 0) {
    const what = `a class index below ${head.classes}, the number of the head's classes,`;
    throw expected(what, `labels[${outside}]`, labels[outside]);
  }
  const mismatch = classNames?.findIndex((name, i) => head.classNames && head.classNames[i] !== name) ?? -1;
  if (mismatch >= 0) {
    const name = JSON.stringify(head.classNames?.[mismatch]);
    throw expected(
      `${name}, as the head has it,`,
      `class name ${mismatch} of the labels`,
      classNames?.[mismatch],
    );
  }
}

/** Marks the rows that may not be picked: the excluded ones, and the labelled ones when they are rows of this pool. */
export async function unavailableRows(
  pool: Pool,
  labeled: LabeledSet | undefined,
  exclude: ArrayLike<number> | undefined,
  slice: TimeSlice,
): Promise<Uint8Array> {
  // Calls made in one turn of the event loop don't add up to one long turn.
  await slice.next();
  const mask = new Uint8Array(pool.rows);
  if (labeled?.pool === pool && labeled.poolRows) {
    for (const row of labeled.poolRows) mask[row] = 1;
  }
  if (exclude === undefined) return mask;
  if (typeof exclude !== 'object' || exclude === null || typeof exclude.length !== 'number') {
    throw expected('an array of rows', 'exclude', exclude);
  }
  for (let i = 0; i < exclude.length; i++) {
    const row = exclude[i];
    if (!Number.isInteger(row) || row < 0 || row >= pool.rows) {
      throw expected(`a row of the pool, 0 to ${pool.rows - 1},`, `exclude[${i}]`, row);
    }
    mask[row] = 1;
    if (i % ROWS_PER_LOOK === 0 && slice.due) await slice.next();
  }
  return mask;
}

/** The rows left by a mask, increasing. */
export async function rowsLeft(mask: Uint8Array, slice: TimeSlice): Promise<Float64Array> {
  let count = 0;
  for (let row = 0; row < mask.length; row++) {
    count += 1 - mask[row];
    if (row % ROWS_PER_LOOK === 0 && slice.due) await slice.next();
  }
  const rows = new Float64Array(count);
  for (let row = 0, i = 0; row < mask.length; row++) {
    if (!mask[row]) rows[i++] = row;
    if (row % ROWS_PER_LOOK === 0 && slice.due) await slice.next();
  }
  return rows;
}

/** The kernels given, or those of the backend; and what to report about them once they have run. */
export async function chooseKernels(
  backend: BackendName,
  given: Kernels | undefined,
  threads: number | undefined,
  signal?: AbortSignal,
): Promise<{ kernels: Kernels; used: () => BackendUsed }> {
  if (given !== undefined && typeof given?.flipSearch !== 'function')
    throw expected('Kernels', 'kernels', given);
  const resolved: ResolvedKernels = given
    ? { kernels: given, threads: defaultThreads(given) }
    : await resolveKernels(backend, { signal });
  // Kernels may be shared by runs: each has its own record.
  const kernels = resolved.kernels instanceof AutoKernels ? resolved.kernels.fresh() : resolved.kernels;
  return { kernels, used: () => describeUse({ ...resolved, kernels }, threads) };
}

function describeUse(resolved: ResolvedKernels, threads: number | undefined): BackendUsed {
  const { kernels } = resolved;
  const record = kernels instanceof AutoKernels ? kernels.record : undefined;
  const device = kernels.device ?? record?.device;
  const used: BackendUsed = {
    name: device === undefined ? kernels.backend : 'cuda',
    level: device === undefined ? kernels.level : 'cuda',
    threads: kernels.backend === 'js' ? 1 : (threads ?? resolved.threads),
  };
  const reason = resolved.reason ?? record?.reason;
  if (reason !== undefined) used.reason = reason;
  if (device !== undefined) used.device = device;
  if (record !== undefined && record.kernels.length > 0) used.onDevice = record.kernels;
  if (kernels.blas !== undefined) used.blas = kernels.blas;
  if (kernels.blasReason !== undefined) used.blasReason = kernels.blasReason;
  return used;
}

function defaultThreads(kernels: Kernels): number {
  return 'threads' in kernels && typeof kernels.threads === 'number' ? kernels.threads : 1;
}
