import type { Context } from '../context.js';
import { dot } from '../kernels/js/reduce.js';
import type { KMeansArgs } from '../kernels/kernels.js';
import { selectRows } from './select-rows.js';
import type { Clusters, StrategyPick } from './strategy.js';
import { weightedKMeans } from './weighted-k-means.js';

export interface ClusterOptions {
  /** Default true. */
  normalize?: boolean;
  /** Default Lloyd's, once. */
  clustering?: Pick<KMeansArgs, 'algorithm' | 'nInit'>;
  /** One a row: how much it counts. Default: all the same. Slower: see weightedKMeans. */
  weights?: Float64Array | undefined;
}

/**
 * One row from each of `budget` clusters of the rows, L2-normalised or as they are; fewer where clusters are empty. Rows of
 * a float32 pool in memory aren't copied, unless they are weighted.
 * @param rows of the pool, increasing
 */
export async function clusterPicks(
  context: Context,
  rows: ArrayLike<number>,
  { normalize = true, clustering, weights }: ClusterOptions = {},
): Promise<{ picks: StrategyPick[]; clusters?: Clusters }> {
  const { kernels, budget: clusters, seed } = context;
  const selection = await selectRows(context, rows, { normalize, copy: weights !== undefined });
  const { labels, centers, inertia } = await context.stage('cluster', (job) =>
    weights
      ? weightedKMeans({ ...selection, clusters, weights, seed }, job)
      : kernels.kmeans({ ...selection, clusters, seed, ...clustering, ...job }),
  );
  const sizes = new Array<number>(clusters).fill(0);
  for (const label of labels) sizes[label]++;
  const tolerance = normalize ? undefined : tieTolerance(centers, sizes, inertia);
  const members = await context.stage('nearest', (job) =>
    kernels.nearestMembers({ ...selection, centers, clusters, labels, tolerance, ...job }),
  );
  const picks = [...members.entries()]
    .filter(([, member]) => member >= 0)
    .map(([cluster, member]) => ({ row: rows[member], cluster, clusterSize: sizes[cluster] }));
  return { picks, clusters: { rows, labels } };
}

/**
 * How much two squared distances may differ by the rounding of the centers: about 1e-7 · distance · norm, so ten times
 * that for rows of any scale, by their root mean squares.
 */
function tieTolerance(centers: Float32Array, sizes: readonly number[], inertia: number): number {
  const rows = sizes.reduce((sum, size) => sum + size, 0);
  const dim = centers.length / sizes.length;
  let square = inertia / rows;
  for (const [k, size] of sizes.entries())
    square += (size / rows) * dot(centers, k * dim, centers, k * dim, dim);
  return 1e-6 * Math.sqrt((inertia / rows) * square);
}

/** What the picks lack of the budget, drawn without repeats from all rows left. */
export function fillAtRandom(
  { available, budget, rng }: Context,
  picks: readonly StrategyPick[],
): StrategyPick[] {
  if (picks.length >= budget) return [];
  const picked = new Set(picks.map(({ row }) => row));
  // Not `filter`, which boxes every number on its way.
  const left = new Float64Array(available.length - picked.size);
  let next = 0;
  for (const row of available) if (!picked.has(row)) left[next++] = row;
  return rng.sample(left.length, budget - picks.length).map((i) => ({ row: left[i], filled: true }));
}
