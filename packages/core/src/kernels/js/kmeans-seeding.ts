import type { Rng } from '../../random/xoshiro.js';
import type { KMeansProgress } from './kmeans-progress.js';
import { squaredDistance } from './reduce.js';

/** Rows whose weights are summed together, in row order, before the sums are added: the same in C++. */
const SUM_BLOCK = 1024;
/** Seeds taken from a batch, and candidates drawn for each: the same in C++. */
const BATCH_SEEDS = 8;
const CANDIDATES_A_SEED = 8;

interface Candidate {
  row: number;
  /** Squared distances of all rows to it, in double. */
  distance2: Float64Array;
}

/**
 * Batched greedy k-means++. D² is a row's squared distance to the nearest seed so far, in double. The
 * first seed is drawn uniformly. Then, until there are K, as many seeds at once as there are already, at most 8: 8 candidates
 * for each are drawn with probability proportional to D², and each time the candidate with the largest gain becomes a
 * seed, the sum by which D² falls; the first drawn on a tie, none without a gain. Returns the K rows chosen. When all rows
 * coincide with seeds, the remaining seeds are drawn uniformly. After Arthur and Vassilvitskii, 2007, whose greedy variant
 * takes one seed of each draw: a batch is as good and lets one pass over the rows serve 8 seeds.
 */
export async function seedRows(
  data: Float32Array,
  rows: number,
  dim: number,
  clusters: number,
  rng: Rng,
  progress: KMeansProgress,
): Promise<number[]> {
  progress.beginPart(0.5, clusters);
  const distancesTo = async (row: number): Promise<Float64Array> => {
    const distance2 = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      distance2[i] = squaredDistance(data, i * dim, data, row * dim, dim);
      if (progress.step()) await progress.turn();
    }
    return distance2;
  };
  const chosen = [rng.below(rows)];
  const closest = await distancesTo(chosen[0]);
  while (chosen.length < clusters) {
    const before = chosen.length;
    const blocks = blockSums(rows, (i) => closest[i]);
    const total = sum(blocks);
    if (total > 0) {
      const seeds = Math.min(BATCH_SEEDS, clusters - chosen.length, chosen.length);
      const drawn = new Set<number>();
      for (let draw = 0; draw < seeds * CANDIDATES_A_SEED; draw++)
        drawn.add(drawRow(closest, rows, blocks, rng.uniform() * total));
      const candidates: Candidate[] = [];
      for (const row of drawn) candidates.push({ row, distance2: await distancesTo(row) });
      await takeBest(candidates, seeds, closest, chosen, progress);
    } else chosen.push(rng.below(rows));
    if (progress.step(chosen.length - before)) await progress.turn();
  }
  return chosen;
}

/** At most `seeds` of the candidates, by what they gain, join the chosen ones. */
async function takeBest(
  candidates: readonly Candidate[],
  seeds: number,
  closest: Float64Array,
  chosen: number[],
  progress: KMeansProgress,
): Promise<void> {
  for (let taken = 0; taken < seeds; taken++) {
    let best: Candidate | undefined;
    let most = 0;
    for (const candidate of candidates) {
      const { distance2 } = candidate;
      const gain = sum(blockSums(closest.length, (i) => Math.max(0, closest[i] - distance2[i])));
      if (progress.step()) await progress.turn();
      if (gain <= most) continue;
      most = gain;
      best = candidate;
    }
    if (!best) return;
    chosen.push(best.row);
    for (let i = 0; i < closest.length; i++) closest[i] = Math.min(closest[i], best.distance2[i]);
  }
}

function blockSums(rows: number, value: (row: number) => number): Float64Array {
  const sums = new Float64Array(Math.ceil(rows / SUM_BLOCK));
  for (let b = 0; b < sums.length; b++) {
    const end = Math.min((b + 1) * SUM_BLOCK, rows);
    let s = 0;
    for (let i = b * SUM_BLOCK; i < end; i++) s += value(i);
    sums[b] = s;
  }
  return sums;
}

function sum(values: Float64Array): number {
  let s = 0;
  for (const v of values) s += v;
  return s;
}

/** The first row at which the running sum of the weights exceeds `target`; the last row with weight if rounding hides it. */
function drawRow(weights: Float64Array, rows: number, blocks: Float64Array, target: number): number {
  let before = 0;
  let last = 0;
  for (let b = 0; b < blocks.length; b++) {
    if (!(before + blocks[b] > target) && b + 1 < blocks.length) {
      before += blocks[b];
      continue;
    }
    let running = before;
    const end = Math.min((b + 1) * SUM_BLOCK, rows);
    for (let i = b * SUM_BLOCK; i < end; i++) {
      running += weights[i];
      if (weights[i] > 0) last = i;
      if (running > target) return i;
    }
    before += blocks[b];
  }
  return last;
}
