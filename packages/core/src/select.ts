import { Context, type StageProgress } from './context.js';
import {
  AlfamixError,
  type ArgumentNames,
  describe,
  expected,
  JOB_ARGUMENTS,
  requireArguments,
} from './errors.js';
import { agreementNote } from './head/agreement.js';
import type { LinearHead } from './head/linear-head.js';
import {
  type BackendUsed,
  checkModel,
  checkParts,
  checkPool,
  chooseKernels,
  rowsLeft,
  unavailableRows,
} from './inputs.js';
import type { BackendName } from './kernels/get-kernels.js';
import type { Kernels } from './kernels/kernels.js';
import { requireInteger, validateJob } from './kernels/validate.js';
import type { LabeledSet } from './labels/labeled-set.js';
import type { Model } from './models/model.js';
import type { Pool } from './pool/pool.js';
import { Rng } from './random/xoshiro.js';
import { fitStage } from './score.js';
import { makePicks, makeStats, type Pick, type SelectStats } from './select-result.js';
import {
  DEFAULT_ALPHA_CAP,
  defaultAlphaCap,
  describeStrategy,
  getStrategy,
  hasLadder,
} from './strategies/index.js';
import type { Clusters, Strategy, StrategyFunction, StrategyResult } from './strategies/strategy.js';
import { TimeSlice } from './time-slice.js';

/** The least normal double. */
const LEAST_CAP = 2 ** -1022;

export interface SelectArgs {
  pool: Pool;
  /** The labelled rows: the anchors, and the training set of a head that isn't given. */
  labeled?: LabeledSet;
  /** Default: the model's; without a model fitted on `labeled`, for a strategy that needs one. */
  head?: LinearHead;
  /** The network that made the pool of `inputs`: for strategies that ask more of it than embeddings and head. */
  model?: Model;
  /** What the network was given for the pool, row for row; needed with `model`. */
  inputs?: Pool;
  /** B, how many rows to pick: 1 … the rows that may be picked. */
  budget: number;
  /**
   * A name of `strategyNames`, with options after colons (`bald:passes=20`), or a strategy of your own: an object, or a
   * function of the context that gives rows. Default `alfa-mix`.
   */
  strategy?: string | Strategy | StrategyFunction;
  /**
   * Start and step of the ladder of alpha caps, above 0; its last rung is the first that is at least 1. Default 0.2, the
   * paper's; 0.03125 for α learned or random. For alfa-mix alone, as is `maxCandidates`.
   */
  alphaCap?: number;
  /** Cluster only so many candidates, those of the lowest flip caps; at least the budget. Default: all. */
  maxCandidates?: number;
  /** Rows of the pool that may not be picked; labelled rows of the same pool never are. */
  exclude?: ArrayLike<number>;
  /** 0 … 2^53 − 1; default 0. Same seed, same picks. */
  seed?: number;
  /** Default `auto`. */
  backend?: BackendName;
  /** Kernels to use instead of a backend's. */
  kernels?: Kernels;
  /** 1 … 256; default: the cores this process may use. The picks don't depend on it. */
  threads?: number;
  signal?: AbortSignal;
  onProgress?: StageProgress;
}

export interface SelectResult {
  picks: Pick[];
  /** Rows the strategy chose among, where it has such a notion. */
  candidates: number | undefined;
  /** The alpha cap in use, where the strategy has one. */
  capUsed: number | undefined;
  /** Where the strategy clusters: whom each pick stands for. */
  clusters: Clusters | undefined;
  stats: SelectStats;
  /** Milliseconds by stage: fit, score, gather, normalize, cluster, nearest, total. */
  timings: Record<string, number>;
  backend: BackendUsed;
  /** The head used, given or fitted; undefined for a strategy without one. */
  head: LinearHead | undefined;
}

const ARGUMENTS: ArgumentNames<SelectArgs> = {
  pool: true,
  labeled: true,
  head: true,
  model: true,
  inputs: true,
  budget: true,
  strategy: true,
  alphaCap: true,
  maxCandidates: true,
  exclude: true,
  seed: true,
  ...JOB_ARGUMENTS,
};

/**
 * Chooses the rows of a pool to label next.
 *
 * @throws INVALID_ARGUMENT, SHAPE_MISMATCH; NON_FINITE naming the row; IO; NATIVE_UNAVAILABLE, CUDA_UNAVAILABLE; ABORTED
 * @example
 * const pool = Pool.fromArray(embeddings, { rows: 1000, dim: 512 });
 * const labeled = await LabeledSet.fromPool(pool, { rows: [3, 14, 15], labels: [0, 1, 0] });
 * const { picks } = await select({ pool, labeled, budget: 100 });
 * picks[0].row;
 */
export async function select(args: SelectArgs): Promise<SelectResult> {
  const start = performance.now();
  requireArguments(args, 'select', ARGUMENTS);
  const { pool, labeled, budget, threads, seed = 0, signal, onProgress } = args;
  const strategy = getStrategy(args.strategy ?? 'alfa-mix');
  checkSettings(args, strategy);
  checkPool(pool);
  checkModel(pool, args.model, args.inputs);
  const given = args.head ?? args.model?.head;
  checkParts(pool, labeled, given);
  checkNeeds(strategy, { ...args, head: given });
  const slice = new TimeSlice(signal);
  const available = await rowsLeft(await unavailableRows(pool, labeled, args.exclude, slice), slice);
  checkBudget(budget, pool, available.length);
  const { kernels, used } = await chooseKernels(args.backend ?? 'auto', args.kernels, threads, signal);
  const timings: Record<string, number> = {};
  const fitted =
    strategy.needs.head && !given && labeled
      ? await fitStage(labeled, seed, { kernels, threads, signal, onProgress, timings })
      : undefined;
  const head = given ?? fitted;
  const doubt =
    given && labeled ? await agreementNote(given, labeled, kernels, { threads, signal }) : undefined;
  await slice.next();
  const context = new Context({
    pool,
    head,
    labeled,
    model: args.model,
    inputs: args.inputs,
    kernels,
    rng: new Rng(seed),
    seed,
    budget,
    alphaCap: args.alphaCap ?? defaultAlphaCap(strategy) ?? DEFAULT_ALPHA_CAP,
    maxCandidates: args.maxCandidates,
    available,
    threads,
    signal,
    onProgress,
    timings,
  });
  // What follows relies on its fields.
  Object.freeze(context);
  const result = await strategy.select(context);
  await slice.next();
  checkResult(strategy, result, available, args);
  timings.total = performance.now() - start;
  await slice.next();
  const stats = await makeStats(context, result, fitted?.fitted);
  stats.notes.push(...unused(args, strategy));
  if (doubt !== undefined) stats.notes.push(doubt);
  const { candidates, capUsed, clusters } = result;
  await slice.next();
  return {
    picks: makePicks(context, result.picks),
    candidates,
    capUsed,
    clusters,
    stats,
    timings,
    backend: used(),
    head,
  };
}

function checkSettings(
  { alphaCap, maxCandidates, budget, seed, threads, signal, onProgress }: SelectArgs,
  strategy: Strategy,
): void {
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw expected('a function', 'onProgress', onProgress);
  validateJob({ signal, threads });
  requireInteger(budget, 'budget', 1);
  if (seed !== undefined) requireInteger(seed, 'seed', 0);
  if (
    alphaCap !== undefined &&
    !(typeof alphaCap === 'number' && alphaCap > 0 && Number.isFinite(alphaCap))
  ) {
    throw expected('a finite number above 0', 'alphaCap', alphaCap);
  }
  // The ladder has 1 / alphaCap rungs, which must be a number.
  if (alphaCap !== undefined && alphaCap < LEAST_CAP)
    throw expected(`at least ${LEAST_CAP}`, 'alphaCap', alphaCap);
  if (maxCandidates !== undefined && hasLadder(strategy))
    requireInteger(maxCandidates, 'maxCandidates (at least the budget)', budget);
}

/** Settings that count for nothing, as notes. */
function unused({ alphaCap, maxCandidates }: SelectArgs, strategy: Strategy): string[] {
  if (hasLadder(strategy)) return [];
  return Object.entries({ alphaCap, maxCandidates })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `${name} is not used: strategy ${strategy.name} has no ladder of alpha caps`);
}

function checkNeeds({ name, needs }: Strategy, { labeled, head, model }: SelectArgs): void {
  if (needs.labels && !labeled) throw expected(`labels, which strategy ${name} needs,`, 'labeled', labeled);
  if (needs.head && !head && !labeled) {
    throw expected(`a head, or labels to fit one, which strategy ${name} needs,`, 'head', head);
  }
  if (needs.model && !model)
    throw expected(`a model and its inputs, which strategy ${name} needs,`, 'model', model);
}

function checkBudget(budget: number, pool: Pool, available: number): void {
  if (available === 0) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected at least one row of the pool (${pool.name}) that may be picked, got none: all ${pool.rows} are labelled or excluded`,
    );
  }
  if (budget <= available) return;
  const taken = pool.rows - available;
  const left =
    taken === 0 ? `the rows of the pool` : `the pool's ${pool.rows} rows less ${taken} labelled or excluded`;
  throw expected(`at most ${available}, ${left},`, 'budget', budget);
}

/** A strategy of the caller's own may get it wrong; if one of ours does, that is no mistake of the caller's. */
function checkResult(
  strategy: Strategy,
  result: StrategyResult,
  available: Float64Array,
  { budget, strategy: given }: SelectArgs,
): void {
  const code = given === undefined || typeof given === 'string' ? 'INTERNAL' : 'INVALID_ARGUMENT';
  const wrong = (what: string, got: string) =>
    new AlfamixError(code, `expected ${what} from ${describeStrategy(strategy)}, got ${got}`);
  const picks: unknown = result?.picks;
  if (!Array.isArray(picks)) throw wrong('an array of picks', describe(picks));
  const different = `${budget} different rows`;
  if (picks.length > budget) throw wrong(different, String(picks.length));
  const rows = new Set<number>(picks.map((pick) => pick?.row));
  if (picks.length !== budget || rows.size !== budget)
    throw wrong(different, `${picks.length} of which ${rows.size} differ`);
  for (const row of rows) {
    if (!includesSorted(available, row)) throw wrong('rows that may be picked', describe(row));
  }
}

function includesSorted(sorted: Float64Array, value: number): boolean {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}
