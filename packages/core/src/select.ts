import { Context, type StageProgress } from './context.js';
import { AlfamixError, expected } from './errors.js';
import type { FitReport } from './head/fit-report.js';
import type { LinearHead } from './head/linear-head.js';
import {
  type BackendUsed,
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
import type { CapCount } from './ladder.js';
import type { Pool } from './pool/pool.js';
import { Rng } from './random/xoshiro.js';
import { fitStage } from './score.js';
import { getStrategy } from './strategies/index.js';
import type { Strategy, StrategyPick, StrategyResult } from './strategies/strategy.js';
import { lowestRows } from './strategies/uncertainty.js';

export interface SelectArgs {
  pool: Pool;
  /** The labelled rows: the anchors, and the training set of a head that isn't given. */
  labeled?: LabeledSet;
  /** Default: fitted on `labeled`, for a strategy that needs one. */
  head?: LinearHead;
  /** B, how many rows to pick: 1 … the rows that may be picked. */
  budget: number;
  /** A name of `strategyNames`, or a strategy of your own. Default `alfa-mix`. */
  strategy?: string | Strategy;
  /** Start and step of the ladder of alpha caps, above 0. Default 0.2, the paper's. */
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

export interface Pick {
  /** From 1; a prefix of the picks is a good smaller batch. */
  rank: number;
  /** 0-based row of the pool. */
  row: number;
  /** For a pool with ids. */
  id?: string;
  /** What the head predicts; undefined when the strategy asked for no scores. */
  pseudoLabel: number | undefined;
  /** The alpha cap at which its prediction flips, maybe Infinity; undefined when no flip search was made. */
  flipCap: number | undefined;
  /** Where the strategy clusters. */
  cluster: number | undefined;
  clusterSize: number | undefined;
  /** Drawn at random, because the strategy ran out of rows of its own. */
  filled: boolean;
}

export interface SelectStats {
  /** Rows with a flip cap below each cap of the ladder (the 64 at most that end with the one used). */
  candidatesPerCap: CapCount[];
  /** Picks drawn at random. */
  filled: number;
  /** Picks by pseudo-label, one count a class; empty when the strategy asked for no scores. */
  classCounts: number[];
  /** How many of the picks margin and random would also have made, with the same budget and seed. */
  overlap?: { margin: number; random: number };
  poolRows: number;
  /** Rows that could not be picked: excluded, or labelled. */
  excludedRows: number;
  /** Sentences a reader should see. */
  notes: string[];
  /** How the head was fitted, when it was. */
  head?: FitReport;
}

export interface SelectResult {
  picks: Pick[];
  /** Rows the strategy chose among, where it has such a notion. */
  candidates: number | undefined;
  /** The alpha cap in use, where the strategy has one. */
  capUsed: number | undefined;
  stats: SelectStats;
  /** Milliseconds by stage: fit, score, gather, normalize, cluster, nearest, total. */
  timings: Record<string, number>;
  backend: BackendUsed;
  /** The head used, given or fitted; undefined for a strategy without one. */
  head: LinearHead | undefined;
}

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
  const { pool, labeled, budget, threads, seed = 0, signal, onProgress } = args;
  const strategy = getStrategy(args.strategy ?? 'alfa-mix');
  checkSettings(args);
  checkPool(pool);
  checkParts(pool, labeled, args.head);
  checkNeeds(strategy, args);
  const available = rowsLeft(unavailableRows(pool, labeled, args.exclude));
  checkBudget(budget, pool, available.length);
  const { kernels, used } = chooseKernels(args.backend ?? 'auto', args.kernels, threads);
  const timings: Record<string, number> = {};
  const fitted =
    strategy.needs.head && !args.head && labeled
      ? await fitStage(labeled, seed, { signal, onProgress, timings })
      : undefined;
  const head = args.head ?? fitted;
  const context = new Context({
    pool,
    head,
    labeled,
    kernels,
    rng: new Rng(seed),
    seed,
    budget,
    alphaCap: args.alphaCap ?? 0.2,
    maxCandidates: args.maxCandidates,
    available,
    threads,
    signal,
    onProgress,
    timings,
  });
  const result = await strategy.select(context);
  checkResult(strategy, result, context);
  timings.total = performance.now() - start;
  const stats = makeStats(context, result, fitted?.fitted);
  const { candidates, capUsed } = result;
  return {
    picks: makePicks(context, result.picks),
    candidates,
    capUsed,
    stats,
    timings,
    backend: used,
    head,
  };
}

function checkSettings({
  alphaCap,
  maxCandidates,
  budget,
  seed,
  threads,
  signal,
  onProgress,
}: SelectArgs): void {
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
  if (maxCandidates !== undefined)
    requireInteger(maxCandidates, 'maxCandidates (at least the budget)', budget);
}

function checkNeeds({ name, needs }: Strategy, { labeled, head }: SelectArgs): void {
  if (needs.labels && !labeled) throw expected(`labels, which strategy ${name} needs,`, 'labeled', labeled);
  if (needs.head && !head && !labeled) {
    throw expected(`a head, or labels to fit one, which strategy ${name} needs,`, 'head', head);
  }
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

/** A strategy of the caller's own may get it wrong. */
function checkResult({ name }: Strategy, { picks }: StrategyResult, { available, budget }: Context): void {
  const rows = new Set(picks.map(({ row }) => row));
  if (picks.length !== budget || rows.size !== budget) {
    const got = `${picks.length} of which ${rows.size} differ`;
    throw new AlfamixError('INTERNAL', `expected ${budget} different rows from strategy ${name}, got ${got}`);
  }
  const allowed = new Set(available);
  for (const row of rows) {
    if (allowed.has(row)) continue;
    throw new AlfamixError('INTERNAL', `expected rows that may be picked from strategy ${name}, got ${row}`);
  }
}

function makePicks({ pool, scored }: Context, picks: readonly StrategyPick[]): Pick[] {
  return picks.map(({ row, cluster, clusterSize, filled = false }, i) => ({
    rank: i + 1,
    row,
    ...(pool.ids && { id: pool.idOf(row) }),
    pseudoLabel: scored?.scores.pseudoLabel[row],
    flipCap: scored?.flipped ? scored.scores.flipCap[row] : undefined,
    cluster,
    clusterSize,
    filled,
  }));
}

function makeStats(context: Context, result: StrategyResult, fit: FitReport | undefined): SelectStats {
  const { pool, available, budget, seed, head, scored } = context;
  const picked = new Set(result.picks.map(({ row }) => row));
  const notes = [...(result.notes ?? [])];
  const warning = fit?.crossValidation?.warning ?? fit?.warning;
  if (warning !== undefined) notes.push(warning);
  const stats: SelectStats = {
    candidatesPerCap: result.candidatesPerCap ?? [],
    filled: result.picks.filter(({ filled }) => filled).length,
    classCounts: [],
    poolRows: pool.rows,
    excludedRows: pool.rows - available.length,
    notes,
  };
  if (fit) stats.head = fit;
  if (!scored || !head) return stats;
  stats.classCounts = new Array<number>(head.classes).fill(0);
  for (const row of picked) stats.classCounts[scored.scores.pseudoLabel[row]]++;
  const common = (rows: readonly number[]) => rows.filter((row) => picked.has(row)).length;
  stats.overlap = {
    margin: common(lowestRows(scored.scores.margin, context)),
    random: common(new Rng(seed).sample(available.length, budget).map((i) => available[i])),
  };
  return stats;
}
