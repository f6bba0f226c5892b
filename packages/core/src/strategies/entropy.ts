import type { Strategy } from './strategy.js';
import { lowestRows } from './uncertainty.js';

/** The rows whose prediction has the highest entropy (Dagan and Engelson, 1995); ties by the lower row. */
export const entropy: Strategy = {
  name: 'entropy',
  needs: { labels: false, head: true },
  async select(context) {
    const scores = await context.uncertaintyScores();
    return { picks: lowestRows(scores.entropy, context, -1).map((row) => ({ row })) };
  },
};
