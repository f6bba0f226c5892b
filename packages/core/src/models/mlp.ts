import type { Rng } from '../random/xoshiro.js';
import { Adam } from './adam.js';
import { crossEntropyGradient } from './cross-entropy.js';
import { initialWeights, type Network, type WeightSpec, type Weights } from './network.js';
import { floats, type TfOperations, type TfTensor } from './tf-types.js';
import { transposed } from './transposed.js';

export interface MlpShape {
  /** I. */
  inputs: number;
  /** H, the width of the hidden layer and of the embeddings. */
  hidden: number;
  /** C. */
  classes: number;
  learningRate: number;
}

/**
 * One hidden layer with ReLU. Its gradients are written out: on the wasm backend a matrix product with a transposed
 * operand, which automatic differentiation makes, is ten times slower than a transposition and a product.
 */
export class Mlp implements Network {
  readonly embeddingDim: number;
  readonly #tf: TfOperations;
  readonly #shape: MlpShape;
  readonly #specs: readonly WeightSpec[];
  readonly #adam: Adam;
  #used: TfTensor[] = [];

  constructor(tf: TfOperations, shape: MlpShape) {
    const { inputs, hidden, classes } = shape;
    this.#tf = tf;
    this.#shape = shape;
    this.embeddingDim = hidden;
    this.#adam = new Adam(tf, shape.learningRate);
    this.#specs = [
      { shape: [inputs, hidden], fanIn: inputs },
      { shape: [hidden], fanIn: inputs },
      { shape: [hidden, classes], fanIn: hidden },
      { shape: [classes], fanIn: hidden },
    ];
  }

  reset(rng: Rng): void {
    this.#adam.reset(this.#tensors(initialWeights(this.#specs, rng)));
  }

  step(inputs: Float32Array, labels: Int32Array): Float32Array {
    const tf = this.#tf;
    const { classes } = this.#shape;
    return tf.tidy(() => {
      const [w1, b1, w2, b2] = this.#adam.weights;
      const x = this.#rows(inputs, labels.length);
      const hidden = tf.relu(tf.add(tf.matMul(x, w1), b1));
      const logits = floats(tf.add(tf.matMul(hidden, w2), b2));
      const byLogits = tf.tensor(crossEntropyGradient(logits, labels), [labels.length, classes]);
      const byHidden = tf.mul(tf.matMul(byLogits, tf.transpose(w2)), tf.step(hidden));
      this.#adam.step([
        tf.matMul(tf.transpose(x), byHidden),
        tf.sum(byHidden, 0),
        tf.matMul(tf.transpose(hidden), byLogits),
        tf.sum(byLogits, 0),
      ]);
      return logits;
    });
  }

  snapshot(): Weights {
    return this.#adam.weights.map(floats);
  }

  use(weights: Weights): void {
    this.#tf.dispose(this.#used);
    this.#used = this.#tensors(weights);
  }

  embed(inputs: Float32Array, rows: number): Float32Array {
    return this.#tf.tidy(() => floats(this.#hidden(inputs, rows)));
  }

  head([, , kernel, bias]: Weights): { weight: Float32Array; bias: Float32Array } {
    const { hidden, classes } = this.#shape;
    return { weight: transposed(kernel, hidden, classes), bias: bias.slice() };
  }

  inputGradients(inputs: Float32Array, rows: number): { logits: Float32Array; gradients: Float32Array } {
    const tf = this.#tf;
    const { inputs: width, hidden, classes } = this.#shape;
    return tf.tidy(() => {
      const [w1, , w2, b2] = this.#used;
      const activation = this.#hidden(inputs, rows);
      const logits = floats(tf.add(tf.matMul(activation, w2), b2));
      // Row n's gradient of class c: W1 · (W2's column c where the hidden unit is on).
      const on = tf.reshape(tf.step(activation), [rows, 1, hidden]);
      const byHidden = tf.mul(on, tf.reshape(tf.transpose(w2), [1, classes, hidden]));
      const gradients = tf.matMul(tf.reshape(byHidden, [rows * classes, hidden]), tf.transpose(w1));
      return { logits, gradients: floats(tf.reshape(gradients, [rows * classes * width])) };
    });
  }

  dispose(): void {
    this.#tf.dispose(this.#used);
    this.#adam.dispose();
  }

  #hidden(inputs: Float32Array, rows: number): TfTensor {
    const tf = this.#tf;
    const [w1, b1] = this.#used;
    return tf.relu(tf.add(tf.matMul(this.#rows(inputs, rows), w1), b1));
  }

  #rows(inputs: Float32Array, rows: number): TfTensor {
    return this.#tf.tensor(inputs, [rows, this.#shape.inputs], 'float32');
  }

  #tensors(weights: Weights): TfTensor[] {
    return weights.map((values, i) => this.#tf.tensor(values, [...this.#specs[i].shape], 'float32'));
  }
}
