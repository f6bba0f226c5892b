import type { ErrorCode } from '../errors.js';
import type { TfBackend } from './load-tf.js';

/** All that the thread of a trainer and its worker say to each other. Arrays of inputs are on shared memory. */

export interface WorkerStart {
  backend: TfBackend | undefined;
  network: NetworkOptions;
}

/** What is trained, and how; the same for all trainings of a worker. */
export interface NetworkOptions {
  kind: 'mlp' | 'cnn';
  hidden: number;
  learningRate: number;
  batch: number;
  targetAccuracy: number;
  maxEpochs: number;
  /** Of a cnn: height, width, channels; default: a square of one channel. */
  shape?: readonly [number, number, number];
  /** Of a cnn: the share of hidden units that are dropped in training. */
  dropout: number;
}

/** Calls are answered in the order they come. `stop[0]` is set to 1 to abort one, also while it waits. */
export type Call = { call: number; stop: Int32Array } & Work;

export type Work =
  | {
      type: 'train';
      /** Number of a pool sent before. */
      inputs: number;
      rows: Int32Array;
      labels: Int32Array;
      classes: number;
      seed: number;
    }
  | { type: 'embed'; model: number; inputs: number }
  | { type: 'dropoutLogits'; model: number; inputs: number; seed: number }
  | { type: 'inputGradients'; model: number; values: Float32Array; rows: number };

export type ToWorker =
  | Call
  /** Rows that later calls name by number: sent once a pool. */
  | { type: 'inputs'; inputs: number; values: Float32Array; rows: number; dim: number }
  | { type: 'forgetInputs'; inputs: number }
  | { type: 'forgetModel'; model: number };

export interface Trained {
  /** Later calls name the model by it. */
  model: number;
  embeddingDim: number;
  /** C×D and C. */
  weight: Float32Array;
  bias: Float32Array;
  epochs: number;
  trainingAccuracy: number;
  hasDropout: boolean;
}

/** What each kind of work gives. */
export interface Results {
  train: Trained;
  /** N×D. */
  embed: Float32Array;
  /** N×C. */
  dropoutLogits: Float32Array;
  inputGradients: { logits: Float32Array; gradients: Float32Array };
}

export interface CarriedError {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
  stack: string | undefined;
}

export type FromWorker =
  | { type: 'ready'; backend: TfBackend; reason: string }
  | { type: 'failed'; error: CarriedError }
  | { type: 'progress'; call: number; done: number; total: number }
  | { type: 'result'; call: number; result: Results[keyof Results] }
  | { type: 'error'; call: number; error: CarriedError };
