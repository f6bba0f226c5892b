/** The worker thread of a trainer: networks, trained models and the inputs they were sent. */
import { parentPort, workerData } from 'node:worker_threads';
import { AlfamixError } from '../errors.js';
import { Rng } from '../random/xoshiro.js';
import { createNetwork } from './create-network.js';
import { loadTf } from './load-tf.js';
import type { Network, Weights } from './network.js';
import type { TfOperations } from './tf-types.js';
import { trainNetwork } from './training-loop.js';
import type {
  Call,
  CarriedError,
  FromWorker,
  Results,
  ToWorker,
  Work,
  WorkerStart,
} from './worker-messages.js';

/** Numbers in one batch of inputs (2 MiB): an abort waits for one batch. */
const BATCH_VALUES = 1 << 19;
const PROGRESS_MS = 50;

interface Inputs {
  values: Float32Array;
  rows: number;
  dim: number;
}

interface KeptModel {
  network: Network;
  weights: Weights;
}

type Progress = (done: number, total: number) => void;

class TfWorker {
  readonly #tf: TfOperations;
  readonly #backend: string;
  readonly #options: WorkerStart['network'];
  readonly #inputs = new Map<number, Inputs>();
  readonly #models = new Map<number, KeptModel>();
  readonly #networks = new Map<string, Network>();
  #lastModel = 0;
  #used: KeptModel | undefined;

  constructor(tf: TfOperations, backend: string, options: WorkerStart['network']) {
    this.#tf = tf;
    this.#backend = backend;
    this.#options = options;
  }

  receive(message: ToWorker): void {
    if (message.type === 'inputs') this.#inputs.set(message.inputs, message);
    else if (message.type === 'forgetInputs') this.#inputs.delete(message.inputs);
    else if (message.type === 'forgetModel') this.#models.delete(message.model);
    else this.#answer(message);
  }

  #answer(message: Call): void {
    const { call, stop } = message;
    let last = performance.now();
    const progress: Progress = (done, total) => {
      if (Atomics.load(stop, 0) === 1) throw new AlfamixError('ABORTED', 'the operation was aborted');
      const now = performance.now();
      if (now - last < PROGRESS_MS && done < total) return;
      last = now;
      post({ type: 'progress', call, done, total });
    };
    try {
      progress(0, Number.POSITIVE_INFINITY);
      const result = this.#do(message, progress);
      post({ type: 'result', call, result }, buffersOf(result));
    } catch (error) {
      post({ type: 'error', call, error: carried(error) });
    }
  }

  #do(work: Work, progress: Progress): Results[keyof Results] {
    if (work.type === 'train') return this.#train(work, progress);
    const model = this.#models.get(work.model)!;
    if (this.#used !== model) model.network.use(model.weights);
    this.#used = model;
    const { network } = model;
    if (work.type === 'inputGradients') return network.inputGradients(work.values, work.rows);
    const inputs = this.#inputs.get(work.inputs)!;
    if (work.type === 'embed') return inBatches(inputs, progress, (x, rows) => network.embed(x, rows));
    const rng = new Rng(work.seed);
    return inBatches(inputs, progress, (x, rows) => network.dropoutLogits!(x, rows, rng));
  }

  #train(work: Work & { type: 'train' }, progress: Progress): Results['train'] {
    const { values, dim } = this.#inputs.get(work.inputs)!;
    const { maxEpochs } = this.#options;
    const network = this.#network(dim, work.classes);
    const rng = new Rng(work.seed);
    network.reset(rng);
    const x = new Float32Array(work.rows.length * dim);
    work.rows.forEach((row, i) => {
      x.set(values.subarray(row * dim, (row + 1) * dim), i * dim);
    });
    const { epochs, accuracy } = trainNetwork(network, x, work.labels, rng, this.#options, (done) =>
      progress(done, maxEpochs),
    );
    progress(maxEpochs, maxEpochs);
    const weights = network.snapshot();
    const model = ++this.#lastModel;
    this.#models.set(model, { network, weights });
    return {
      model,
      embeddingDim: network.embeddingDim,
      ...network.head(weights),
      epochs,
      trainingAccuracy: accuracy,
      hasDropout: network.dropoutLogits !== undefined,
    };
  }

  /** One for each number of inputs and classes: later trainings only reset its weights. */
  #network(dim: number, classes: number): Network {
    const key = `${dim}:${classes}`;
    const network =
      this.#networks.get(key) ?? createNetwork(this.#tf, this.#backend, this.#options, dim, classes);
    this.#networks.set(key, network);
    return network;
  }
}

/** Runs the rows through a function in batches; one array of all it gives. */
function inBatches(
  { values, rows, dim }: Inputs,
  progress: Progress,
  run: (x: Float32Array, rows: number) => Float32Array,
): Float32Array {
  const batch = Math.max(1, Math.floor(BATCH_VALUES / dim));
  let out: Float32Array | undefined;
  for (let start = 0; start < rows; start += batch) {
    progress(start, rows);
    const count = Math.min(batch, rows - start);
    const part = run(values.slice(start * dim, (start + count) * dim), count);
    const width = part.length / count;
    out ??= new Float32Array(rows * width);
    out.set(part, start * width);
  }
  progress(rows, rows);
  return out!;
}

/** Handed over, not copied. */
function buffersOf(result: Results[keyof Results]): ArrayBuffer[] {
  const arrays = result instanceof Float32Array ? [result] : Object.values(result);
  return arrays.filter((value) => value instanceof Float32Array).map(({ buffer }) => buffer as ArrayBuffer);
}

function carried(error: unknown): CarriedError {
  const { message, stack } = error as Error;
  const { code, details } =
    error instanceof AlfamixError ? error : { code: 'INTERNAL' as const, details: {} };
  return { code, message, details, stack };
}

function post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

async function main(): Promise<void> {
  const start = workerData as WorkerStart;
  // Messages wait in the port until the listener is there.
  try {
    const { tf, backend, reason } = await loadTf<TfOperations>({ backend: start.backend });
    post({ type: 'ready', backend, reason });
    const worker = new TfWorker(tf, backend, start.network);
    parentPort!.on('message', (message: ToWorker) => worker.receive(message));
  } catch (error) {
    post({ type: 'failed', error: carried(error) });
  }
}

await main();
