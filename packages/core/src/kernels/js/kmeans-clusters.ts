import type { KMeansProgress } from './kmeans-progress.js';

/** A k-means under way. */
export interface KMeansState {
  /** M×D. */
  readonly data: Float32Array;
  readonly rows: number;
  readonly dim: number;
  readonly clusters: number;
  /** K×D. */
  readonly centers: Float32Array;
  /** The cluster of each row; −1 before the first pass. */
  readonly labels: Int32Array;
  /** Of each row to its own center, squared, at the last assignment. */
  readonly distance: Float64Array;
  /** 1 where rows joined or left since the last update. */
  readonly touched: Uint8Array;
  /** Updates of the centers so far. */
  iterations: number;
}

/**
 * Each cluster without rows, in order, takes the row farthest from its own center (the lowest on a tie) among rows of
 * clusters with more than one; none is taken that lies on its center, so fewer distinct rows than clusters leave some empty.
 */
export function fillEmptyClusters({ labels, distance, clusters, touched }: KMeansState): void {
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

/** Means of the touched clusters: sums in double, in row order; returns them, K×D, 0 for the others. */
export async function updateCenters(
  { data, dim, labels, touched, centers }: KMeansState,
  progress: KMeansProgress,
): Promise<Float64Array> {
  const sums = new Float64Array(centers.length);
  const counts = new Int32Array(touched.length);
  for (let i = 0; i < labels.length; i++) {
    const k = labels[i];
    if (!touched[k]) continue;
    counts[k]++;
    for (let j = 0, p = i * dim, s = k * dim; j < dim; j++) sums[s + j] += data[p + j];
    if (progress.step()) await progress.turn();
  }
  for (let k = 0; k < touched.length; k++) {
    if (counts[k] === 0) continue;
    for (let j = k * dim; j < (k + 1) * dim; j++) centers[j] = sums[j] / counts[k];
  }
  return sums;
}
