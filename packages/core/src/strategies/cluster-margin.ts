import type { Context } from '../context.js';
import { averageLinkage } from './average-linkage.js';
import { configurable, count } from './options.js';
import { pairDistances } from './pair-distances.js';
import type { StrategyResult } from './strategy.js';
import { lowestRows } from './uncertainty.js';

/**
 * Cluster-Margin (Citovsky et al., "Batch Active Learning at Scale", NeurIPS 2021): of the `factor` · B rows with the
 * smallest margins one from each of B clusters, drawn at random, from the smallest cluster to the largest (ties: the one
 * with the lower row).
 *
 * Unlike the paper, which clusters the whole pool once, for all batches, up to a distance to be tuned, only the
 * rows of small margin are clustered (average linkage, Euclidean), and their tree is cut where B clusters are left: nothing
 * needs tuning, and a pool of millions no tree. With B clusters the paper's rounds over them end after one.
 *
 * Cost: O(m²·D) for m = factor · B rows and 2·m² bytes; m is at most the option `most` (a note says so), or B, where nothing is
 * left to cluster and the strategy is margin's.
 */
export const clusterMargin = configurable({
  name: 'cluster-margin',
  needs: { labels: false, head: true },
  options: {
    factor: count(10),
    /** Rows that are clustered at most: 10,000 take 200 MB. */
    most: count(10_000),
  },
  async select(context, { factor, most: mostClustered }) {
    const { available, budget } = context;
    const wanted = Math.min(factor * budget, available.length);
    const most = Math.max(budget, Math.min(wanted, mostClustered));
    const { margin } = await context.uncertaintyScores();
    const rows = lowestRows(margin, { available, budget: most });
    if (most === budget) {
      const notes =
        budget < wanted ? [`a budget above ${mostClustered} rows is not clustered: margin's picks`] : [];
      return { picks: rows.map((row) => ({ row })), candidates: most, notes };
    }
    const notes = most < wanted ? [`${most} rows of the smallest margins were clustered, not ${wanted}`] : [];
    const found = await oneOfEach(
      context,
      rows.sort((a, b) => a - b),
    );
    return { ...found, candidates: most, notes };
  },
});

async function oneOfEach(context: Context, rows: number[]): Promise<StrategyResult> {
  const { pool, kernels, budget, rng } = context;
  const data = await context.stage('gather', ({ signal }) => pool.gather(rows, { signal }));
  const distances = await context.stage('distances', (job) =>
    pairDistances(kernels, data, rows.length, pool.dim, job),
  );
  const labels = await context.stage('cluster', (job) => averageLinkage(distances, rows.length, budget, job));
  const members = Array.from({ length: budget }, (): number[] => []);
  for (const [i, label] of labels.entries()) members[label].push(rows[i]);
  const picks = [...members.entries()]
    .sort(([a, first], [b, second]) => first.length - second.length || a - b)
    .map(([cluster, own]) => ({ row: own[rng.below(own.length)], cluster, clusterSize: own.length }));
  return { picks, clusters: { rows, labels } };
}
