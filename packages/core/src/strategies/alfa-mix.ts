import type { Context } from '../context.js';
import { type CapCount, Ladder } from '../ladder.js';
import { orderStatistic, smallest, valuesAt } from '../order.js';
import { yieldToLoop } from '../yield.js';
import { clusterPicks, fillAtRandom } from './cluster-picks.js';
import type { Strategy, StrategyPick } from './strategy.js';

/**
 * ALFA-Mix (Parvaneh et al., "Active Learning by Feature Mixing", CVPR 2022): rows whose prediction changes when
 * they are mixed, a little, with some class's anchor; of those, one from each of `budget` clusters.
 *
 * Candidates are the rows with a flip cap below the first rung of the cap ladder that has more than `budget` of them
 * (else the last rung). L2-normalised, they go through k-means with `budget` clusters, and each cluster gives its own
 * member nearest the center: the largest cluster first, then the smallest flip cap, then the lowest row. A shortfall
 * is filled at random, without repeats, from all rows left.
 */
export const alfaMix: Strategy = {
  name: 'alfa-mix',
  needs: { labels: true, head: true },
  async select(context) {
    const { flipCap } = await context.flipScores();
    const { rows, used, total, candidatesPerCap } = await candidatesOf(context, flipCap);
    const notes: string[] = [];
    if (rows.length < total) {
      notes.push(
        `${rows.length} of ${total} candidates were clustered, those with the lowest flip caps (maxCandidates)`,
      );
    }
    const { picks, clusters } =
      rows.length <= context.budget
        ? { picks: rows.map((row): StrategyPick => ({ row })) }
        : await clusterPicks(context, rows);
    rank(picks, flipCap);
    const filled = fillAtRandom(context, picks);
    if (filled.length > 0) {
      const why = total < context.budget ? `only ${total} rows are candidates` : 'some clusters were empty';
      notes.push(`${filled.length} of ${context.budget} picks were filled at random: ${why}`);
    }
    return {
      picks: [...picks, ...filled],
      candidates: total,
      capUsed: used,
      candidatesPerCap,
      clusters,
      notes,
    };
  },
};

interface Candidates {
  /** Increasing. */
  rows: number[];
  /** How many there were before maxCandidates. */
  total: number;
  /** The cap. */
  used: number;
  candidatesPerCap: CapCount[];
}

async function candidatesOf(
  { available, alphaCap, budget, maxCandidates }: Context,
  flipCap: Float32Array,
): Promise<Candidates> {
  const ladder = new Ladder(alphaCap);
  const caps = valuesAt(flipCap, available);
  const rung = ladder.rungFor(orderStatistic(caps, budget));
  await yieldToLoop();
  const used = ladder.cap(rung);
  let kept: number[] = [];
  for (let i = 0; i < caps.length; i++) {
    if (caps[i] < used) kept.push(i);
  }
  const total = kept.length;
  if (maxCandidates !== undefined && total > maxCandidates) {
    // The candidates are the rows of the lowest flip caps, so the lowest of all rows are the lowest of them.
    kept = smallest(caps, maxCandidates).sort((a, b) => a - b);
  }
  await yieldToLoop();
  const candidatesPerCap = ladder.counts(caps, rung);
  await yieldToLoop();
  return { rows: kept.map((i) => available[i]), total, used, candidatesPerCap };
}

function rank(picks: StrategyPick[], flipCap: Float32Array): void {
  picks.sort(
    (a, b) => (b.clusterSize ?? 0) - (a.clusterSize ?? 0) || flipCap[a.row] - flipCap[b.row] || a.row - b.row,
  );
}
