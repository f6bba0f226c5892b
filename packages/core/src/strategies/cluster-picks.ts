import type { Context } from '../context.js';
import type { Clusters, StrategyPick } from './strategy.js';

/** One row from each of `budget` clusters of the rows, L2-normalised; fewer where clusters are empty. */
export async function clusterPicks(
  context: Context,
  rows: number[],
): Promise<{ picks: StrategyPick[]; clusters?: Clusters }> {
  const { pool, kernels, budget: clusters, seed } = context;
  const shape = { rows: rows.length, dim: pool.dim };
  const gathered = await context.stage('gather', ({ signal }) => pool.gather(rows, { signal }));
  const data = await context.stage('normalize', (job) =>
    kernels.normalizeRows({ data: gathered, ...shape, ...job }),
  );
  const { labels, centers } = await context.stage('cluster', (job) =>
    kernels.kmeans({ data, ...shape, clusters, seed, ...job }),
  );
  const members = await context.stage('nearest', (job) =>
    kernels.nearestMembers({ data, ...shape, centers, clusters, labels, ...job }),
  );
  const sizes = new Array<number>(clusters).fill(0);
  for (const label of labels) sizes[label]++;
  const picks = [...members.entries()]
    .filter(([, member]) => member >= 0)
    .map(([cluster, member]) => ({ row: rows[member], cluster, clusterSize: sizes[cluster] }));
  return { picks, clusters: { rows, labels } };
}

/** What the picks lack of the budget, drawn without repeats from all rows left. */
export function fillAtRandom(
  { available, budget, rng }: Context,
  picks: readonly StrategyPick[],
): StrategyPick[] {
  if (picks.length >= budget) return [];
  const picked = new Set(picks.map(({ row }) => row));
  const left = available.filter((row) => !picked.has(row));
  return rng.sample(left.length, budget - picks.length).map((i) => ({ row: left[i], filled: true }));
}
