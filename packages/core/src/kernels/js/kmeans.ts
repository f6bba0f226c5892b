import { Rng } from '../../random/xoshiro.js';
import type { KMeansArgs, KMeansResult } from '../kernels.js';
import { validateKMeans } from '../validate.js';
import { nonFiniteRow } from './flip-search.js';
import { seedRows } from './kmeans-seeding.js';
import { dot, squaredDistance } from './reduce.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/kmeans.cc: the same seeds, labels and centers, bit for bit on most data. */
export async function kmeans(args: KMeansArgs): Promise<KMeansResult> {
  validateKMeans(args);
  const { data, rows, dim, clusters, nInit = 1, maxIterations = 300 } = args;
  const tries = args.initialCenters ? 1 : nInit;
  const slices = new Slices(tries * maxIterations * rows, args);
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(dot(data, i * dim, data, i * dim, dim))) throw nonFiniteRow(i);
    if (slices.step(0)) await slices.turn();
  }
  const rng = new Rng(args.seed ?? 0);
  let best: KMeansResult | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    const centers = new Float32Array(clusters * dim);
    if (args.initialCenters) centers.set(args.initialCenters);
    else {
      const seeds = await seedRows(data, rows, dim, clusters, rng, slices);
      seeds.forEach((row, k) => {
        centers.set(data.subarray(row * dim, (row + 1) * dim), k * dim);
      });
    }
    const result = await lloyd(data, rows, dim, clusters, centers, maxIterations, slices);
    if (!best || result.inertia < best.inertia) best = result;
  }
  slices.finish();
  return best!;
}

/** Lloyd's iteration in double; centers are rounded to float32 after each update. */
async function lloyd(
  data: Float32Array,
  rows: number,
  dim: number,
  clusters: number,
  centers: Float32Array,
  maxIterations: number,
  slices: Slices,
): Promise<KMeansResult> {
  const labels = new Int32Array(rows).fill(-1);
  const distance = new Float64Array(rows);
  const touched = new Uint8Array(clusters);
  for (let iterations = 0; ; iterations++) {
    let changed = 0;
    touched.fill(0);
    for (let i = 0; i < rows; i++) {
      const k = nearestCenter(data, i * dim, centers, clusters, dim, distance, i);
      if (k !== labels[i]) {
        changed++;
        if (labels[i] >= 0) touched[labels[i]] = 1;
        touched[k] = 1;
        labels[i] = k;
      }
      if (slices.step(1)) await slices.turn();
    }
    if (changed === 0 || iterations >= maxIterations) {
      let inertia = 0;
      for (let i = 0; i < rows; i++) inertia += distance[i];
      return { labels, centers, inertia, iterations, converged: changed === 0 };
    }
    fillEmptyClusters(labels, distance, clusters, touched);
    await updateCenters(data, dim, labels, touched, centers, slices);
  }
}

function nearestCenter(
  data: Float32Array,
  offset: number,
  centers: Float32Array,
  clusters: number,
  dim: number,
  distance: Float64Array,
  row: number,
): number {
  let nearest = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (let k = 0; k < clusters; k++) {
    const d = squaredDistance(data, offset, centers, k * dim, dim);
    if (d < smallest) {
      smallest = d;
      nearest = k;
    }
  }
  distance[row] = smallest;
  return nearest;
}

/**
 * Each cluster without rows, in order, takes the row farthest from its own center (the lowest on a tie) among rows of
 * clusters with more than one; none is taken that lies on its center, so fewer distinct rows than clusters leave some empty.
 */
function fillEmptyClusters(
  labels: Int32Array,
  distance: Float64Array,
  clusters: number,
  touched: Uint8Array,
): void {
  const counts = new Int32Array(clusters);
  for (const k of labels) counts[k]++;
  for (let empty = 0; empty < clusters; empty++) {
    if (counts[empty] > 0) continue;
    let farthest = -1;
    for (let i = 0; i < labels.length; i++) {
      if (counts[labels[i]] > 1 && distance[i] > (farthest < 0 ? 0 : distance[farthest])) farthest = i;
    }
    if (farthest < 0) return;
    counts[labels[farthest]]--;
    touched[labels[farthest]] = 1;
    labels[farthest] = empty;
    counts[empty] = 1;
    touched[empty] = 1;
    distance[farthest] = 0;
  }
}

/** Means of the touched clusters: sums in double, in row order. */
async function updateCenters(
  data: Float32Array,
  dim: number,
  labels: Int32Array,
  touched: Uint8Array,
  centers: Float32Array,
  slices: Slices,
): Promise<void> {
  const sums = new Float64Array(centers.length);
  const counts = new Int32Array(touched.length);
  for (let i = 0; i < labels.length; i++) {
    const k = labels[i];
    if (!touched[k]) continue;
    counts[k]++;
    for (let j = 0, p = i * dim, s = k * dim; j < dim; j++) sums[s + j] += data[p + j];
    if (slices.step(0)) await slices.turn();
  }
  for (let k = 0; k < touched.length; k++) {
    if (counts[k] === 0) continue;
    for (let j = k * dim; j < (k + 1) * dim; j++) centers[j] = sums[j] / counts[k];
  }
}
