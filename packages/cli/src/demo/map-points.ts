import { type LabeledSet, type Pool, Rng, type ScoreResult, type SelectResult } from '@alfamix/core';
import type { MapPoint } from '../report/pool-map.js';
import { project } from '../report/project.js';

/** Laying out more rows takes too long, and their points would cover each other. */
export const MAX_MAP_ROWS = 3000;

export interface MapInput {
  readonly pool: Pool;
  readonly labeled: LabeledSet;
  readonly scores: ScoreResult;
  readonly selection: SelectResult;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * The points of the pool map. All picks and labelled rows are on it; a pool above 3,000 rows is thinned at random.
 *
 * @returns the points, and how many rows of the pool they show
 */
export async function mapPoints(input: MapInput): Promise<{ points: MapPoint[]; poolRows: number }> {
  const { pool, labeled, scores, selection, seed, signal, onProgress } = input;
  const rankOf = new Map(selection.picks.map(({ row, rank }) => [row, rank]));
  const shown = thin(scores.row.length, (i) => rankOf.has(scores.row[i]), seed);
  const rows = shown.map((i) => scores.row[i]);
  const data = await pool.gather(rows, { signal });
  const { dim } = pool;
  const vectors = [
    ...rows.map((_, i) => data.subarray(i * dim, (i + 1) * dim)),
    ...Array.from({ length: labeled.rows }, (_, i) => labeled.embeddings.subarray(i * dim, (i + 1) * dim)),
  ];
  const places = await project(vectors, { seed, signal, onProgress });
  const cap = selection.capUsed ?? Number.NEGATIVE_INFINITY;
  const points = places.map(([x, y], place): MapPoint => {
    if (place >= rows.length) return { x, y, label: labeled.labels[place - rows.length], kind: 'labelled' };
    const i = shown[place];
    const rank = rankOf.get(scores.row[i]);
    const kind = rank !== undefined ? 'pick' : scores.flipCap[i] < cap ? 'candidate' : 'pool';
    return { x, y, label: scores.pseudoLabel[i], kind, rank };
  });
  return { points, poolRows: rows.length };
}

/** Positions 0 … count − 1, or a random few that hold all that must be kept. */
export function thin(count: number, keep: (i: number) => boolean, seed: number): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (count <= MAX_MAP_ROWS) return all;
  const kept = all.filter(keep);
  const others = all.filter((i) => !keep(i));
  const drawn = new Rng(seed).sample(others.length, Math.max(0, MAX_MAP_ROWS - kept.length));
  return [...kept, ...drawn.map((i) => others[i])].sort((a, b) => a - b);
}
