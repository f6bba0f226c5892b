import type { Context } from '../context.js';
import { Slices } from '../kernels/js/slices.js';
import type { LabeledSet } from '../labels/labeled-set.js';
import { softmaxRow } from './softmax.js';
import type { Strategy } from './strategy.js';

/**
 * CDAL (Agarwal, Arora, Anand and Arora, "Contextual Diversity for Active Learning", ECCV 2020), its core-set variant
 * CDAL-CS on whole images: k-Center-Greedy on the vectors of class probabilities instead of the embeddings. Each pick is
 * the row whose probabilities are farthest (Euclidean) from those of all labelled rows and earlier picks, the lowest row
 * on a tie. Cost: (N + M)·D·C, then at most N·C·(M + B); memory: N·C floats twice. Needs labels and a head.
 */
export const cdal: Strategy = {
  name: 'cdal',
  needs: { labels: true, head: true },
  async select(context) {
    const { kernels, available, budget, labeled } = context;
    const logits = await context.logits();
    const dim = logits.length / context.pool.rows;
    const data = await probabilities(context, logits, available, dim);
    const centers = labeled && (await labelledProbabilities(context, labeled, dim));
    const { rows } = await context.stage('k-center', (job) =>
      kernels.kCenterGreedy({ data, rows: available.length, dim, centers, budget, ...job }),
    );
    return { picks: Array.from(rows, (i) => ({ row: available[i] })) };
  },
};

async function labelledProbabilities(
  context: Context,
  { embeddings, rows, dim }: LabeledSet,
  classes: number,
): Promise<Float32Array> {
  const { weight, bias } = context.head!;
  const logits = await context.stage('score', (job) =>
    context.kernels.logits({ data: embeddings, rows, dim, weight, bias, classes, ...job }),
  );
  return probabilities(
    context,
    logits,
    Float64Array.from({ length: rows }, (_, i) => i),
    classes,
  );
}

/** rows.length × C, of those rows of the logits. */
async function probabilities(
  { signal }: Context,
  logits: Float32Array,
  rows: Float64Array,
  classes: number,
): Promise<Float32Array> {
  const out = new Float32Array(rows.length * classes);
  const p = new Float64Array(classes);
  const slices = new Slices(rows.length, { signal });
  for (let i = 0; i < rows.length; i++) {
    softmaxRow(logits, rows[i], classes, p);
    out.set(p, i * classes);
    if (slices.step(1)) await slices.turn();
  }
  return out;
}
