import { expected } from '../errors.js';
import { requireInteger } from '../kernels/validate.js';
import { LinearTrainer } from './linear.js';
import type { TfBackend } from './load-tf.js';
import type { Trainer } from './model.js';
import { TfTrainer } from './tf-trainer.js';
import type { NetworkOptions } from './worker-messages.js';

export type TrainerName = 'linear' | 'mlp' | 'cnn';

export const trainerNames: readonly TrainerName[] = ['linear', 'mlp', 'cnn'];

export interface TrainerOptions {
  /** mlp, cnn: where tf runs; default as `loadTf`. */
  backend?: TfBackend;
  /** mlp, cnn: the width of the hidden layer, which is the embedding. Default 256, of a cnn 128. */
  hidden?: number;
  /** mlp, cnn: Adam's. Default 1e-3. */
  learningRate?: number;
  /** mlp, cnn: rows of a batch, at least 2. Default 64. */
  batch?: number;
  /** mlp, cnn: the last epoch is that in which this share of the rows is right. Default 0.99. */
  targetAccuracy?: number;
  /** mlp, cnn: default 1,000. */
  maxEpochs?: number;
  /** cnn: [height, width, channels] of a row of the inputs, channels last. Default: a square of one channel. */
  shape?: readonly [number, number, number];
  /** cnn: the share of hidden units dropped in training, below 1. Default 0. */
  dropout?: number;
  /** linear: the ridge, Σ CE + (l2/2)‖W‖². Default 1; 'cross-validation' chooses it, with about 30 times the work. */
  l2?: number | 'cross-validation';
}

/**
 * A trainer by its name. `linear`: a linear head on the inputs. `mlp`: one hidden layer with ReLU. `cnn`: two
 * convolutions and a hidden layer, for images. The last two need TensorFlow.js (see loadTf) and train in a worker
 * thread, from weights uniform in ±1/√fan_in that the seed alone decides.
 *
 * @throws INVALID_ARGUMENT; `train` throws TF_UNAVAILABLE where tfjs is missing
 * @example
 * const trainer = createTrainer('mlp');
 * const model = await trainer.train({ inputs: pool, rows: [3, 14, 15], labels: Int32Array.of(0, 1, 0), classes: 2, seed: 0 });
 * const embeddings = await model.embed(pool);
 * await trainer.close();
 */
export function createTrainer(name: TrainerName, options: TrainerOptions = {}): Trainer {
  if (name === 'linear') {
    const { l2 = 1 } = options;
    if (l2 !== 'cross-validation') requireNumber(l2, 'l2', 1e-8, 1e8);
    return new LinearTrainer(l2 === 'cross-validation' ? undefined : l2);
  }
  if (!trainerNames.includes(name)) throw expected(`one of ${trainerNames.join(', ')}`, 'trainer', name);
  return new TfTrainer(networkOptions(name, options), options.backend);
}

function networkOptions(kind: 'mlp' | 'cnn', options: TrainerOptions): NetworkOptions {
  const { shape } = options;
  const network: NetworkOptions = {
    kind,
    hidden: options.hidden ?? (kind === 'mlp' ? 256 : 128),
    learningRate: options.learningRate ?? 1e-3,
    batch: options.batch ?? 64,
    targetAccuracy: options.targetAccuracy ?? 0.99,
    maxEpochs: options.maxEpochs ?? 1000,
    dropout: options.dropout ?? 0,
    shape,
  };
  requireInteger(network.hidden, 'hidden', 1, 65_536);
  requireNumber(network.learningRate, 'learningRate', 1e-12, 1e3);
  requireInteger(network.batch, 'batch', 2);
  requireNumber(network.targetAccuracy, 'targetAccuracy', 0, 1);
  requireInteger(network.maxEpochs, 'maxEpochs', 1);
  requireNumber(network.dropout, 'dropout', 0, 0.99);
  if (shape !== undefined) {
    if (!Array.isArray(shape) || shape.length !== 3)
      throw expected('[height, width, channels]', 'shape', shape);
    for (const [i, size] of shape.entries()) requireInteger(size, `shape[${i}]`, 1, 65_536);
  }
  return network;
}

function requireNumber(value: unknown, name: string, low: number, high: number): void {
  if (!(typeof value === 'number' && value >= low && value <= high))
    throw expected(`a number from ${low} to ${high}`, name, value);
}
