import type { Rng } from '../random/xoshiro.js';
import { Adam } from './adam.js';
import { crossEntropyGradient } from './cross-entropy.js';
import { logitGradient } from './logit-gradient.js';
import { initialWeights, type Network, type WeightSpec, type Weights } from './network.js';
import { drop } from './tf-dropout.js';
import { floats, type TfOperations, type TfTensor } from './tf-types.js';
import { transposed } from './transposed.js';

const FILTERS = [16, 32] as const;
const KERNEL = 3;

export interface CnnShape {
  /** [height, width, channels] of a flat row, channels last; at least 4 × 4. */
  image: readonly [number, number, number];
  /** H, the width of the hidden layer and of the embeddings. */
  hidden: number;
  /** C. */
  classes: number;
  learningRate: number;
  /** Share of hidden units dropped in training and by dropoutLogits. */
  dropout: number;
}

/** Two 3×3 convolutions, each with ReLU and 2×2 max pooling, and a hidden layer with ReLU; then dropout and the head. */
export class Cnn implements Network {
  readonly embeddingDim: number;
  readonly dropoutLogits: Network['dropoutLogits'];
  readonly #tf: TfOperations;
  readonly #shape: CnnShape;
  readonly #specs: readonly WeightSpec[];
  readonly #adam: Adam;
  #rng: Rng | undefined;
  #used: TfTensor[] = [];

  constructor(tf: TfOperations, shape: CnnShape) {
    const { image, hidden, classes, learningRate, dropout } = shape;
    const [height, width, channels] = image;
    const [first, second] = FILTERS;
    const flat = Math.ceil(height / 4) * Math.ceil(width / 4) * second;
    this.#tf = tf;
    this.#shape = shape;
    this.embeddingDim = hidden;
    this.#adam = new Adam(tf, learningRate);
    this.#specs = [
      ...layer([KERNEL, KERNEL, channels, first]),
      ...layer([KERNEL, KERNEL, first, second]),
      ...layer([flat, hidden]),
      ...layer([hidden, classes]),
    ];
    if (dropout > 0)
      this.dropoutLogits = (inputs, rows, rng) =>
        tf.tidy(() => floats(this.#logits(this.#used, this.#dropped(this.#embedding(inputs, rows), rng))));
  }

  reset(rng: Rng): void {
    this.#rng = rng;
    this.#adam.reset(this.#tensors(initialWeights(this.#specs, rng)));
  }

  step(inputs: Float32Array, labels: Int32Array): Float32Array {
    const tf = this.#tf;
    const { classes, dropout } = this.#shape;
    return tf.tidy(() => {
      let values: Float32Array = new Float32Array();
      const x = this.#images(inputs, labels.length);
      const loss = (...weights: TfTensor[]) => {
        const embedding = this.#hidden(weights, x);
        const logits = this.#logits(weights, dropout > 0 ? this.#dropped(embedding, this.#rng!) : embedding);
        values = floats(logits);
        const byLogits = tf.tensor(crossEntropyGradient(values, labels), [labels.length, classes]);
        // Not the loss itself, but what has its gradients: those by the logits are known already.
        return tf.sum(tf.mul(logits, byLogits));
      };
      this.#adam.step(tf.grads(loss)([...this.#adam.weights]));
      return values;
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
    return this.#tf.tidy(() => floats(this.#embedding(inputs, rows)));
  }

  head(weights: Weights): { weight: Float32Array; bias: Float32Array } {
    const { hidden, classes } = this.#shape;
    const [kernel, bias] = weights.slice(-2);
    return { weight: transposed(kernel, hidden, classes), bias: bias.slice() };
  }

  inputGradients(inputs: Float32Array, rows: number): { logits: Float32Array; gradients: Float32Array } {
    const tf = this.#tf;
    const { classes, hidden } = this.#shape;
    const width = inputs.length / rows;
    return tf.tidy(() => {
      const x = this.#images(inputs, rows);
      const logits = floats(this.#logits(this.#used, this.#hidden(this.#used, x)));
      const gradients = new Float32Array(rows * classes * width);
      const kernel = transposed(floats(this.#used.at(-2)!), hidden, classes);
      for (let c = 0; c < classes; c++) {
        const column = tf.tensor(kernel.slice(c * hidden, (c + 1) * hidden), [hidden, 1], 'float32');
        const gradient = floats(logitGradient(tf, (image) => this.#hidden(this.#used, image), column, x));
        for (let row = 0; row < rows; row++)
          gradients.set(gradient.subarray(row * width, (row + 1) * width), (row * classes + c) * width);
      }
      return { logits, gradients };
    });
  }

  dispose(): void {
    this.#tf.dispose(this.#used);
    this.#adam.dispose();
  }

  #embedding(inputs: Float32Array, rows: number): TfTensor {
    return this.#hidden(this.#used, this.#images(inputs, rows));
  }

  #hidden([k1, b1, k2, b2, w, b]: readonly TfTensor[], images: TfTensor): TfTensor {
    const tf = this.#tf;
    const block = (x: TfTensor, kernel: TfTensor, bias: TfTensor) =>
      tf.maxPool(tf.relu(tf.add(tf.conv2d(x, kernel, 1, 'same'), bias)), 2, 2, 'same');
    const features = block(block(images, k1, b1), k2, b2);
    const flat = tf.reshape(features, [images.shape[0], w.shape[0]]);
    return tf.relu(tf.add(tf.matMul(flat, w), b));
  }

  #logits(weights: readonly TfTensor[], embedding: TfTensor): TfTensor {
    const [kernel, bias] = weights.slice(-2);
    return this.#tf.add(this.#tf.matMul(embedding, kernel), bias);
  }

  #dropped(embedding: TfTensor, rng: Rng): TfTensor {
    return drop(this.#tf, embedding, embedding.shape, this.#shape.dropout, rng);
  }

  #images(inputs: Float32Array, rows: number): TfTensor {
    return this.#tf.tensor(inputs, [rows, ...this.#shape.image], 'float32');
  }

  #tensors(weights: Weights): TfTensor[] {
    return weights.map((values, i) => this.#tf.tensor(values, [...this.#specs[i].shape], 'float32'));
  }
}

/** A layer's kernel, its units last, and bias. */
function layer(shape: readonly number[]): WeightSpec[] {
  const fanIn = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return [
    { shape, fanIn },
    { shape: shape.slice(-1), fanIn },
  ];
}
