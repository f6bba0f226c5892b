import type { Context } from '../context.js';
import { AlfamixError } from '../errors.js';
import { Slices } from '../kernels/js/slices.js';
import type { Model } from '../models/model.js';
import type { Pool } from '../pool/pool.js';
import { argmax } from './softmax.js';

/** Most numbers of gradients held at once: 16 MiB. */
const BATCH_FLOATS = 1 << 22;
const MOST_ROWS = 256;

/** Added to each step's logit difference, as in the authors' code: a step at a boundary still has a length. */
const LEAST_GAP = 1e-4;

export interface DeepFoolOptions {
  iterations: number;
  overshoot: number;
}

/**
 * DeepFool (Moosavi-Dezfooli, Fawzi and Frossard, CVPR 2016): for each available row ‖r‖, r the sum of steps from the
 * input x to the nearest boundary of the network as it looks from where it is,
 *
 *     r += (|f_c − f_ŷ| + 1e-4) / ‖w‖² · w,   w = ∇f_c − ∇f_ŷ,   c ≠ ŷ of the least |f_c − f_ŷ| / ‖w‖,
 *
 * until x + (1 + overshoot) r is predicted otherwise or the iterations are used up. All classes count (the authors look
 * at ten). +Infinity where no gradient leads away. In batches; rows that are done leave theirs.
 */
export async function inputDistances(
  context: Context,
  model: Model,
  inputs: Pool,
  options: DeepFoolOptions,
): Promise<Float32Array> {
  const { available, signal } = context;
  const distances = new Float32Array(available.length);
  const numbers = model.head.classes * inputs.dim;
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(BATCH_FLOATS / numbers)));
  await context.stage('deepfool', async ({ onProgress, threads }) => {
    const slices = new Slices(available.length, { signal, onProgress });
    for (let first = 0; first < available.length; first += most) {
      const rows = available.subarray(first, first + most);
      const batch = new Batch(await inputs.gather(rows, { signal }), rows, inputs.dim, model.name);
      for (let i = 0; i < options.iterations && batch.active.length > 0; i++) {
        const found = await model.inputGradients!(batch.points(options.overshoot), batch.active.length, {
          signal,
          threads,
        });
        await batch.step(found.logits, found.gradients, slices);
      }
      distances.set(batch.distances(), first);
      slices.step(rows.length);
      await slices.turn();
    }
    slices.finish();
  });
  return distances;
}

/** Rows on their way to a boundary. */
class Batch {
  /** The rows still on their way, by position in the batch. */
  active: number[];
  readonly #start: Float32Array;
  readonly #poolRows: Float64Array;
  readonly #dim: number;
  readonly #model: string;
  /** What has been added to each row so far. */
  readonly #moved: Float64Array;
  readonly #labels: Int32Array;
  readonly #stuck: Set<number>;

  constructor(start: Float32Array, poolRows: Float64Array, dim: number, model: string) {
    this.active = Array.from(poolRows, (_, i) => i);
    this.#start = start;
    this.#poolRows = poolRows;
    this.#dim = dim;
    this.#model = model;
    this.#moved = new Float64Array(start.length);
    this.#labels = new Int32Array(poolRows.length).fill(-1);
    this.#stuck = new Set();
  }

  /** Where the active rows are. */
  points(overshoot: number): Float32Array {
    const out = new Float32Array(this.active.length * this.#dim);
    this.active.forEach((i, at) => {
      for (let j = 0; j < this.#dim; j++) {
        const k = i * this.#dim + j;
        out[at * this.#dim + j] = this.#start[k] + (1 + overshoot) * this.#moved[k];
      }
    });
    return out;
  }

  /** Moves the active rows whose prediction hasn't changed; the others are done. */
  async step(logits: Float32Array, gradients: Float32Array, slices: Slices): Promise<void> {
    const classes = logits.length / this.active.length;
    const onward: number[] = [];
    for (const [at, i] of this.active.entries()) {
      const label = argmax(logits, at * classes, classes);
      if (this.#labels[i] < 0) this.#labels[i] = label;
      if (this.#labels[i] === label && this.#move(i, logits, gradients, at, classes)) onward.push(i);
      if (slices.step(0)) await slices.turn();
    }
    this.active = onward;
  }

  distances(): Float64Array {
    return Float64Array.from(this.#labels, (_, i) => {
      if (this.#stuck.has(i)) return Number.POSITIVE_INFINITY;
      let sum = 0;
      for (let k = i * this.#dim; k < (i + 1) * this.#dim; k++) sum += this.#moved[k] ** 2;
      return Math.sqrt(sum);
    });
  }

  /** False where there is nowhere to go. */
  #move(i: number, logits: Float32Array, gradients: Float32Array, at: number, classes: number): boolean {
    const dim = this.#dim;
    const own = (at * classes + this.#labels[i]) * dim;
    let toward = -1;
    let length2 = 0;
    let gap = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      const other = (at * classes + c) * dim;
      let w2 = 0;
      for (let j = 0; j < dim; j++) w2 += (gradients[other + j] - gradients[own + j]) ** 2;
      const difference = Math.abs(logits[at * classes + c] - logits[at * classes + this.#labels[i]]);
      if (!Number.isFinite(w2 + difference)) throw this.#nonFinite(i);
      if (!(w2 > 0) || !(difference / Math.sqrt(w2) < least)) continue;
      least = difference / Math.sqrt(w2);
      [toward, length2, gap] = [other, w2, difference];
    }
    if (toward < 0) {
      this.#stuck.add(i);
      return false;
    }
    const step = (gap + LEAST_GAP) / length2;
    for (let j = 0; j < dim; j++)
      this.#moved[i * dim + j] += step * (gradients[toward + j] - gradients[own + j]);
    return true;
  }

  #nonFinite(i: number): AlfamixError {
    const row = this.#poolRows[i];
    const message = `expected finite logits and gradients for row ${row} from model ${this.#model}, got NaN or infinity`;
    return new AlfamixError('NON_FINITE', message, { details: { row } });
  }
}
