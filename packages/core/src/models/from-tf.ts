import { AlfamixError, expected, throwIfAborted } from '../errors.js';
import type { LinearHead } from '../head/linear-head.js';
import type { JobOptions } from '../kernels/kernels.js';
import { requireInteger, requireMatrix, validateJob } from '../kernels/validate.js';
import { Pool } from '../pool/pool.js';
import { Rng } from '../random/xoshiro.js';
import { yieldToLoop } from '../yield.js';
import { cutModel } from './cut-model.js';
import { finiteBlocks } from './finite-blocks.js';
import { headLogits } from './head-logits.js';
import { logitGradient } from './logit-gradient.js';
import type { Model } from './model.js';
import { dropoutLayers, withDropout } from './tf-dropout.js';
import {
  floats,
  type TfCutModel,
  type TfLayersModel,
  type TfLayersOperations,
  type TfNamespace,
  type TfTensor,
} from './tf-types.js';

/** Numbers of input in a batch (256 KiB), and its rows at most: an abort waits for one batch. */
const BATCH_VALUES = 1 << 16;
const BATCH_ROWS = 256;

export interface FromTfOptions {
  /** Default: the model's own. */
  name?: string;
  /** C different names; of both classes for a last layer of one unit. */
  classNames?: readonly string[];
}

/**
 * Cuts a network at its last dense layer: what comes before gives the embeddings, the layer is the head, C×D (one unit:
 * binary). After it may come softmax (sigmoid for one unit), in the layer or as layers, and dropout. The network stays
 * the caller's; its weights are read now, so call again after more training.
 *
 * @param tf the namespace that the model belongs to
 * @param model sequential or functional, with one input and one output
 * @throws INVALID_ARGUMENT for a network that ends otherwise
 * @example
 * const { tf } = await loadTf<typeof import('@tensorflow/tfjs')>();
 * const model = fromTf(tf, await tf.loadLayersModel('file://model.json'));
 * const pool = await model.embed(inputs);
 * const { picks } = await select({ pool, labeled, head: model.head, budget: 100 });
 */
export function fromTf(tf: TfNamespace, model: TfLayersModel, options: FromTfOptions = {}): Model {
  if (typeof tf?.model !== 'function' || typeof tf.tidy !== 'function')
    throw expected('a TensorFlow.js namespace with layers', 'tf', tf);
  if (!Array.isArray(model?.layers)) throw expected('a LayersModel', 'model', model);
  return new TfLayersNetwork(tf as unknown as TfLayersOperations, tf.getBackend(), model, options);
}

class TfLayersNetwork implements Model {
  readonly name: string;
  readonly head: LinearHead;
  readonly dropoutLogits: Model['dropoutLogits'];
  readonly #tf: TfLayersOperations;
  readonly #backend: string;
  /** Undefined where the dense layer is all there is: the inputs are the embeddings. */
  readonly #network: TfCutModel | undefined;
  readonly #inputShape: readonly number[];
  readonly #inputDim: number;
  #closed = false;

  constructor(tf: TfLayersOperations, backend: string, model: TfLayersModel, options: FromTfOptions) {
    const { embedding, input, head } = cutModel(model, options.classNames);
    this.name = options.name ?? model.name;
    this.head = head;
    this.#tf = tf;
    this.#backend = backend;
    this.#inputShape = knownShape(input.shape.slice(1));
    this.#inputDim = this.#inputShape.reduce((a, b) => a * b, 1);
    if (embedding !== input) this.#network = tf.model({ inputs: [input], outputs: embedding });
    if (dropoutLayers(this.#network).length > 0)
      this.dropoutLogits = (inputs, job) => this.#dropoutLogits(inputs, job);
  }

  async embed(inputs: Pool, options: JobOptions = {}): Promise<Pool> {
    const data = await this.#run(inputs, options);
    return Pool.fromArray(data, { rows: inputs.rows, dim: this.head.dim, ids: inputs.ids });
  }

  async inputGradients(inputs: Float32Array, rows: number, options: JobOptions = {}) {
    this.#check(options);
    requireInteger(rows, 'rows', 1);
    requireMatrix(inputs, 'inputs', rows, this.#inputDim);
    const { classes } = this.head;
    const dim = this.#inputDim;
    const gradients = new Float32Array(rows * classes * dim);
    const logits = new Float32Array(rows * classes);
    const batch = this.#batchRows();
    for (let start = 0; start < rows; start += batch) {
      const count = Math.min(batch, rows - start);
      const x = inputs.slice(start * dim, (start + count) * dim);
      logits.set(headLogits(this.head, this.#embedBatch(x, count)), start * classes);
      for (let c = 0; c < classes; c++) {
        await this.#pause(options, start, rows);
        const gradient = this.#gradient(x, count, c);
        for (let row = 0; row < count; row++)
          gradients.set(gradient.subarray(row * dim, (row + 1) * dim), ((start + row) * classes + c) * dim);
      }
    }
    options.onProgress?.(rows, rows);
    return { logits, gradients };
  }

  close(): void {
    this.#closed = true;
  }

  async #dropoutLogits(inputs: Pool, options: JobOptions & { seed: number }): Promise<Float32Array> {
    requireInteger(options.seed, 'seed', 0);
    return headLogits(this.head, await this.#run(inputs, options, new Rng(options.seed)));
  }

  /** The N×D embeddings; with dropout at work where a generator is given. */
  async #run(inputs: Pool, options: JobOptions, dropout?: Rng): Promise<Float32Array> {
    this.#check(options);
    if (!(inputs instanceof Pool)) throw expected('a Pool', 'inputs', inputs);
    if (inputs.dim !== this.#inputDim)
      throw expected(
        `rows of ${this.#inputDim} numbers, the network's [${this.#inputShape}],`,
        'inputs',
        inputs.dim,
        'SHAPE_MISMATCH',
      );
    const { rows } = inputs;
    const out = new Float32Array(rows * this.head.dim);
    const blocks = finiteBlocks(inputs, { signal: options.signal, blockRows: this.#batchRows() });
    for await (const { start, rows: count, data } of blocks) {
      await this.#pause(options, start, rows);
      out.set(this.#embedBatch(data, count, dropout), start * this.head.dim);
    }
    options.onProgress?.(rows, rows);
    return out;
  }

  #embedBatch(data: Float32Array, rows: number, dropout?: Rng): Float32Array {
    const tf = this.#tf;
    return tf.tidy(() => {
      const x = tf.tensor(data, [rows, ...this.#inputShape], 'float32');
      const run = () => floats(this.#embedding(x));
      return dropout ? withDropout(tf, this.#network, dropout, run) : run();
    });
  }

  #embedding(x: TfTensor): TfTensor {
    return this.#network ? this.#network.apply(x) : x;
  }

  /** Of one class's logits by the inputs of a batch. */
  #gradient(data: Float32Array, rows: number, c: number): Float32Array {
    const tf = this.#tf;
    const { weight, dim } = this.head;
    try {
      return tf.tidy(() => {
        const x = tf.tensor(data, [rows, ...this.#inputShape], 'float32');
        const column = tf.tensor(weight.slice(c * dim, (c + 1) * dim), [dim, 1], 'float32');
        return floats(logitGradient(tf, (input) => this.#embedding(input), column, x));
      });
    } catch (error) {
      const why = String((error as Error).message).split('\n', 1)[0];
      const problem = `the tfjs backend ${this.#backend} can't differentiate ${this.name}: ${why}`;
      throw new AlfamixError('TF_UNAVAILABLE', problem, { cause: error });
    }
  }

  #batchRows(): number {
    return Math.max(8, Math.min(BATCH_ROWS, Math.floor(BATCH_VALUES / this.#inputDim)));
  }

  #check(options: JobOptions): void {
    validateJob(options);
    if (this.#closed)
      throw new AlfamixError('INVALID_ARGUMENT', 'expected an open model, got one that is closed');
  }

  async #pause({ signal, onProgress }: JobOptions, done: number, total: number): Promise<void> {
    onProgress?.(done, total);
    await yieldToLoop();
    throwIfAborted(signal);
  }
}

function knownShape(shape: readonly (number | null)[]): number[] {
  if (shape.every((size) => size !== null)) return [...shape];
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected a network with a fixed input shape for model, got [${shape.map((size) => size ?? 'null')}]`,
  );
}
