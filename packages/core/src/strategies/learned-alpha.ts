import type { Kernels } from '../kernels/kernels.js';
import type { TimeSlice } from '../time-slice.js';
import { clampAlpha } from './random-alpha.js';

/** Weight of ‖α‖ in the loss; the cross-entropy's is 1. */
const NORM_WEIGHT = 0.01;
const LEARNING_RATE = 0.1;
const ADAM_EPSILON = 1e-8;

/** The learning rate of step i, from 0, of `steps`: a tenth in the last third. */
export const learningRate = (i: number, steps: number): number =>
  i < (steps * 2) / 3 ? LEARNING_RATE : LEARNING_RATE / 10;

/** n rows mixed with one anchor. */
export interface Mix {
  /** n×D embeddings. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** D. */
  anchor: Float32Array;
  /** n×C logits of the mix. */
  logits: Float32Array;
  classes: number;
  /** n. */
  pseudoLabel: Int32Array;
}

/**
 * One step of gradient descent on −CE(W z̃ + b, ŷ) + 0.01 ‖α‖ with z̃ = z + α ⊙ (A − z), away from the pseudo-label ŷ and
 * towards a small α, which is changed in place. The reference makes a new Adam for every step, so each is
 * rate · g / (|g| + 1e-8): by the rate, whatever the gradient's size.
 *
 * Cost: a product of the n×C errors with the head on the kernels, and O(n·D) here.
 */
export class AlphaLearner {
  readonly #kernels: Kernels;
  /** The head as a layer from classes to dimensions: at least 2×C, which the kernel asks for. */
  readonly #layer: { weight: Float32Array; bias: Float32Array; classes: number };
  readonly #job: { signal?: AbortSignal; threads?: number };

  constructor(
    kernels: Kernels,
    head: { weight: Float32Array; classes: number },
    dim: number,
    job: { signal?: AbortSignal; threads?: number },
  ) {
    const outputs = Math.max(2, dim);
    const weight = new Float32Array(outputs * head.classes);
    for (let c = 0; c < head.classes; c++) {
      for (let j = 0; j < dim; j++) weight[j * head.classes + c] = head.weight[c * dim + j];
    }
    this.#kernels = kernels;
    this.#layer = { weight, bias: new Float32Array(outputs), classes: outputs };
    this.#job = job;
  }

  async step(alpha: Float32Array, mix: Mix, cap: number, rate: number, slice: TimeSlice): Promise<void> {
    const { data, rows, dim, anchor } = mix;
    const errors = await errorsOf(mix, slice);
    const gradient = await this.#kernels.logits({
      data: errors,
      rows,
      dim: mix.classes,
      ...this.#layer,
      ...this.#job,
    });
    const stride = this.#layer.classes;
    for (let i = 0; i < rows; i++) {
      const at = i * dim;
      let sum = 0;
      for (let j = at; j < at + dim; j++) sum += alpha[j] * alpha[j];
      const shrink = NORM_WEIGHT / Math.sqrt(sum);
      for (let j = 0; j < dim; j++) {
        const p = at + j;
        const g = shrink * alpha[p] - (anchor[j] - data[p]) * gradient[i * stride + j];
        alpha[p] = clampAlpha(alpha[p] - (rate * g) / (Math.abs(g) + ADAM_EPSILON), cap);
      }
      if (slice.due) await slice.next();
    }
  }
}

/** n×C: softmax − one-hot of the pseudo-label, without the cancellation in a confident p_ŷ − 1. */
async function errorsOf(
  { logits, rows, classes, pseudoLabel }: Mix,
  slice: TimeSlice,
): Promise<Float32Array> {
  const errors = new Float32Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    const at = i * classes;
    const label = at + pseudoLabel[i];
    let most = Number.NEGATIVE_INFINITY;
    for (let c = at; c < at + classes; c++) most = Math.max(most, logits[c]);
    let others = 0;
    for (let c = at; c < at + classes; c++) if (c !== label) others += Math.exp(logits[c] - most);
    const total = others + Math.exp(logits[label] - most);
    for (let c = at; c < at + classes; c++) {
      errors[c] = c === label ? -others / total : Math.exp(logits[c] - most) / total;
    }
    if (slice.due) await slice.next();
  }
  return errors;
}
