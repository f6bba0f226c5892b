import { Context, type StageProgress } from './context.js';
import { type ArgumentNames, expected, JOB_ARGUMENTS, requireArguments } from './errors.js';
import { agreementNote } from './head/agreement.js';
import { LinearHead } from './head/linear-head.js';
import {
  type BackendUsed,
  checkParts,
  checkPool,
  chooseKernels,
  rowsLeft,
  unavailableRows,
} from './inputs.js';
import type { BackendName } from './kernels/get-kernels.js';
import type { FlipSearchResult, Kernels } from './kernels/kernels.js';
import { requireInteger, validateJob } from './kernels/validate.js';
import type { LabeledSet } from './labels/labeled-set.js';
import { valuesAt } from './order.js';
import type { Pool } from './pool/pool.js';
import { Rng } from './random/xoshiro.js';
import { TimeSlice } from './time-slice.js';

export interface ScoreArgs {
  pool: Pool;
  /** The labelled rows: the anchors, and the training set of a head that isn't given. */
  labeled: LabeledSet;
  /** Default: fitted on `labeled`. */
  head?: LinearHead;
  /** Rows of the pool to leave out; labelled rows of the same pool always are. */
  exclude?: ArrayLike<number>;
  /** Default `auto`. */
  backend?: BackendName;
  /** Kernels to use instead of a backend's. */
  kernels?: Kernels;
  /** 1 … 256; default: the cores this process may use. */
  threads?: number;
  /** For the cross-validation of a fitted head. Default 0. */
  seed?: number;
  signal?: AbortSignal;
  onProgress?: StageProgress;
}

const ARGUMENTS: ArgumentNames<ScoreArgs> = {
  pool: true,
  labeled: true,
  head: true,
  exclude: true,
  seed: true,
  ...JOB_ARGUMENTS,
};

/** One value of each a row; excluded and labelled rows don't appear. */
export interface ScoreResult extends FlipSearchResult {
  /** The row of the pool, increasing. */
  row: Float64Array;
  /** The head used, given or fitted. */
  head: LinearHead;
  backend: BackendUsed;
  /** Milliseconds by stage: fit, score. */
  timings: Record<string, number>;
  /** Sentences a reader should see. */
  notes: string[];
}

/**
 * Every per-row number of the pool in one read of it: pseudo-label, confidence, margin, entropy, and the flip search
 * of ALFA-Mix.
 *
 * @throws INVALID_ARGUMENT, SHAPE_MISMATCH; NON_FINITE naming the row; IO; NATIVE_UNAVAILABLE, CUDA_UNAVAILABLE; ABORTED
 * @example
 * const { row, flipCap, entropy } = await score({ pool, labeled, head });
 */
export async function score(args: ScoreArgs): Promise<ScoreResult> {
  requireArguments(args, 'score', ARGUMENTS);
  const { pool, labeled, threads, seed = 0, signal, onProgress } = args;
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw expected('a function', 'onProgress', onProgress);
  validateJob({ signal, threads });
  requireInteger(seed, 'seed', 0);
  checkPool(pool);
  if (labeled === undefined) throw expected('a LabeledSet', 'labeled', labeled);
  checkParts(pool, labeled, args.head);
  const slice = new TimeSlice(signal);
  const available = await rowsLeft(await unavailableRows(pool, labeled, args.exclude, slice), slice);
  const { kernels, used } = await chooseKernels(args.backend ?? 'auto', args.kernels, threads, signal);
  const timings: Record<string, number> = {};
  const head =
    args.head ?? (await fitStage(labeled, seed, { kernels, threads, signal, onProgress, timings }));
  const doubt = args.head && (await agreementNote(head, labeled, kernels, { threads, signal }));
  const context = new Context({
    pool,
    head,
    labeled,
    kernels,
    rng: new Rng(seed),
    seed,
    budget: 0,
    alphaCap: 1,
    maxCandidates: undefined,
    available,
    threads,
    signal,
    onProgress,
    timings,
  });
  const scores = await context.flipScores();
  await slice.next();
  const kept = available.length === pool.rows ? scores : keepRows(scores, available);
  return { row: available, ...kept, head, backend: used(), timings, notes: doubt ? [doubt] : [] };
}

/** Fits a head as a stage of a longer run. */
export async function fitStage(
  labeled: LabeledSet,
  seed: number,
  run: {
    kernels: Kernels;
    threads?: number;
    signal?: AbortSignal;
    onProgress?: StageProgress;
    timings: Record<string, number>;
  },
): Promise<LinearHead> {
  const { kernels, threads, signal, onProgress, timings } = run;
  const start = performance.now();
  const head = await LinearHead.fit({
    labeled,
    seed,
    kernels,
    threads,
    signal,
    onProgress: onProgress && ((done, total) => onProgress('fit', done, total)),
  });
  timings.fit = performance.now() - start;
  return head;
}

function keepRows(scores: FlipSearchResult, rows: Float64Array): FlipSearchResult {
  const floats = (values: Float32Array) => valuesAt(values, rows);
  const integers = (values: Int32Array) => Int32Array.from(rows, (row) => values[row]);
  return {
    pseudoLabel: integers(scores.pseudoLabel),
    confidence: floats(scores.confidence),
    margin: floats(scores.margin),
    entropy: floats(scores.entropy),
    flipCap: floats(scores.flipCap),
    flipAnchor: integers(scores.flipAnchor),
    flipTo: integers(scores.flipTo),
  };
}
