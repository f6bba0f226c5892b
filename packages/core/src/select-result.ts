import type { Context } from './context.js';
import type { FitReport } from './head/fit-report.js';
import type { CapCount } from './ladder.js';
import { Rng } from './random/xoshiro.js';
import type { StrategyPick, StrategyResult } from './strategies/strategy.js';
import { lowestRows } from './strategies/uncertainty.js';
import { yieldToLoop } from './yield.js';

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

/** The strategy's picks with what the scores say of them. */
export function makePicks({ pool, scored }: Context, picks: readonly StrategyPick[]): Pick[] {
  return picks.map(({ row, cluster, clusterSize, filled = false }, i) => ({
    rank: i + 1,
    row,
    ...(pool.ids && { id: pool.idOf(row) }),
    pseudoLabel: scored?.scores.pseudoLabel[row],
    flipCap: scored?.flip?.flipCap[row],
    cluster,
    clusterSize,
    filled,
  }));
}

/** @param fit the report of a head fitted in this run */
export async function makeStats(
  context: Context,
  result: StrategyResult,
  fit: FitReport | undefined,
): Promise<SelectStats> {
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
  await yieldToLoop();
  const margin = common(lowestRows(scored.scores.margin, context));
  await yieldToLoop();
  const random = common(new Rng(seed).sample(available.length, budget).map((i) => available[i]));
  stats.overlap = { margin, random };
  return stats;
}
