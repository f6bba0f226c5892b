import { csvField, type Pick, type Pool, type SelectResult } from '@alfamix/core';
import { className } from '../inputs/classes.js';
import type { Inputs } from '../inputs/load.js';
import { formatFloat32 } from '../output/float32.js';
import { formatCount } from '../terminal/format.js';
import {
  type BackendUsed,
  describeBackend,
  describeCaps,
  describeCounts,
  describeTimings,
  formatFacts,
} from '../terminal/summary.js';
import { describeFit, type FitReport, fitWarnings } from './head.js';

export const PICK_COLUMNS = [
  'rank',
  'row',
  'id',
  'pseudo_label',
  'flip_cap',
  'cluster',
  'cluster_size',
] as const;

/** The fields of a pick, as PICK_COLUMNS has them; empty where there is none. */
export function pickFields(pick: Pick, pool: Pool, classNames: readonly string[] | undefined): string[] {
  const { rank, row, pseudoLabel, flipCap, cluster, clusterSize } = pick;
  const label = pseudoLabel === undefined ? '' : className(pseudoLabel, classNames);
  const cap = flipCap === undefined ? '' : formatFloat32(flipCap);
  return [rank, row, pool.idOf(row), label, cap, cluster ?? '', clusterSize ?? ''].map(String);
}

/** The lines of picks.csv. */
export function* pickLines(
  picks: readonly Pick[],
  pool: Pool,
  classNames: readonly string[] | undefined,
): Generator<string> {
  for (const pick of picks) yield pickFields(pick, pool, classNames).map(csvField).join(',');
}

/** What a selection found, as the manifest and --json give it. */
export interface PickFacts {
  readonly picks: number;
  /** Of these, drawn at random because there were fewer candidates than picks. */
  readonly filled: number;
  readonly candidates: number | undefined;
  readonly capUsed: number | undefined;
  readonly candidatesPerCap: readonly { cap: number; count: number }[];
  /** Picks by pseudo-label. */
  readonly classCounts: Readonly<Record<string, number>>;
  readonly head: FitReport | undefined;
  /** How many of the picks margin and random would have picked too. */
  readonly overlap: { margin: number; random: number } | undefined;
  readonly poolRows: number;
  readonly labelledRows: number;
  /** Rows given by --exclude. */
  readonly excludedRows: number;
  /** Rows that could be picked. */
  readonly availableRows: number;
  readonly notes: readonly string[];
}

type PickInputs = { [Key in 'classNames' | 'labeled' | 'exclude' | 'notes']: Inputs[Key] };

export function pickFacts(
  { picks, candidates, capUsed, stats }: SelectResult,
  { classNames, labeled, exclude, notes }: PickInputs,
  fitted: FitReport | undefined,
): PickFacts {
  return {
    picks: picks.length,
    filled: stats.filled,
    candidates,
    capUsed,
    candidatesPerCap: stats.candidatesPerCap,
    classCounts: Object.fromEntries(stats.classCounts.map((count, i) => [className(i, classNames), count])),
    head: fitted,
    overlap: stats.overlap,
    poolRows: stats.poolRows,
    labelledRows: labeled?.rows ?? 0,
    excludedRows: exclude.length,
    availableRows: stats.poolRows - stats.excludedRows,
    notes: [...notes, ...stats.notes, ...fitWarnings(fitted)],
  };
}

/** The summary as people read it. */
export function describePicks(
  facts: PickFacts,
  run: { strategy: string; backend: BackendUsed; timings: Readonly<Record<string, number>> },
): string {
  const { picks, poolRows, availableRows, candidates, capUsed, candidatesPerCap, overlap } = facts;
  const taken = poolRows - availableRows;
  const less = taken > 0 ? `; ${formatCount(taken)} labelled or excluded` : '';
  return formatFacts([
    ['picks', `${formatCount(picks)} of ${formatCount(poolRows)} rows (${run.strategy}${less})`],
    ['candidates', candidates === undefined ? undefined : describeCaps(candidatesPerCap, capUsed)],
    ['by class', describeCounts(Object.entries(facts.classCounts))],
    ['head', describeFit(facts.head)],
    ['overlap', overlap && `${overlap.margin} with margin's picks, ${overlap.random} with random's`],
    ['backend', describeBackend(run.backend)],
    ['timings', describeTimings(run.timings)],
    ...facts.notes.map((note) => ['note', note] as const),
  ]);
}
