import type { LinearHead } from '../head/linear-head.js';
import type { JobOptions } from '../kernels/kernels.js';
import type { Pool } from '../pool/pool.js';

/** A network cut at its last dense layer: what comes before gives the embeddings, the layer is the head. */
export interface Model {
  readonly name: string;
  /** The last dense layer, C×D. */
  readonly head: LinearHead;
  /** The embeddings of inputs (N × the network's input size, flattened), N×D, with the inputs' ids. */
  embed(inputs: Pool, options?: JobOptions): Promise<Pool>;
  /**
   * N×C logits of one pass with the network's dropout layers at work, each row's masks its own; absent where it has
   * no such layer.
   */
  dropoutLogits?(inputs: Pool, options: JobOptions & { seed: number }): Promise<Float32Array>;
  /**
   * For some rows of the inputs: N×C logits, and for each class the gradient of its logit by the input, N×C×I; absent
   * where the network can't be differentiated.
   */
  inputGradients?(
    inputs: Float32Array,
    rows: number,
    options?: JobOptions,
  ): Promise<{ logits: Float32Array; gradients: Float32Array }>;
  /** Frees what the network holds. */
  close(): void;
}

export interface TrainArgs extends JobOptions {
  /** All rows, labelled or not, N×I. */
  inputs: Pool;
  /** M rows of `inputs` that are labelled, in the order they were labelled. */
  rows: ArrayLike<number>;
  /** Their classes, 0 … classes − 1. */
  labels: Int32Array;
  classes: number;
  /** The initial weights depend on it alone; so does the order of the batches, given the rows. */
  seed: number;
}

export interface TrainedModel extends Model {
  /** Epochs it took; undefined for a model that is solved for. */
  readonly epochs?: number;
  /** Share of the labelled rows it gets right, 0–1, as counted while training or afterwards. */
  readonly trainingAccuracy: number;
}

/** A kind of model that can be trained from scratch, as `simulate` does in each round. */
export interface Trainer {
  readonly name: string;
  train(args: TrainArgs): Promise<TrainedModel>;
  /** Ends its worker thread, if it has one. */
  close(): Promise<void>;
}
