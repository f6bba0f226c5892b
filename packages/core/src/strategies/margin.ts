import type { Strategy } from './strategy.js';
import { lowestRows } from './uncertainty.js';

/** The rows whose two most probable classes are closest (Scheffer et al., 2001); ties by the lower row. */
export const margin: Strategy = {
  name: 'margin',
  needs: { labels: false, head: true },
  async select(context) {
    const scores = await context.uncertaintyScores();
    return { picks: lowestRows(scores.margin, context).map((row) => ({ row })) };
  },
};
