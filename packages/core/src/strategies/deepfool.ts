import type { Context } from '../context.js';
import { expected } from '../errors.js';
import type { LinearHead } from '../head/linear-head.js';
import { squaredDistance } from '../kernels/js/reduce.js';
import { Slices } from '../kernels/js/slices.js';
import { smallest } from '../order.js';
import { inputDistances } from './deepfool-inputs.js';
import { between, configurable, count, oneOf } from './options.js';
import { argmax } from './softmax.js';

type Space = 'auto' | 'head' | 'input';

/**
 * DeepFool active learning (Ducoffe and Precioso, "Adversarial Active Learning for Deep Networks: a Margin Based
 * Approach", 2018): the rows nearest to a decision boundary, nearest first; ties by the lower row.
 *
 * At a linear head the distance has a closed form (Moosavi-Dezfooli et al., CVPR 2016, eq. 8, exact there): the least
 * over c ≠ ŷ of (l_ŷ − l_c) / ‖w_ŷ − w_c‖, in the units of the embedding; a class whose head row is ŷ's has no boundary
 * with it. Cost: N·C·D for the logits, C·D for each class that is predicted. Given a model that can be differentiated,
 * it is the length of DeepFool's perturbation of the input (deepfool-inputs.ts), which costs up to `iterations` passes
 * through the network and back. Needs a head; no labels.
 */
export const deepfool = configurable({
  name: 'deepfool',
  needs: { labels: false, head: true },
  options: {
    /** `auto`: the input's where the caller gives a model that can be differentiated, else the head's. */
    space: oneOf<Space>('auto', 'head', 'input'),
    /** Most steps to a boundary, in input space. */
    iterations: count(50),
    /** By how much a step goes beyond the boundary, as a share of it, in input space. */
    overshoot: between(0, Number.POSITIVE_INFINITY, 0.02),
  },
  async select(context, options) {
    const { available, budget, model, inputs } = context;
    const notes: string[] = [];
    let distances: Float32Array;
    const differentiable = model?.inputGradients && inputs ? { model, inputs } : undefined;
    if (options.space === 'input' && !differentiable)
      throw expected('a model that can be differentiated, which deepfool:space=input needs,', 'model', model);
    if (differentiable && options.space !== 'head') {
      const { model, inputs } = differentiable;
      distances = await inputDistances(context, model, inputs, options);
      notes.push(`distances to the boundary in the input space of model ${model.name}`);
    } else {
      distances = await headDistances(context, context.head!);
    }
    const lowest = smallest(distances, budget);
    return { picks: lowest.map((i) => ({ row: available[i] })), notes };
  },
});

/** Of each available row to the nearest boundary in embedding space; +Infinity where there is none. */
async function headDistances(context: Context, head: LinearHead): Promise<Float32Array> {
  const { available } = context;
  const { classes } = head;
  const logits = await context.logits();
  const byLabel = new Map<number, number[]>();
  const distances = new Float32Array(available.length).fill(Number.POSITIVE_INFINITY);
  await context.stage('boundaries', async (job) => {
    const slices = new Slices(2 * available.length, job);
    for (let i = 0; i < available.length; i++) {
      const label = argmax(logits, available[i] * classes, classes);
      const rows = byLabel.get(label);
      if (rows) rows.push(i);
      else byLabel.set(label, [i]);
      if (slices.step(1)) await slices.turn();
    }
    // Class by class: C lengths at a time, not C × C.
    for (const [label, rows] of byLabel) {
      const lengths = await boundaryLengths(head, label, slices);
      for (const i of rows) {
        distances[i] = nearest(logits, available[i] * classes, label, lengths);
        if (slices.step(1)) await slices.turn();
      }
    }
    slices.finish();
  });
  return distances;
}

/** ‖w_label − w_c‖ of each class c. */
async function boundaryLengths(
  { weight, classes, dim }: LinearHead,
  label: number,
  slices: Slices,
): Promise<Float64Array> {
  const lengths = new Float64Array(classes);
  for (let c = 0; c < classes; c++) {
    lengths[c] = Math.sqrt(squaredDistance(weight, label * dim, weight, c * dim, dim));
    if (slices.step(0)) await slices.turn();
  }
  return lengths;
}

function nearest(logits: Float32Array, at: number, label: number, lengths: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let c = 0; c < lengths.length; c++) {
    if (lengths[c] > 0) least = Math.min(least, (logits[at + label] - logits[at + c]) / lengths[c]);
  }
  return least;
}
