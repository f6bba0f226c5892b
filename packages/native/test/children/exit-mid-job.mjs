// node exit-mid-job.mjs ADDON how after: leaves in the middle of jobs, in the way that `how` names.
import { setTimeout as sleep } from 'node:timers/promises';
import { loadAddon, startLongJob, startShortJob } from './jobs.mjs';

const [, , path, how, after] = process.argv;
const addon = loadAddon(path);
const jobs = [startLongJob(addon), startLongJob(addon, { onProgress: () => {} }), startShortJob(addon)];
const outcomes = Promise.allSettled(jobs.map((job) => job.promise));
await sleep(Number(after));

if (how === 'exit') process.exit(7);
if (how === 'exit-in-progress') {
  startLongJob(addon, { onProgress: () => process.exit(7) });
}
if (how === 'throw') throw new Error('on purpose');
if (how === 'signal') process.kill(process.pid, 'SIGTERM');
if (how === 'cancel') {
  for (const job of jobs) job.cancel();
  console.log((await outcomes).map((outcome) => outcome.reason?.code ?? outcome.status).join());
}
if (how === 'natural') {
  // Nothing waits for this promise: the program still ends after it, with its result told.
  startShortJob(addon).promise.then(() => console.log('told'));
  for (const job of jobs) job.cancel();
}
