import type { Context } from '../context.js';
import type { KMeansArgs } from '../kernels/kernels.js';
import { smallest } from '../order.js';
import { clusterPicks } from './cluster-picks.js';
import type { MixCandidates } from './mix-candidates.js';
import type { Clusters, StrategyPick } from './strategy.js';

/** How picks are made from the candidates; the first is the paper's. */
export const DIVERSIFIERS = ['cluster', 'uniform', 'norm', 'symmetric-kl'] as const;
export type Diversifier = (typeof DIVERSIFIERS)[number];

/**
 * `budget` of the candidates at most, best first: one a cluster (the largest first, then the easiest to change);
 * drawn uniformly; those of the smallest ‖α‖; or those whose prediction the mix changes most. Ties by the lower row.
 *
 * @param tau weighs the clustered rows by exp(−ease / tau)
 * @param clustering how the clusters are found
 */
export async function diversify(
  context: Context,
  candidates: MixCandidates,
  how: Diversifier,
  tau?: number,
  clustering?: Pick<KMeansArgs, 'algorithm' | 'nInit'>,
): Promise<{ picks: StrategyPick[]; clusters?: Clusters }> {
  const { rows } = candidates;
  const { budget, rng } = context;
  if (how === 'cluster') return byCluster(context, candidates, tau, clustering);
  const most = Math.min(budget, rows.length);
  const order =
    how === 'uniform'
      ? rng.sample(rows.length, most)
      : how === 'norm'
        ? smallest(await candidates.norms(), most)
        : smallest(negated(await candidates.divergences()), most);
  return { picks: order.map((i) => ({ row: rows[i] })) };
}

async function byCluster(
  context: Context,
  { rows, ease }: MixCandidates,
  tau: number | undefined,
  clustering: Pick<KMeansArgs, 'algorithm' | 'nInit'> | undefined,
): Promise<{ picks: StrategyPick[]; clusters?: Clusters }> {
  const found =
    rows.length <= context.budget
      ? { picks: rows.map((row): StrategyPick => ({ row })) }
      : await clusterPicks(context, rows, {
          clustering,
          weights: tau === undefined ? undefined : weightsOf(rows, ease, tau),
        });
  found.picks.sort(
    (a, b) => (b.clusterSize ?? 0) - (a.clusterSize ?? 0) || ease[a.row] - ease[b.row] || a.row - b.row,
  );
  return found;
}

const negated = (values: Float32Array): Float32Array => values.map((value) => -value);

/** Relative to the largest, and no less than 1e-200 of it: a weight of 0 would be no row at all. */
function weightsOf(rows: readonly number[], ease: Float32Array, tau: number): Float64Array {
  let least = Number.POSITIVE_INFINITY;
  for (const row of rows) least = Math.min(least, ease[row]);
  return Float64Array.from(rows, (row) => Math.max(1e-200, Math.exp((least - ease[row]) / tau)));
}
