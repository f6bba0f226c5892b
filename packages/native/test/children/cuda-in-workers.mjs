// Tries the plug-in that ALFAMIX_CUDA_PATH names, here and then in two workers, and prints what each was told.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { loadNative, tryCuda } from '../../dist/index.js';

const { available, device } = await tryCuda(loadNative());
const told = `${available} ${device?.name}`;
if (isMainThread) {
  const script = new URL(import.meta.url);
  const workers = [1, 2].map(() => new Worker(script));
  const messages = await Promise.all(workers.map((worker) => once(worker, 'message')));
  process.stdout.write([told, ...messages.flat()].join(','));
} else {
  parentPort.postMessage(told);
}
