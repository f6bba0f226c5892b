import { dot } from '../kernels/js/reduce.js';
import type { Slices } from '../kernels/js/slices.js';
import type { Rng } from '../random/xoshiro.js';
import { dropOut } from './dropout.js';
import { type CosineGraph, type Products, product } from './gcn-graph.js';

/** Width of the hidden layer. */
export const HIDDEN = 128;

const DROPOUT = 0.3;
const LEARNING_RATE = 1e-3;
const WEIGHT_DECAY = 5e-4;

/** Numbers updated between two looks at the clock. */
const CHUNK = 1 << 14;

/**
 * Graph convolutions D → 128 → 1: σ(A·H·w₂ + b₂) with H = ReLU(A·X·W₁ + b₁), which learns to tell labelled rows from the
 * others. All weights and biases start uniform within ±1/√(outputs of the layer), as in the authors' code.
 */
export class Gcn {
  /** W₁ᵀ (128 × D), b₁, w₂, b₂. */
  readonly #parameters: Float32Array;
  readonly #gradient: Float64Array;
  readonly #adam: Adam;
  readonly #graph: CosineGraph;
  /** The first so many rows are unlabelled, the others labelled. */
  readonly #unlabelled: number;

  constructor(graph: CosineGraph, unlabelled: number, rng: Rng) {
    const first = HIDDEN * graph.dim + HIDDEN;
    const bound = 1 / Math.sqrt(HIDDEN);
    this.#parameters = new Float32Array(first + HIDDEN + 1);
    for (let i = 0; i < this.#parameters.length; i++)
      this.#parameters[i] = (i < first ? bound : 1) * (2 * rng.uniform() - 1);
    this.#gradient = new Float64Array(this.#parameters.length);
    this.#adam = new Adam(this.#parameters.length);
    this.#graph = graph;
    this.#unlabelled = unlabelled;
  }

  /** H without dropout, n × 128. */
  async hidden(products: Products, slices: Slices): Promise<Float32Array> {
    const { propagated, dim } = this.#graph;
    const end = HIDDEN * dim;
    const weight = this.#parameters.subarray(0, end);
    const out = await product(
      products,
      propagated,
      weight,
      dim,
      this.#parameters.subarray(end, end + HIDDEN),
    );
    for (let i = 0; i < out.length; i++) {
      if (out[i] < 0) out[i] = 0;
      if (i % CHUNK === 0 && slices.step(0)) await slices.turn();
    }
    return out;
  }

  /**
   * One step of Adam down −mean log σ over the labelled rows − λ mean log(1 − σ) over the others, with dropout on H.
   */
  async step(lambda: number, rng: Rng, products: Products, slices: Slices): Promise<void> {
    const { rows, dim } = this.#graph;
    const second = HIDDEN * dim + HIDDEN;
    const w2 = this.#parameters.subarray(second, second + HIDDEN);
    const h = await this.hidden(products, slices);
    const support = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      dropOut(h, i * HIDDEN, (i + 1) * HIDDEN, DROPOUT, rng);
      support[i] = dot(h, i * HIDDEN, w2, 0, HIDDEN);
      if (slices.step(0)) await slices.turn();
    }
    const outputs = await this.#graph.times(support, products);
    const slopes = this.#slopes(outputs, lambda);
    this.#gradient.fill(0);
    for (const slope of slopes) this.#gradient[second + HIDDEN] += slope;
    const back = await this.#graph.transposedTimes(slopes, products);
    await this.#backward(h, back, products, slices);
    await this.#adam.update(this.#parameters, this.#gradient, slices);
  }

  /** Of the loss by each row's output before σ. */
  #slopes(outputs: Float64Array, lambda: number): Float64Array {
    const bias = this.#parameters[this.#parameters.length - 1];
    const unlabelled = this.#unlabelled;
    const labelled = outputs.length - unlabelled;
    return outputs.map((output, i) => {
      const up = 1 / (1 + Math.exp(-output - bias));
      const down = 1 / (1 + Math.exp(output + bias));
      return i < unlabelled ? (lambda * up) / unlabelled : -down / labelled;
    });
  }

  /** @param back the loss's slope by each row of H·w₂ */
  async #backward(h: Float32Array, back: Float64Array, products: Products, slices: Slices): Promise<void> {
    const { rows, dim, propagatedT } = this.#graph;
    const first = HIDDEN * dim;
    const second = first + HIDDEN;
    const gradient = this.#gradient;
    const kept = 1 / (1 - DROPOUT);
    /** 128 × n: by H before ReLU. */
    const inner = new Float32Array(h.length);
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < HIDDEN; k++) {
        const value = h[i * HIDDEN + k];
        // Dropped, or not above 0: nothing passes.
        if (value === 0) continue;
        gradient[second + k] += back[i] * value;
        const slope = back[i] * this.#parameters[second + k] * kept;
        gradient[first + k] += slope;
        inner[k * rows + i] = slope;
      }
      if (slices.step(0)) await slices.turn();
    }
    const weight = await product(products, propagatedT, inner, rows);
    for (let j = 0; j < dim; j++) {
      for (let k = 0; k < HIDDEN; k++) gradient[k * dim + j] = weight[j * HIDDEN + k];
      if (slices.step(0)) await slices.turn();
    }
  }
}

/** Adam (Kingma and Ba, 2015) at β = (0.9, 0.999), ε = 1e-8; the weight decay is part of the gradient, as in torch. */
class Adam {
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #steps = 0;

  constructor(length: number) {
    this.#mean = new Float64Array(length);
    this.#square = new Float64Array(length);
  }

  async update(parameters: Float32Array, gradient: Float64Array, slices: Slices): Promise<void> {
    this.#steps++;
    const rate = LEARNING_RATE / (1 - 0.9 ** this.#steps);
    const scale = 1 / Math.sqrt(1 - 0.999 ** this.#steps);
    for (let i = 0; i < parameters.length; i++) {
      const g = gradient[i] + WEIGHT_DECAY * parameters[i];
      this.#mean[i] = 0.9 * this.#mean[i] + 0.1 * g;
      this.#square[i] = 0.999 * this.#square[i] + 0.001 * g * g;
      parameters[i] -= (rate * this.#mean[i]) / (scale * Math.sqrt(this.#square[i]) + 1e-8);
      if (i % CHUNK === 0 && slices.step(0)) await slices.turn();
    }
  }
}
