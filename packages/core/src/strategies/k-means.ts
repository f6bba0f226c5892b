import { nameRow } from '../context.js';
import { clusterPicks, fillAtRandom } from './cluster-picks.js';
import { configurable, oneOf } from './options.js';
import type { StrategyPick } from './strategy.js';

/**
 * The rows nearest the centers of `budget` clusters of all rows that may be picked (Lloyd from k-means++ seeds), the
 * largest cluster first, then the lower row; empty clusters, where fewer rows differ, are filled at random. Needs neither
 * labels nor head. `normalize=yes` clusters rows of unit length.
 *
 * Cost: N·D·B for each of at most 300 iterations; memory: the rows that may be picked, as float32.
 */
export const kMeans = configurable({
  name: 'k-means',
  needs: { labels: false, head: false },
  options: { normalize: oneOf('no', 'yes') },
  async select(context, { normalize }) {
    const { available, budget, pool } = context;
    // Every row is its own cluster.
    if (budget === available.length)
      return { picks: Array.from(available, (row): StrategyPick => ({ row })) };
    try {
      const { picks, clusters } = await clusterPicks(context, available, { normalize: normalize === 'yes' });
      picks.sort((a, b) => (b.clusterSize ?? 0) - (a.clusterSize ?? 0) || a.row - b.row);
      const filled = fillAtRandom(context, picks);
      const notes =
        filled.length === 0
          ? []
          : [`${filled.length} of ${budget} picks were filled at random: some clusters were empty`];
      return { picks: [...picks, ...filled], clusters, notes };
    } catch (error) {
      throw nameRow(error, pool, available);
    }
  },
});
