import { Rng } from '../../random/xoshiro.js';
import type { KMeansArgs, KMeansResult } from '../kernels.js';
import { validateKMeans } from '../validate-kmeans.js';
import { nonFiniteRow } from './flip-search.js';
import { fillEmptyClusters, type KMeansState, updateCenters } from './kmeans-clusters.js';
import { moveRows } from './kmeans-hartigan.js';
import { KMeansProgress } from './kmeans-progress.js';
import { rowsOf } from './kmeans-rows.js';
import { seedRows } from './kmeans-seeding.js';
import { dot, squaredDistance } from './reduce.js';

/**
 * The TypeScript twin of native/src/cpu/kmeans.cc: the same seeds, labels and centers, bit for bit. Rows by index or
 * scaled are copied, M×D.
 */
export async function kmeans(args: KMeansArgs): Promise<KMeansResult> {
  validateKMeans(args);
  const { rows, dim, clusters, nInit = 1, maxIterations = 300, algorithm = 'lloyd' } = args;
  const tries = args.initialCenters ? 1 : nInit;
  const progress = new KMeansProgress(tries, args);
  const data = rowsOf(args);
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(dot(data, i * dim, data, i * dim, dim))) throw nonFiniteRow(i);
    if (progress.step()) await progress.turn();
  }
  const rng = new Rng(args.seed ?? 0);
  let best: KMeansResult | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    progress.beginTry();
    const centers = new Float32Array(clusters * dim);
    if (args.initialCenters) centers.set(args.initialCenters);
    else {
      const seeds = await seedRows(data, rows, dim, clusters, rng, progress);
      seeds.forEach((row, k) => {
        centers.set(data.subarray(row * dim, (row + 1) * dim), k * dim);
      });
    }
    const state: KMeansState = {
      data,
      rows,
      dim,
      clusters,
      centers,
      labels: new Int32Array(rows).fill(-1),
      distance: new Float64Array(rows),
      touched: new Uint8Array(clusters),
      iterations: 0,
    };
    const hartigan = algorithm === 'hartigan';
    let converged = await lloyd(state, hartigan ? 1 : maxIterations, hartigan, progress);
    if (hartigan) converged = await moveRows(state, maxIterations, progress);
    const inertia = await inertiaOf(state, progress);
    const { labels, iterations } = state;
    if (!best || inertia < best.inertia) best = { labels, centers, inertia, iterations, converged };
  }
  progress.finish();
  return best!;
}

/**
 * Lloyd's iteration in double; centers are rounded to float32 after each update. Ends when no label changes, or after
 * `most` updates: with one more assignment, unless Hartigan's moves follow.
 */
async function lloyd(
  state: KMeansState,
  most: number,
  movesFollow: boolean,
  progress: KMeansProgress,
): Promise<boolean> {
  const { rows, labels, touched } = state;
  for (; ; state.iterations++) {
    if (movesFollow && state.iterations === most) return false;
    let changed = 0;
    touched.fill(0);
    progress.beginPass(rows);
    for (let i = 0; i < rows; i++) {
      const k = nearestCenter(state, i);
      if (k !== labels[i]) {
        changed++;
        if (labels[i] >= 0) touched[labels[i]] = 1;
        touched[k] = 1;
        labels[i] = k;
      }
      if (progress.step(1)) await progress.turn();
    }
    if (changed === 0 || (state.iterations >= most && !movesFollow)) return changed === 0;
    fillEmptyClusters(state);
    await updateCenters(state, progress);
  }
}

/** The lowest on a tie; its squared distance goes to `distance`. */
function nearestCenter({ data, dim, centers, clusters, distance }: KMeansState, row: number): number {
  let nearest = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (let k = 0; k < clusters; k++) {
    const d = squaredDistance(data, row * dim, centers, k * dim, dim);
    if (d < smallest) {
      smallest = d;
      nearest = k;
    }
  }
  distance[row] = smallest;
  return nearest;
}

async function inertiaOf(
  { data, rows, dim, centers, labels }: KMeansState,
  progress: KMeansProgress,
): Promise<number> {
  let inertia = 0;
  for (let i = 0; i < rows; i++) {
    inertia += squaredDistance(data, i * dim, centers, labels[i] * dim, dim);
    if (progress.step()) await progress.turn();
  }
  return inertia;
}
