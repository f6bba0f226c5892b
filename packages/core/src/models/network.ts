import type { Rng } from '../random/xoshiro.js';

/** A network that one backend of tf trains, inside the worker. Rows are flat float32, row-major. */
export interface Network {
  /** D, the width of the layer before the head. */
  readonly embeddingDim: number;
  /** Sets the weights that a generator gives, and forgets the optimizer's state. */
  reset(rng: Rng): void;
  /** One step of the optimizer on a batch. Returns its n×C logits as they were before the step. */
  step(inputs: Float32Array, labels: Int32Array): Float32Array;
  /** A copy of the weights as they are: what a trained model keeps. */
  snapshot(): Weights;
  /** Takes a snapshot's weights for embed, dropoutLogits and inputGradients. */
  use(weights: Weights): void;
  /** n×D. */
  embed(inputs: Float32Array, rows: number): Float32Array;
  /** The last layer of a snapshot: C×D and C. */
  head(weights: Weights): { weight: Float32Array; bias: Float32Array };
  /** n×C logits with dropout at work; absent where the network has none. */
  dropoutLogits?(inputs: Float32Array, rows: number, rng: Rng): Float32Array;
  /** n×C logits, and n×C×I gradients of each by the input. */
  inputGradients(inputs: Float32Array, rows: number): { logits: Float32Array; gradients: Float32Array };
  dispose(): void;
}

/** One array a weight, in the network's own order. */
export type Weights = readonly Float32Array[];

export interface WeightSpec {
  readonly shape: readonly number[];
  /** Inputs of one unit of the layer. */
  readonly fanIn: number;
}

/** Each weight uniform in ±1/√fan_in, biases too: what PyTorch's nn.Linear and nn.Conv2d start from. */
export function initialWeights(specs: readonly WeightSpec[], rng: Rng): Float32Array[] {
  return specs.map(({ shape, fanIn }) => {
    const bound = 1 / Math.sqrt(fanIn);
    const size = shape.reduce((a, b) => a * b, 1);
    return Float32Array.from({ length: size }, () => bound * (2 * rng.uniform() - 1));
  });
}
