import type { Context } from '../context.js';
import type { LinearHead } from '../head/linear-head.js';
import { Slices } from '../kernels/js/slices.js';
import type { ScoreUncertaintyArgs } from '../kernels/kernels.js';
import type { Model } from '../models/model.js';
import { smallest } from '../order.js';
import type { Pool } from '../pool/pool.js';
import { dropOut } from './dropout.js';
import { between, configurable, count } from './options.js';
import { overBlocks } from './row-blocks.js';
import { entropyOf, softmaxRow } from './softmax.js';

/**
 * BALD by Monte-Carlo dropout (Houlsby et al., 2011; Gal, Islam and Ghahramani, "Deep Bayesian Active Learning with Image
 * Data", ICML 2017): the rows with the largest mutual information between prediction and weights, H(p̄) − mean H(p_t)
 * in nats over T passes with dropout, p̄ their mean; ties by the lower row.
 *
 * Dropout is at the embedding, z ⊙ m/(1 − p), the mask m of a pass shared by all rows (as BatchBALD's consistent samples:
 * one draw of the weights a pass): that is a head of weight W ⊙ m/(1 − p), so all passes are one product with T·C head
 * rows. Given a model with dropout layers, the passes are the model's in training mode instead, each row's masks its
 * own. Cost: N·D·T·C, one read of the pool, no N×C matrix. Needs a head; no labels.
 */
export const bald = configurable({
  name: 'bald',
  needs: { labels: false, head: true },
  options: {
    /** T. */
    passes: count(10),
    /** p, the share of the embedding that a pass drops; not used where the model has dropout of its own. */
    dropout: between(0, 1, 0.5),
  },
  async select(context, { passes, dropout }) {
    const { model, inputs, head, budget, available } = context;
    const own = inputs && model?.dropoutLogits && { model, inputs };
    const information = own
      ? await fromModel(context, own.model, own.inputs, passes)
      : await fromEmbeddings(context, head!, passes, dropout);
    const lowest = smallest(
      information.map((x) => -x),
      budget,
    );
    const notes = own
      ? [`${passes} passes through the dropout layers of model ${own.model.name}, at their rates`]
      : [];
    return { picks: lowest.map((i) => ({ row: available[i] })), notes };
  },
});

/** Mean prediction and mean entropy of some rows, pass by pass, in double. */
class Passes {
  readonly #classes: number;
  readonly #p: Float64Array;
  readonly #mean: Float64Array;
  readonly #entropy: Float64Array;

  constructor(rows: number, classes: number) {
    this.#classes = classes;
    this.#p = new Float64Array(classes);
    this.#mean = new Float64Array(rows * classes);
    this.#entropy = new Float64Array(rows);
  }

  /** One pass of row i: its logits are row `at` of those given. */
  add(i: number, logits: Float32Array, at: number): void {
    softmaxRow(logits, at, this.#classes, this.#p);
    for (let c = 0; c < this.#classes; c++) this.#mean[i * this.#classes + c] += this.#p[c];
    this.#entropy[i] += entropyOf(this.#p);
  }

  /** H(p̄) − mean H(p_t), at least 0 as it is without rounding. */
  information(i: number, passes: number): number {
    const mean = this.#mean.subarray(i * this.#classes, (i + 1) * this.#classes);
    for (let c = 0; c < mean.length; c++) mean[c] /= passes;
    return Math.max(0, entropyOf(mean) - this.#entropy[i] / passes);
  }
}

/** Most numbers of head rows in one product: what is packed for a block stays small beside the block. */
const HEAD_FLOATS = 1 << 22;

async function fromEmbeddings(
  context: Context,
  head: LinearHead,
  passes: number,
  dropout: number,
): Promise<Float32Array> {
  const { kernels, rng, available } = context;
  const { classes, dim } = head;
  const masks = new Float32Array(passes * dim).fill(1);
  for (let t = 0; t < passes; t++) dropOut(masks, t * dim, (t + 1) * dim, dropout, rng);
  const atOnce = Math.min(passes, Math.max(1, Math.floor(HEAD_FLOATS / (classes * dim))));
  const information = new Float32Array(available.length);
  await overBlocks(context, 'score', atOnce * classes, async (block, first, slices) => {
    const sums = new Passes(block.rows, classes);
    for (let t = 0; t < passes; t += atOnce) {
      const some = masks.subarray(t * dim, Math.min(t + atOnce, passes) * dim);
      const count = some.length / dim;
      const heads = await droppedHeads(head, some, slices);
      const logits = await kernels.logits({ ...block, ...heads });
      for (let i = 0; i < block.rows; i++) {
        for (let k = 0; k < count; k++) sums.add(i, logits, i * count + k);
        if (slices.step(0)) await slices.turn();
      }
    }
    for (let i = 0; i < block.rows; i++) {
      information[first + i] = sums.information(i, passes);
      if (slices.step(0)) await slices.turn();
    }
  });
  return information;
}

/** For each mask (D) the head W ⊙ mask, one below the other. */
async function droppedHeads(
  { weight, bias, classes, dim }: LinearHead,
  masks: Float32Array,
  slices: Slices,
): Promise<Pick<ScoreUncertaintyArgs, 'weight' | 'bias' | 'classes'>> {
  const count = masks.length / dim;
  const heads = new Float32Array(count * weight.length);
  const biases = new Float32Array(count * classes);
  for (let k = 0; k < count; k++) {
    biases.set(bias, k * classes);
    for (let c = 0; c < classes; c++) {
      const to = (k * classes + c) * dim;
      for (let j = 0; j < dim; j++) heads[to + j] = weight[c * dim + j] * masks[k * dim + j];
      if (slices.step(0)) await slices.turn();
    }
  }
  return { weight: heads, bias: biases, classes: count * classes };
}

async function fromModel(
  context: Context,
  model: Model,
  inputs: Pool,
  passes: number,
): Promise<Float32Array> {
  const { available, rng } = context;
  const slices = new Slices(available.length, { signal: context.signal });
  let sums: Passes | undefined;
  for (let t = 0; t < passes; t++) {
    const seed = rng.below(2 ** 31);
    const logits = await context.stage('score', (job) => model.dropoutLogits!(inputs, { ...job, seed }));
    sums ??= new Passes(available.length, logits.length / inputs.rows);
    for (let i = 0; i < available.length; i++) {
      sums.add(i, logits, available[i]);
      if (slices.step(0)) await slices.turn();
    }
  }
  const information = new Float32Array(available.length);
  for (let i = 0; i < available.length; i++) {
    information[i] = sums!.information(i, passes);
    if (slices.step(0)) await slices.turn();
  }
  return information;
}
