import { Worker } from 'node:worker_threads';
import { AlfamixError, abortError, throwIfAborted } from '../errors.js';
import type { JobOptions } from '../kernels/kernels.js';
import type { Pool } from '../pool/pool.js';
import { finiteBlocks } from './finite-blocks.js';
import { quietTensorFlow, type TfBackend } from './load-tf.js';
import type { CarriedError, FromWorker, Results, ToWorker, Work, WorkerStart } from './worker-messages.js';

interface Pending {
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
  onProgress: JobOptions['onProgress'];
  /** Takes back the listener on the signal. */
  release: () => void;
  /** Rejects now and stops the worker at its next batch; what it still answers is dropped. */
  abandon: (error: unknown) => void;
  abandoned: boolean;
}

/**
 * The main thread's end of a trainer's worker: starts it, asks, carries answers and errors over. The process may end
 * while the worker is idle, but not while a call waits for it.
 */
export class WorkerCalls {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #numbers = new WeakMap<Pool, number>();
  /** Tells the worker to forget what nobody here can name any more. */
  readonly #forget = new FinalizationRegistry<ToWorker>((message) => this.#send(message));
  #lastCall = 0;
  #lastInputs = 0;
  #ended: AlfamixError | undefined;
  /** What the worker loaded, once it has. */
  started: { backend: TfBackend; reason: string } | undefined;

  constructor(start: WorkerStart) {
    if (start.backend === undefined || start.backend === 'node') quietTensorFlow();
    this.#worker = new Worker(new URL('./tf-worker.js', import.meta.url), {
      workerData: start,
      name: 'alfamix-trainer',
      // Not the parent's flags: with --input-type=module, which goes with -e, a worker can't start.
      execArgv: [],
    });
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) =>
      this.#end(internal(`the trainer's worker failed: ${error.message}`, error)),
    );
    this.#worker.on('exit', (code) =>
      this.#end(internal(`the trainer's worker ended with exit code ${code}`)),
    );
    this.#worker.unref();
  }

  /** Whether it can still be asked. */
  get alive(): boolean {
    return this.#ended === undefined;
  }

  /**
   * @throws ABORTED at once when the signal fires; the worker stops after its present batch
   */
  call<Type extends Work['type']>(
    work: Work & { type: Type },
    { signal, onProgress }: JobOptions = {},
  ): Promise<Results[Type]> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      if (this.#ended) throw this.#ended;
      const call = ++this.#lastCall;
      const stop = new Int32Array(new SharedArrayBuffer(4));
      const abandon = (error: unknown) => {
        Atomics.store(stop, 0, 1);
        pending.abandoned = true;
        reject(error);
      };
      const abort = () => abandon(abortError(signal!));
      const release = () => signal?.removeEventListener('abort', abort);
      const pending: Pending = { resolve, reject, onProgress, release, abandon, abandoned: false };
      signal?.addEventListener('abort', abort, { once: true });
      this.#pending.set(call, pending);
      this.#worker.ref();
      this.#send({ call, stop, ...work });
    });
  }

  /** The number of a pool in the worker; its rows are read, checked and shared the first time. */
  async inputs(pool: Pool, signal?: AbortSignal): Promise<number> {
    const known = this.#numbers.get(pool);
    if (known !== undefined) return known;
    const values = await sharedRows(pool, signal);
    const { rows, dim } = pool;
    const inputs = ++this.#lastInputs;
    this.#numbers.set(pool, inputs);
    this.#send({ type: 'inputs', inputs, values, rows, dim });
    this.#forget.register(pool, { type: 'forgetInputs', inputs });
    return inputs;
  }

  /** Lets the worker forget a model when `handle` is collected. */
  watchModel(handle: object, model: number): void {
    this.#forget.register(handle, { type: 'forgetModel', model }, handle);
  }

  closeModel(handle: object, model: number): void {
    this.#forget.unregister(handle);
    this.#send({ type: 'forgetModel', model });
  }

  async close(): Promise<void> {
    this.#end(new AlfamixError('INVALID_ARGUMENT', 'expected an open trainer, got one that is closed'));
    await this.#worker.terminate();
  }

  #send(message: ToWorker): void {
    if (this.alive) this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ready') {
      this.started = { backend: message.backend, reason: message.reason };
      return;
    }
    if (message.type === 'failed') {
      this.#end(revived(message.error));
      return;
    }
    const pending = this.#pending.get(message.call);
    if (!pending) return;
    if (message.type === 'progress') {
      if (pending.abandoned) return;
      try {
        pending.onProgress?.(message.done, message.total);
      } catch (error) {
        pending.abandon(error);
      }
      return;
    }
    this.#settle(message.call, pending);
    if (message.type === 'error') pending.reject(revived(message.error));
    else if (!pending.abandoned) pending.resolve(message.result as never);
    else if ('model' in message.result) this.#send({ type: 'forgetModel', model: message.result.model });
  }

  #settle(call: number, pending: Pending): void {
    pending.release();
    this.#pending.delete(call);
    if (this.#pending.size === 0) this.#worker.unref();
  }

  /** Fails every call that waits, and all that come. */
  #end(error: AlfamixError): void {
    this.#ended ??= error;
    for (const [call, pending] of this.#pending) {
      this.#settle(call, pending);
      pending.reject(this.#ended);
    }
  }
}

/** All rows of a pool as finite float32 on shared memory: the pool's own array when it is there already. */
async function sharedRows(pool: Pool, signal: AbortSignal | undefined): Promise<Float32Array> {
  const { source, rows, dim } = pool;
  const inPlace = source instanceof Float32Array && source.buffer instanceof SharedArrayBuffer;
  const shared = inPlace ? source : new Float32Array(new SharedArrayBuffer(4 * rows * dim));
  for await (const { start, data } of finiteBlocks(pool, { signal }))
    if (!inPlace) shared.set(data, start * dim);
  return shared;
}

function internal(message: string, cause?: unknown): AlfamixError {
  return new AlfamixError('INTERNAL', message, { cause });
}

/** The worker's error, its own stack in `details.workerStack`. */
function revived({ code, message, details, stack }: CarriedError): AlfamixError {
  return new AlfamixError(code, message, { details: { ...details, workerStack: stack } });
}
