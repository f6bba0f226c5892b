// The worker of workers.mjs: starts jobs, tells that they run, and goes on until it is ended.
import { parentPort, workerData } from 'node:worker_threads';
import { loadAddon, startLongJob, startShortJob } from './jobs.mjs';

const addon = loadAddon(workerData.path);
if (workerData.kind === 'short') {
  const rows = await startShortJob(addon).promise;
  parentPort.postMessage({ norm: Math.hypot(...rows.subarray(0, 16)) });
} else {
  for (let i = 0; i < workerData.jobs; i++) {
    // Nobody reads these promises; onProgress fires while the worker is being ended.
    startLongJob(addon, { onProgress: () => {}, threads: 1 + (i % 2) }).promise.catch(() => {});
  }
  parentPort.postMessage('running');
  if (workerData.kind === 'exit') process.exit(0);
  if (workerData.kind === 'busy') for (;;) Math.random();
}
