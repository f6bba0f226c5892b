import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { onAbort } from '../../abort-listeners.js';
import { AlfamixError, abortError, throwIfAborted } from '../../errors.js';
import type { Reply, Request } from './messages.js';

/** JavaScript values of a reading thread: strings and dictionaries. Numbers lie outside. */
const HEAP_MB = 1024;
const IDLE_MS = 1000;
const MOST_IDLE = 2;

/** Built file, for the sources too: a thread runs JavaScript. */
const WORKER = createRequire(import.meta.url).resolve('#parquet-worker');

const idle: Worker[] = [];

export type Batch = Exclude<Reply, { kind: 'end' | 'error' }>;

/**
 * Reads a Parquet file in a thread of its own, which an abort ends at once, whatever it is doing, and whose memory can
 * run out without the process's. A thread that is done waits a moment for the next file.
 *
 * @throws ABORTED, OUT_OF_MEMORY, and what the reading throws
 */
export async function* readInThread(
  request: Exclude<Request, { kind: 'next' }>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, undefined> {
  throwIfAborted(signal);
  const worker = idle.pop() ?? startWorker();
  worker.ref();
  let sound = false;
  try {
    for (let message: Request = request; ; message = { kind: 'next' }) {
      const reply = await ask(worker, message, request.path, signal);
      if (reply.kind === 'end' || reply.kind === 'error') sound = true;
      if (reply.kind === 'end') return;
      if (reply.kind === 'error') throw failureOf(reply);
      yield reply;
    }
  } finally {
    if (sound) rest(worker);
    else void worker.terminate();
  }
}

function startWorker(): Worker {
  const worker = new Worker(WORKER, {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  // Heard by whoever waits for a reply; a thread that fails while idle is only forgotten.
  worker.on('error', () => {});
  worker.on('exit', () => forget(worker));
  return worker;
}

function forget(worker: Worker): void {
  const at = idle.indexOf(worker);
  if (at >= 0) idle.splice(at, 1);
}

/** An idle thread doesn't keep the process alive. */
function rest(worker: Worker): void {
  worker.unref();
  if (idle.length >= MOST_IDLE) return void worker.terminate();
  idle.push(worker);
  setTimeout(() => {
    if (!idle.includes(worker)) return;
    forget(worker);
    void worker.terminate();
  }, IDLE_MS).unref();
}

function ask(
  worker: Worker,
  message: Request,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      unhook();
      done();
    };
    const onMessage = (reply: Reply) => settle(() => resolve(reply));
    const onError = (error: Error) => settle(() => reject(threadError(error, path)));
    const onExit = (code: number) =>
      settle(() => reject(threadError(new Error(`the thread ended with ${code}`), path)));
    const unhook = onAbort(signal, () => settle(() => reject(abortError(signal as AbortSignal))));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    if (signal?.aborted) settle(() => reject(abortError(signal)));
    else worker.postMessage(message);
  });
}

function failureOf({ code, message, details, cause }: Extract<Reply, { kind: 'error' }>): AlfamixError {
  return new AlfamixError(code, message, { details: { ...details }, cause: cause && new Error(cause) });
}

function threadError(error: Error, path: string): AlfamixError {
  const full = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const options = { cause: error, details: { path } };
  if (full)
    return new AlfamixError(
      'OUT_OF_MEMORY',
      `can't read ${path}: its strings need more than ${HEAP_MB} MiB`,
      options,
    );
  return new AlfamixError('INTERNAL', `can't read ${path}: ${error.message}`, options);
}
