import { AlfamixError, expected } from '../errors.js';
import { LinearHead } from '../head/linear-head.js';
import type { JobOptions } from '../kernels/kernels.js';
import { requireInteger, requireMatrix, validateJob } from '../kernels/validate.js';
import { Pool } from '../pool/pool.js';
import { checkTrainArgs } from './check-train-args.js';
import type { TfBackend } from './load-tf.js';
import type { TrainArgs, TrainedModel, Trainer } from './model.js';
import { WorkerCalls } from './worker-calls.js';
import type { NetworkOptions, Trained } from './worker-messages.js';

/** Trains networks in one worker thread, which starts with the first training and is kept for the next. */
export class TfTrainer implements Trainer {
  readonly name: string;
  readonly #options: NetworkOptions;
  readonly #backend: TfBackend | undefined;
  #calls: WorkerCalls | undefined;
  #closed = false;

  constructor(options: NetworkOptions, backend: TfBackend | undefined) {
    this.name = options.kind;
    this.#options = options;
    this.#backend = backend;
  }

  /** Which backend the worker runs on and why, once something has been trained. */
  get backend(): { backend: TfBackend; reason: string } | undefined {
    return this.#calls?.started;
  }

  async train(args: TrainArgs): Promise<TrainedModel> {
    const { inputs: pool, classes, seed, signal, onProgress } = args;
    const { rows, labels } = checkTrainArgs(args);
    const calls = this.#worker();
    const inputs = await calls.inputs(pool, signal);
    const work = { type: 'train', inputs, rows, labels, classes, seed } as const;
    const trained = await calls.call(work, { signal, onProgress });
    return new TfModel(this.name, calls, pool.dim, trained);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#calls?.close();
  }

  #worker(): WorkerCalls {
    if (this.#closed)
      throw new AlfamixError('INVALID_ARGUMENT', 'expected an open trainer, got one that is closed');
    // One that failed to start or crashed is replaced: its cause may be gone.
    if (!this.#calls?.alive)
      this.#calls = new WorkerCalls({ backend: this.#backend, network: this.#options });
    return this.#calls;
  }
}

/** A trained network, which lives in the trainer's worker. */
class TfModel implements TrainedModel {
  readonly head: LinearHead;
  readonly epochs: number;
  readonly trainingAccuracy: number;
  readonly dropoutLogits: TrainedModel['dropoutLogits'];
  readonly name: string;
  readonly #calls: WorkerCalls;
  readonly #model: number;
  readonly #inputDim: number;
  readonly #dim: number;
  #closed = false;

  constructor(name: string, calls: WorkerCalls, inputDim: number, trained: Trained) {
    const { weight, bias, embeddingDim, model } = trained;
    this.name = name;
    this.#calls = calls;
    this.#model = model;
    this.#inputDim = inputDim;
    this.#dim = embeddingDim;
    this.head = LinearHead.from({ weight, bias, classes: bias.length, dim: embeddingDim });
    this.epochs = trained.epochs;
    this.trainingAccuracy = trained.trainingAccuracy;
    if (trained.hasDropout) this.dropoutLogits = (pool, options) => this.#dropoutLogits(pool, options);
    calls.watchModel(this, model);
  }

  async embed(pool: Pool, options: JobOptions = {}): Promise<Pool> {
    const inputs = await this.#inputs(pool, options);
    const data = await this.#calls.call({ type: 'embed', model: this.#model, inputs }, options);
    return Pool.fromArray(data, { rows: pool.rows, dim: this.#dim, ids: pool.ids });
  }

  async inputGradients(values: Float32Array, rows: number, options: JobOptions = {}) {
    this.#assertOpen(options);
    requireMatrix(values, 'inputs', rows, this.#inputDim);
    return this.#calls.call({ type: 'inputGradients', model: this.#model, values, rows }, options);
  }

  close(): void {
    if (!this.#closed) this.#calls.closeModel(this, this.#model);
    this.#closed = true;
  }

  async #dropoutLogits(pool: Pool, options: JobOptions & { seed: number }): Promise<Float32Array> {
    const { seed } = options;
    requireInteger(seed, 'seed', 0);
    const inputs = await this.#inputs(pool, options);
    return this.#calls.call({ type: 'dropoutLogits', model: this.#model, inputs, seed }, options);
  }

  /** The number of a pool in the worker. */
  async #inputs(pool: Pool, options: JobOptions): Promise<number> {
    this.#assertOpen(options);
    if (!(pool instanceof Pool)) throw expected('a Pool', 'inputs', pool);
    if (pool.dim !== this.#inputDim)
      throw expected(`rows of ${this.#inputDim} numbers`, 'inputs', pool.dim, 'SHAPE_MISMATCH');
    return this.#calls.inputs(pool, options.signal);
  }

  #assertOpen(options: JobOptions): void {
    validateJob(options);
    if (this.#closed)
      throw new AlfamixError('INVALID_ARGUMENT', 'expected an open model, got one that is closed');
  }
}
