import type { Context } from '../context.js';
import { expected } from '../errors.js';
import type { KMeansAlgorithm } from '../kernels/kernels.js';
import { searchedCandidates } from './alpha-search.js';
import { closedFormCandidates } from './closed-form-candidates.js';
import { fillAtRandom } from './cluster-picks.js';
import { DIVERSIFIERS, type Diversifier, diversify } from './diversify.js';
import type { MixCandidates } from './mix-candidates.js';
import { between, configurable, count, oneOf } from './options.js';

/** The reference's alpha cap for an α that is searched for. */
const SEARCHED_CAP = 0.03125;
const DEFAULT_TAU = 0.2;
/** Times a learned α is looked at: the reference's iterations. */
const LEARNING_LOOKS = 5;

type Weights = 'none' | 'flip-cap';
type Alpha = 'closed-form' | 'learned' | 'random';

/**
 * ALFA-Mix (Parvaneh et al., "Active Learning by Feature Mixing", CVPR 2022): rows whose prediction changes when
 * they are mixed, a little, with some class's anchor; of those, one from each of `budget` clusters.
 *
 * Candidates are the rows with a flip cap below the first rung of the cap ladder that has more than `budget` of them
 * (else the last rung). L2-normalised, they go through k-means with `budget` clusters, and each cluster gives its own
 * member nearest the center: the largest cluster first, then the smallest flip cap, then the lowest row. A shortfall
 * is filled at random, without repeats, from all rows left.
 *
 * Options, each a variant of the paper's ablations: `alpha`, where the mixes come from: in closed form (alpha cap 0.2), or
 * `learned` or drawn at `random` (alpha cap 0.03125; see searchedCandidates); `diversify`, how picks are made from the
 * candidates. An experiment of our own: `weights=flip-cap` clusters with each row counting exp(−flip cap / `tau`), so that
 * the centers lie among the rows whose prediction is easiest to change (needs the other two at their defaults). `clustering`
 * and `nInit` are those of the k-means: `hartigan` and more tries end at a lower inertia, for more time, and didn't label better in
 * twenty seeds on two data sets (docs/results.md), so that the defaults are the paper's.
 */
export const alfaMix = configurable({
  name: 'alfa-mix',
  needs: { labels: true, head: true },
  options: {
    alpha: oneOf<Alpha>('closed-form', 'learned', 'random'),
    diversify: oneOf(...DIVERSIFIERS),
    weights: oneOf<Weights>('none', 'flip-cap'),
    tau: between(0, Number.POSITIVE_INFINITY, DEFAULT_TAU),
    clustering: oneOf<KMeansAlgorithm>('lloyd', 'hartigan'),
    nInit: count(1),
  },
  alphaCap: ({ alpha }) => (alpha === 'closed-form' ? undefined : SEARCHED_CAP),
  async select(context, options) {
    const { budget } = context;
    const tau = tauOf(options);
    const clustering = clusteringOf(options);
    const candidates = await candidatesOf(context, options.alpha, options.diversify === 'symmetric-kl');
    const { rows, total, used, candidatesPerCap, easiest } = candidates;
    const notes: string[] = [];
    if (rows.length < total) {
      const done = options.diversify === 'cluster' ? 'clustered' : 'considered';
      notes.push(`${rows.length} of ${total} candidates were ${done}, ${easiest} (maxCandidates)`);
    }
    const { picks, clusters } = await diversify(context, candidates, options.diversify, tau, clustering);
    const filled = fillAtRandom(context, picks);
    if (filled.length > 0) {
      const why = total < budget ? `only ${total} rows are candidates` : 'some clusters were empty';
      notes.push(`${filled.length} of ${budget} picks were filled at random: ${why}`);
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
});

/** Undefined where rows aren't weighed. */
function tauOf({
  alpha,
  diversify: how,
  weights,
  tau,
}: {
  alpha: Alpha;
  diversify: Diversifier;
  weights: Weights;
  tau: number;
}): number | undefined {
  if (weights === 'none') {
    if (tau !== DEFAULT_TAU) throw expected('flip-cap, which tau is for,', 'weights', weights);
    return undefined;
  }
  if (alpha !== 'closed-form')
    throw expected('closed-form, which has the flip caps that weights need,', 'alpha', alpha);
  if (how !== 'cluster') throw expected('cluster, which weights are for,', 'diversify', how);
  return tau;
}

function clusteringOf({
  diversify: how,
  weights,
  clustering,
  nInit,
}: {
  diversify: Diversifier;
  weights: Weights;
  clustering: KMeansAlgorithm;
  nInit: number;
}): { algorithm: KMeansAlgorithm; nInit: number } {
  const name = clustering === 'lloyd' ? 'nInit' : 'clustering';
  if (clustering !== 'lloyd' || nInit !== 1) {
    if (how !== 'cluster') throw expected(`cluster, which ${name} is for,`, 'diversify', how);
    if (weights !== 'none') throw expected(`none, which ${name} needs,`, 'weights', weights);
  }
  return { algorithm: clustering, nInit };
}

function candidatesOf(context: Context, alpha: Alpha, divergences: boolean): Promise<MixCandidates> {
  if (alpha === 'closed-form') return closedFormCandidates(context);
  return searchedCandidates(context, { looks: alpha === 'learned' ? LEARNING_LOOKS : 1, divergences });
}
