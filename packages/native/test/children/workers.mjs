// node workers.mjs ADDON rounds: workers that start jobs and are ended in the middle, again and again.
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { loadAddon, startShortJob } from './jobs.mjs';

const [, , path, rounds] = process.argv;
const url = new URL('./worker-job.mjs', import.meta.url);

function start(kind, jobs = 2) {
  const worker = new Worker(url, { workerData: { path, kind, jobs } });
  const message = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  return { worker, message, exit };
}

const terminations = [];
for (let round = 0; round < Number(rounds); round++) {
  const kind = ['long', 'busy', 'exit'][round % 3];
  const { worker, message, exit } = start(kind, 1 + (round % 3));
  await message;
  if (kind === 'exit') {
    await exit;
    continue;
  }
  await sleep((round % 5) * 20);
  const started = performance.now();
  await worker.terminate();
  terminations.push(performance.now() - started);
}

// Workers have loaded and left the addon before the main thread loads it: its code must still be there.
const several = await Promise.all(
  [start('short'), start('short'), start('short')].map(({ message }) => message),
);
const own = await startShortJob(loadAddon(path)).promise;
terminations.sort((a, b) => a - b);
console.log(JSON.stringify({ several, own: own.length, slowest: terminations.at(-1) ?? 0 }));
