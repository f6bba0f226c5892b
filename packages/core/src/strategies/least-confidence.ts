import type { Strategy } from './strategy.js';
import { lowestRows } from './uncertainty.js';

/** The rows whose pseudo-label is least probable (Lewis and Gale, 1994); ties by the lower row. */
export const leastConfidence: Strategy = {
  name: 'least-confidence',
  needs: { labels: false, head: true },
  async select(context) {
    const { confidence } = await context.uncertaintyScores();
    return { picks: lowestRows(confidence, context).map((row) => ({ row })) };
  },
};
