// node --expose-gc memory.mjs ADDON: many jobs, finished, failed and cancelled; what they held must come back.
import { loadAddon, noise, startLongJob } from './jobs.mjs';

const addon = loadAddon(process.argv[2]);
const rows = 20_000;
const dim = 64;
const level = 'scalar';

async function round() {
  const data = noise(rows * dim);
  await addon.normalizeRows({ data, rows, dim, threads: 2, level }).promise;
  data[dim] = Number.NaN;
  await addon.normalizeRows({ data, rows, dim, threads: 2, level }).promise.catch(() => {});
  const job = startLongJob(addon);
  job.cancel();
  await job.promise.catch(() => {});
  try {
    addon.normalizeRows({ data, rows: rows + 1, dim, threads: 2, level });
  } catch {}
}

async function measure(rounds) {
  for (let i = 0; i < rounds; i++) await round();
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { arrayBuffers, rss } = process.memoryUsage();
  return { arrayBuffers, rss };
}

const before = await measure(5);
const after = await measure(40);
console.log(JSON.stringify({ before, after }));
