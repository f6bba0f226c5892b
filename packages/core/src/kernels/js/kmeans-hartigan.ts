import { type KMeansState, updateCenters } from './kmeans-clusters.js';
import type { KMeansProgress } from './kmeans-progress.js';
import { squaredDistance } from './reduce.js';

/** A move must lower its rows' cost by more than sums in double round, or moves could go round in circles. */
const LEAST_GAIN = 1e-9;

/**
 * Hartigan's moves (Hartigan and Wong, 1979; Telgarsky and Vattani, 2010), from centers that are the means of their rows.
 * A row x goes from cluster a to b where n_b/(n_b + 1)·‖x − c_b‖² is below n_a/(n_a − 1)·‖x − c_a‖², the change of the
 * inertia, centers moving along. A sweep finds each row's best b with the centers as they are, then makes the moves one by
 * one, in row order, where the rule holds for the sums and counts of that moment. Whether it ended with no move left.
 */
export async function moveRows(
  state: KMeansState,
  maxIterations: number,
  progress: KMeansProgress,
): Promise<boolean> {
  const { clusters, labels, touched } = state;
  for (; ; state.iterations++) {
    touched.fill(1);
    const sums = await updateCenters(state, progress);
    const counts = new Int32Array(clusters);
    for (const k of labels) counts[k]++;
    const targets = await findTargets(state, counts, progress);
    if (!targets.some((to) => to >= 0)) return true;
    if (state.iterations >= maxIterations) return false;
    if (!makeMoves(state, targets, sums, counts)) return true;
  }
}

/** For each row the cluster it should go to, the lowest on a tie, or −1. */
async function findTargets(
  { data, rows, dim, clusters, centers, labels }: KMeansState,
  counts: Int32Array,
  progress: KMeansProgress,
): Promise<Int32Array> {
  const targets = new Int32Array(rows).fill(-1);
  progress.beginPass(rows);
  for (let i = 0; i < rows; i++) {
    const own = labels[i];
    if (counts[own] > 1) {
      const distance = squaredDistance(data, i * dim, centers, own * dim, dim);
      let smallest = (counts[own] / (counts[own] - 1)) * distance;
      for (let k = 0; k < clusters; k++) {
        if (k === own) continue;
        const cost = (counts[k] / (counts[k] + 1)) * squaredDistance(data, i * dim, centers, k * dim, dim);
        if (cost >= smallest) continue;
        smallest = cost;
        targets[i] = k;
      }
    }
    if (progress.step(1)) await progress.turn();
  }
  return targets;
}

/** Whether any move was made. */
function makeMoves(
  { data, dim, labels }: KMeansState,
  targets: Int32Array,
  sums: Float64Array,
  counts: Int32Array,
): boolean {
  const mean = new Float64Array(dim);
  const distanceTo = (row: number, k: number) => {
    for (let j = 0; j < dim; j++) mean[j] = sums[k * dim + j] / counts[k];
    return squaredDistance(data, row * dim, mean, 0, dim);
  };
  let made = false;
  for (const [i, to] of targets.entries()) {
    const from = labels[i];
    const left = counts[from];
    if (to < 0 || left < 2) continue;
    const gain = (left / (left - 1)) * distanceTo(i, from);
    const joined = counts[to];
    const loss = joined === 0 ? 0 : (joined / (joined + 1)) * distanceTo(i, to);
    if (!(loss < gain - LEAST_GAIN * gain)) continue;
    for (let j = 0; j < dim; j++) {
      sums[from * dim + j] -= data[i * dim + j];
      sums[to * dim + j] += data[i * dim + j];
    }
    counts[from]--;
    counts[to]++;
    labels[i] = to;
    made = true;
  }
  return made;
}
