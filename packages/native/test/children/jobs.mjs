// Jobs for the tests, plain JavaScript: child processes and workers run it without a build.
import { createRequire } from 'node:module';

export function loadAddon(path) {
  return createRequire(import.meta.url)(path);
}

/** Numbers that look random and are the same each time. */
export function noise(count, seed = 1) {
  const values = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 32 - 0.5;
  }
  return values;
}

const big = { rows: 60_000, dim: 64 };
let bigData;

/** k-means that takes many seconds: tests cut it short. */
export function startLongJob(addon, options = {}) {
  bigData ??= noise(big.rows * big.dim);
  return addon.kmeans({
    ...big,
    data: bigData,
    clusters: 400,
    seed: 1,
    nInit: 50,
    maxIterations: 100_000,
    threads: 2,
    level: 'scalar',
    ...options,
  });
}

/** A job of some milliseconds. */
export function startShortJob(addon, options = {}) {
  const rows = 4000;
  const dim = 16;
  return addon.normalizeRows({ data: noise(rows * dim), rows, dim, threads: 2, level: 'scalar', ...options });
}
