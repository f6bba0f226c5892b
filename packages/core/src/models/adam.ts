import type { TfOperations, TfTensor } from './tf-types.js';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * Adam (Kingma and Ba, 2015) as PyTorch computes it: w −= lr · m̂ / (√v̂ + ε), with m̂ and v̂ the moments over
 * 1 − βᵗ. The moments are kept without their factors 1 − β, so that an update is ten operations a weight, not the
 * fourteen of tf.train.adam.
 */
export class Adam {
  readonly #tf: TfOperations;
  readonly #learningRate: number;
  readonly #beta1: TfTensor;
  readonly #beta2: TfTensor;
  #weights: TfTensor[] = [];
  #first: TfTensor[] = [];
  #second: TfTensor[] = [];
  #steps = 0;

  constructor(tf: TfOperations, learningRate: number) {
    this.#tf = tf;
    this.#learningRate = learningRate;
    this.#beta1 = tf.scalar(BETA1);
    this.#beta2 = tf.scalar(BETA2);
  }

  /** The weights as they are; replaced by each step. */
  get weights(): readonly TfTensor[] {
    return this.#weights;
  }

  /** Starts from these weights, which it owns from now on, with no memory of former steps. */
  reset(weights: TfTensor[]): void {
    this.#free();
    this.#weights = weights;
    this.#first = weights.map(({ shape }) => this.#tf.zeros(shape));
    this.#second = weights.map(({ shape }) => this.#tf.zeros(shape));
    this.#steps = 0;
  }

  /** One step along the gradients, one a weight. Call it in a tidy. */
  step(gradients: readonly TfTensor[]): void {
    const tf = this.#tf;
    this.#steps++;
    const root = Math.sqrt((1 - BETA2 ** this.#steps) / (1 - BETA2));
    const rate = tf.scalar((this.#learningRate * root * (1 - BETA1)) / (1 - BETA1 ** this.#steps));
    const epsilon = tf.scalar(EPSILON * root);
    gradients.forEach((gradient, i) => {
      const first = tf.add(tf.mul(this.#first[i], this.#beta1), gradient);
      const second = tf.add(tf.mul(this.#second[i], this.#beta2), tf.square(gradient));
      const ratio = tf.div(first, tf.add(tf.sqrt(second), epsilon));
      this.#first[i] = this.#replace(this.#first[i], first);
      this.#second[i] = this.#replace(this.#second[i], second);
      this.#weights[i] = this.#replace(this.#weights[i], tf.sub(this.#weights[i], tf.mul(ratio, rate)));
    });
  }

  dispose(): void {
    this.#free();
    this.#tf.dispose([this.#beta1, this.#beta2]);
  }

  #replace(old: TfTensor, next: TfTensor): TfTensor {
    old.dispose();
    return this.#tf.keep(next);
  }

  #free(): void {
    this.#tf.dispose([...this.#weights, ...this.#first, ...this.#second]);
  }
}
