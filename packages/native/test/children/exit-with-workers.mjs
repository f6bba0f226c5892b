// node exit-with-workers.mjs ADDON after: the main thread exits while workers, and it itself, run jobs.
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { loadAddon, startLongJob } from './jobs.mjs';

const [, , path, after] = process.argv;
const url = new URL('./worker-job.mjs', import.meta.url);
const started = ['long', 'busy'].map((kind) => {
  const worker = new Worker(url, { workerData: { path, kind, jobs: 2 } });
  return new Promise((resolve) => worker.once('message', resolve));
});
startLongJob(loadAddon(path)).promise.catch(() => {});
await Promise.all(started);
await sleep(Number(after));
process.exit(3);
