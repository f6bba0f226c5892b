import { squaredDistance } from '../kernels/js/reduce.js';
import { Slices } from '../kernels/js/slices.js';
import type { JobOptions } from '../kernels/kernels.js';
import { Rng } from '../random/xoshiro.js';

const MOST_ITERATIONS = 300;

export interface WeightedKMeansArgs {
  /** M×D rows. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** K, 1 … rows. */
  clusters: number;
  /** One a row, above 0: a row of weight 2 counts as two. */
  weights: Float64Array;
  seed: number;
}

export interface WeightedKMeansResult {
  /** The cluster of each row. */
  labels: Int32Array;
  /** K×D: the weighted means of their rows. */
  centers: Float32Array;
  /** Σ weight · squared distance to the center. */
  inertia: number;
}

/**
 * k-means with weights: k-means++ seeds drawn with probability weight · squared distance, then Lloyd's iteration, at most
 * 300 times. For experiments: the kernels have no weights, so this is plain TypeScript on one thread, M·K·D for the seeds
 * and for each iteration, far slower than `kernels.kmeans`.
 */
export async function weightedKMeans(
  args: WeightedKMeansArgs,
  job: JobOptions = {},
): Promise<WeightedKMeansResult> {
  const { data, rows, dim, clusters } = args;
  const slices = new Slices(MOST_ITERATIONS * rows, job);
  const centers = new Float32Array(clusters * dim);
  for (const [k, row] of (await seedRows(args, slices)).entries())
    centers.set(data.subarray(row * dim, (row + 1) * dim), k * dim);
  const labels = new Int32Array(rows).fill(-1);
  const distances = new Float64Array(rows);
  for (let iteration = 0; ; iteration++) {
    let changed = 0;
    for (let i = 0; i < rows; i++) {
      const before = labels[i];
      assign(args, centers, i, labels, distances);
      if (labels[i] !== before) changed++;
      if (slices.step(1)) await slices.turn();
    }
    if (changed === 0 || iteration === MOST_ITERATIONS) break;
    fillEmpty(args, labels, distances);
    await moveCenters(args, labels, centers, slices);
  }
  slices.finish();
  return { labels, centers, inertia: distances.reduce((sum, d, i) => sum + args.weights[i] * d, 0) };
}

async function seedRows(args: WeightedKMeansArgs, slices: Slices): Promise<number[]> {
  const { data, rows, dim, clusters, weights, seed } = args;
  const rng = new Rng(seed);
  const closest = new Float64Array(rows).fill(1);
  const seeds: number[] = [];
  while (seeds.length < clusters) {
    const row = drawRow(weights, closest, rng);
    const first = seeds.length === 0;
    for (let i = 0; i < rows; i++) {
      const distance = squaredDistance(data, i * dim, data, row * dim, dim);
      closest[i] = first ? distance : Math.min(closest[i], distance);
      if (slices.step(0)) await slices.turn();
    }
    seeds.push(row);
  }
  return seeds;
}

/** A row with probability weight · distance; uniformly when every row lies on a seed. */
function drawRow(weights: Float64Array, distances: Float64Array, rng: Rng): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i] * distances[i];
  if (!(total > 0)) return rng.below(weights.length);
  let left = rng.uniform() * total;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    const share = weights[i] * distances[i];
    if (share > 0) last = i;
    left -= share;
    if (left < 0) break;
  }
  return last;
}

/** The nearest center, the lowest on a tie. */
function assign(
  { data, dim, clusters }: WeightedKMeansArgs,
  centers: Float32Array,
  i: number,
  labels: Int32Array,
  distances: Float64Array,
): void {
  distances[i] = Number.POSITIVE_INFINITY;
  for (let k = 0; k < clusters; k++) {
    const distance = squaredDistance(data, i * dim, centers, k * dim, dim);
    if (distance >= distances[i]) continue;
    distances[i] = distance;
    labels[i] = k;
  }
}

/** Each empty cluster takes the row that costs most where it is; none lies on its own center. */
function fillEmpty(
  { clusters, weights }: WeightedKMeansArgs,
  labels: Int32Array,
  distances: Float64Array,
): void {
  const counts = new Int32Array(clusters);
  for (const label of labels) counts[label]++;
  for (let empty = 0; empty < clusters; empty++) {
    if (counts[empty] > 0) continue;
    let worst = -1;
    let most = 0;
    for (let i = 0; i < labels.length; i++) {
      const cost = weights[i] * distances[i];
      if (counts[labels[i]] < 2 || cost <= most) continue;
      worst = i;
      most = cost;
    }
    if (worst < 0) return;
    counts[labels[worst]]--;
    labels[worst] = empty;
    counts[empty] = 1;
    distances[worst] = 0;
  }
}

async function moveCenters(
  { data, rows, dim, clusters, weights }: WeightedKMeansArgs,
  labels: Int32Array,
  centers: Float32Array,
  slices: Slices,
): Promise<void> {
  const sums = new Float64Array(clusters * dim);
  const totals = new Float64Array(clusters);
  for (let i = 0; i < rows; i++) {
    const k = labels[i];
    totals[k] += weights[i];
    for (let j = 0; j < dim; j++) sums[k * dim + j] += weights[i] * data[i * dim + j];
    if (slices.step(0)) await slices.turn();
  }
  for (let k = 0; k < clusters; k++) {
    if (totals[k] === 0) continue;
    for (let j = k * dim; j < (k + 1) * dim; j++) centers[j] = sums[j] / totals[k];
  }
}
