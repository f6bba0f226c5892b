import type { Context } from '../context.js';
import { Slices } from '../kernels/js/slices.js';
import { softmaxRow } from './softmax.js';
import type { Strategy } from './strategy.js';

/**
 * BADGE (Ash, Zhang, Krishnamurthy, Langford and Agarwal, "Deep Batch Active Learning by Diverse, Uncertain Gradient
 * Lower Bounds", ICLR 2020): k-means++ on the gradient embeddings, the gradient of the cross-entropy by the head's
 * weight with the pseudo-label ŷ as target, g = (p − e_ŷ) ⊗ z. The first pick has the largest norm; each other is drawn
 * with probability proportional to the squared distance to the nearest pick before (the exact D² law); no row twice.
 *
 * g is never formed: ⟨g_i, g_j⟩ = ⟨a_i, a_j⟩⟨z_i, z_j⟩ with a = p − e_ŷ, so a distance costs D + C and memory is
 * N·(D + C) floats instead of N·D·C. Needs a head; no labels.
 */
export const badge: Strategy = {
  name: 'badge',
  needs: { labels: false, head: true },
  async select(context) {
    const { kernels, available, budget, seed } = context;
    const { factors, factorDim } = await gradientFactors(context);
    const { rows } = await context.overAvailable('k-means++', (args) =>
      kernels.kmeansPlusPlus({
        ...args,
        factors,
        factorDim,
        clusters: budget,
        first: 'largest-norm',
        seed,
      }),
    );
    return { picks: Array.from(rows, (i) => ({ row: available[i] })) };
  },
};

/** p − e_ŷ of each available row. */
async function gradientFactors(context: Context): Promise<{ factors: Float32Array; factorDim: number }> {
  const { pool, available } = context;
  const logits = await context.logits();
  const classes = logits.length / pool.rows;
  const factors = new Float32Array(available.length * classes);
  const p = new Float64Array(classes);
  await context.stage('gradients', async (job) => {
    const slices = new Slices(available.length, job);
    for (let i = 0; i < available.length; i++) {
      const label = softmaxRow(logits, available[i], classes, p);
      // Not p − 1, which is nothing for a confident head: the gradient would vanish.
      p[label] = 0;
      let others = 0;
      for (let c = 0; c < classes; c++) others += p[c];
      p[label] = -others;
      factors.set(p, i * classes);
      if (slices.step(1)) await slices.turn();
    }
    slices.finish();
  });
  return { factors, factorDim: classes };
}
