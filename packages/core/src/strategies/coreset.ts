import type { Strategy } from './strategy.js';

/**
 * Core-set (Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach", ICLR 2018), its
 * k-Center-Greedy: each pick is the row farthest (Euclidean) from all labelled rows and earlier picks, the lowest row on
 * a tie. Needs no head. Cost: at most N·D·(M + B), usually far less; memory: the rows that may be picked, as float32.
 */
export const coreset: Strategy = {
  name: 'coreset',
  needs: { labels: true, head: false },
  async select(context) {
    const { kernels, available, budget, labeled } = context;
    const { rows } = await context.overAvailable('k-center', (args) =>
      kernels.kCenterGreedy({ ...args, centers: labeled?.embeddings, budget }),
    );
    return { picks: Array.from(rows, (i) => ({ row: available[i] })) };
  },
};
