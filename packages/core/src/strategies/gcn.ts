import { type Context, nameRow } from '../context.js';
import { Slices } from '../kernels/js/slices.js';
import type { LabeledSet } from '../labels/labeled-set.js';
import type { Rng } from '../random/xoshiro.js';
import { fillAtRandom } from './cluster-picks.js';
import { CosineGraph } from './gcn-graph.js';
import { Gcn, HIDDEN } from './gcn-network.js';
import { between, configurable, count } from './options.js';
import type { StrategyPick } from './strategy.js';

/**
 * CoreGCN (Caramalau, Bhattarai and Kim, "Sequential Graph Convolutional Network for Active Learning", CVPR 2021): a
 * graph network (gcn-network.ts) on the cosines of labelled and unlabelled rows (gcn-graph.ts) learns which are labelled;
 * then farthest first on its 128 hidden features, the labelled rows being centers; the lowest row on a tie.
 *
 * The graph has at most 10,000 rows: the labelled ones (a random half of the graph where they are more) and available
 * ones drawn uniformly, of which the picks are. Unlike the authors' code as published, whose last step is on the input
 * features, this one is on the hidden ones, as in the paper. Cost: steps · 2·n·D·128 + D²·n, no n×n matrix; memory:
 * 4·n·D + 3·n·128 floats. Use where a graph of that size says enough of the pool. Needs labels; no head.
 */
export const gcn = configurable({
  name: 'gcn',
  needs: { labels: true, head: false },
  options: {
    /** Of Adam. */
    steps: count(200),
    /** What the unlabelled rows' loss is weighed by. */
    lambda: between(0, Number.POSITIVE_INFINITY, 1.2),
    /** Most rows of the graph, labelled and not. */
    rows: count(10_000, 2),
  },
  async select(context, { steps, lambda, rows }) {
    const { kernels, labeled, budget } = context;
    const nodes = await nodesOf(context, labeled!, rows);
    const hidden = await train(context, nodes, steps, lambda);
    const picked = await context.stage('k-center', (job) =>
      kernels.kCenterGreedy({
        data: hidden.subarray(0, nodes.unlabelled.length * HIDDEN),
        rows: nodes.unlabelled.length,
        dim: HIDDEN,
        centers: hidden.subarray(nodes.unlabelled.length * HIDDEN),
        budget: Math.min(budget, nodes.unlabelled.length),
        ...job,
      }),
    );
    const picks = Array.from(picked.rows, (i): StrategyPick => ({ row: nodes.unlabelled[i] }));
    const filled = fillAtRandom(context, picks);
    return {
      picks: [...picks, ...filled],
      candidates: nodes.unlabelled.length,
      notes: notesOf(context, nodes, filled.length),
    };
  },
});

/** The rows of the graph. */
interface Nodes {
  /** Rows of the pool, increasing. */
  unlabelled: Float64Array;
  labelled: number;
  /** Unit rows: the unlabelled ones, then the labelled. */
  features: Float32Array;
}

async function nodesOf(context: Context, labeled: LabeledSet, most: number): Promise<Nodes> {
  const { pool, kernels, available, rng } = context;
  const { dim } = pool;
  const labelled = Math.min(labeled.rows, Math.floor(most / 2));
  const sampled = Math.min(available.length, most - labelled);
  const unlabelled = sample(available.length, sampled, rng).map((i) => available[i]);
  const centers = sample(labeled.rows, labelled, rng);
  const data = await context.stage('gather', ({ signal }) => pool.gather(unlabelled, { signal }));
  const features = new Float32Array((sampled + labelled) * dim);
  await context.stage('normalize', async (job) => {
    try {
      features.set(await kernels.normalizeRows({ data, rows: sampled, dim, ...job }));
    } catch (error) {
      throw nameRow(error, pool, unlabelled);
    }
    const known = new Float32Array(labelled * dim);
    centers.forEach((row, i) => {
      known.set(labeled.embeddings.subarray(row * dim, (row + 1) * dim), i * dim);
    });
    features.set(await kernels.normalizeRows({ data: known, rows: labelled, dim, ...job }), sampled * dim);
  });
  return { unlabelled, labelled, features };
}

/** `some` of 0 … all − 1, increasing. */
function sample(all: number, some: number, rng: Rng): Float64Array {
  if (some === all) return Float64Array.from({ length: all }, (_, i) => i);
  return Float64Array.from(rng.sample(all, some)).sort();
}

/** The hidden features after training, a row each of the graph's. */
async function train(
  context: Context,
  { features, unlabelled, labelled }: Nodes,
  steps: number,
  lambda: number,
): Promise<Float32Array> {
  const { kernels, rng } = context;
  return context.stage('train', async ({ signal, threads, onProgress }) => {
    const products = { kernels, signal, threads };
    const slices = new Slices(steps, { signal, onProgress });
    const graph = await CosineGraph.of(features, unlabelled.length + labelled, products, slices);
    const network = new Gcn(graph, unlabelled.length, rng);
    for (let i = 0; i < steps; i++) {
      await network.step(lambda, rng, products, slices);
      if (slices.step(1)) await slices.turn();
    }
    const hidden = await network.hidden(products, slices);
    slices.finish();
    return hidden;
  });
}

function notesOf({ available, labeled, budget }: Context, nodes: Nodes, filled: number): string[] {
  const { unlabelled, labelled } = nodes;
  const notes: string[] = [];
  if (unlabelled.length < available.length)
    notes.push(
      `the graph has ${unlabelled.length} of the ${available.length} rows that may be picked, drawn at random`,
    );
  if (labelled < labeled!.rows)
    notes.push(`the graph has ${labelled} of the ${labeled!.rows} labelled rows, drawn at random`);
  if (filled > 0)
    notes.push(`${filled} of ${budget} picks were filled at random: the graph has no more rows`);
  return notes;
}
