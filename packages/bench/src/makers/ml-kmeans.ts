import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  AlfamixError,
  type Kernels,
  type KMeansArgs,
  type KMeansResult,
  Rng,
  throwIfAborted,
} from '@alfamix/core';
import { kmeansGenerator } from 'ml-kmeans';
import { type Maker, toOutputs } from './maker.js';

/**
 * ml-kmeans (npm, version 7) behind the interface of our own k-means, so that the three can be compared: the same
 * arguments, the same result, its own algorithm and its own k-means++ (seeded with `seed`; `nInit` seedings, the lowest
 * inertia wins). A single iteration holds the event loop; aborts and progress come between them.
 *
 * @throws INVALID_ARGUMENT where rows, dim and clusters don't fit the data; ABORTED
 */
export const mlKmeans: Kernels['kmeans'] = async (args) => {
  const { data, rows, dim, clusters, nInit = 1, seed = 0 } = args;
  if (data.length !== rows * dim || !(clusters >= 1 && clusters <= rows)) {
    throw new AlfamixError('INVALID_ARGUMENT', `expected ${rows} x ${dim} values and 1 to ${rows} clusters`);
  }
  throwIfAborted(args.signal);
  const nested = nest(data, rows, dim);
  const seeds = new Rng(seed);
  let best: KMeansResult | undefined;
  for (let attempt = 0; attempt < (args.initialCenters ? 1 : nInit); attempt++) {
    const result = await run(args, nested, seeds.below(2 ** 31));
    if (!best || result.inertia < best.inertia) best = result;
  }
  return best as KMeansResult;
};

async function run(args: KMeansArgs, nested: number[][], seed: number): Promise<KMeansResult> {
  const { data, rows, dim, clusters, initialCenters, maxIterations = 300 } = args;
  let centroids = initialCenters ? nest(initialCenters, clusters, dim) : undefined;
  const steps = kmeansGenerator(nested, clusters, {
    initialization: centroids ?? 'kmeans++',
    seed,
    tolerance: 0,
    // A step assigns, then updates; labels that fit the centers need an assignment more than there are updates.
    maxIterations: maxIterations + 1,
  });
  let labels = new Int32Array(rows);
  let iterations = 0;
  let converged = false;
  for (const step of steps) {
    labels = Int32Array.from(step.clusters);
    ({ converged } = step);
    iterations = step.iterations - 1;
    if (converged || iterations < maxIterations) centroids = step.centroids;
    args.onProgress?.(iterations, maxIterations);
    await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted(args.signal);
  }
  args.onProgress?.(maxIterations, maxIterations);
  const centers = Float32Array.from((centroids ?? []).flat());
  let inertia = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dim; j++) inertia += (data[i * dim + j] - centers[labels[i] * dim + j]) ** 2;
  }
  return { labels, centers, inertia, iterations, converged };
}

function nest(data: Float32Array, rows: number, dim: number): number[][] {
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * dim, (i + 1) * dim)));
}

/** The `kmeans` problem by ml-kmeans. */
export function mlKmeansMaker(): Maker {
  // Its package.json isn't exported.
  const main = createRequire(import.meta.url).resolve('ml-kmeans');
  const { version } = JSON.parse(readFileSync(join(dirname(main), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return {
    version,
    make: async ({ args, arrays }) => {
      const given = Object.entries(arrays).map(([name, { values }]) => [name, values]);
      const all = { ...args, ...Object.fromEntries(given) } as KMeansArgs;
      return async () => toOutputs(await mlKmeans(all));
    },
  };
}
