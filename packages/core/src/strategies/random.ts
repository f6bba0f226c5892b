import type { Strategy } from './strategy.js';

/** Rows drawn uniformly, without repeats. */
export const random: Strategy = {
  name: 'random',
  needs: { labels: false, head: false },
  async select({ available, budget, rng }) {
    return { picks: rng.sample(available.length, budget).map((i) => ({ row: available[i] })) };
  },
};
