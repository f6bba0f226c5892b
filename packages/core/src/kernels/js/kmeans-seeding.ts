import type { Rng } from '../../random/xoshiro.js';
import { squaredDistance } from './reduce.js';
import type { Slices } from './slices.js';

/** Rows whose weights are summed together, in row order, before the sums are added: the same in C++. */
const SUM_BLOCK = 1024;

/**
 * Greedy k-means++ (Arthur and Vassilvitskii, 2007): each seed is the best of 2 + ⌊ln K⌋ rows drawn with probability
 * proportional to the squared distance to the seeds so far (D², kept in float32). Returns the K rows chosen. When all
 * rows coincide with seeds, the remaining seeds are drawn uniformly.
 */
export async function seedRows(
  data: Float32Array,
  rows: number,
  dim: number,
  clusters: number,
  rng: Rng,
  slices: Slices,
): Promise<number[]> {
  const trials = 2 + Math.floor(Math.log(clusters));
  const closest = new Float32Array(rows).fill(Number.POSITIVE_INFINITY);
  const candidate = new Float32Array(rows);
  const best = new Float32Array(rows);
  const chosen = [rng.below(rows)];
  await shrink(data, rows, dim, chosen[0], closest, closest, slices);
  while (chosen.length < clusters) {
    const blocks = blockSums(closest, rows);
    const total = sum(blocks);
    if (!(total > 0)) {
      chosen.push(rng.below(rows));
      continue;
    }
    let bestRow = -1;
    let bestPotential = Number.POSITIVE_INFINITY;
    for (let trial = 0; trial < trials; trial++) {
      const row = drawRow(closest, rows, blocks, rng.uniform() * total);
      await shrink(data, rows, dim, row, closest, candidate, slices);
      const potential = sum(blockSums(candidate, rows));
      if (potential < bestPotential) {
        bestPotential = potential;
        bestRow = row;
        best.set(candidate);
      }
    }
    chosen.push(bestRow);
    closest.set(best);
  }
  return chosen;
}

/** out[i] = min(closest[i], ‖x_i − x_row‖²). */
async function shrink(
  data: Float32Array,
  rows: number,
  dim: number,
  row: number,
  closest: Float32Array,
  out: Float32Array,
  slices: Slices,
): Promise<void> {
  for (let i = 0; i < rows; i++) {
    out[i] = Math.min(closest[i], squaredDistance(data, i * dim, data, row * dim, dim));
    if (slices.step(1)) await slices.turn();
  }
}

function blockSums(values: Float32Array, rows: number): Float64Array {
  const sums = new Float64Array(Math.ceil(rows / SUM_BLOCK));
  for (let b = 0; b < sums.length; b++) {
    const end = Math.min((b + 1) * SUM_BLOCK, rows);
    let s = 0;
    for (let i = b * SUM_BLOCK; i < end; i++) s += values[i];
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
function drawRow(weights: Float32Array, rows: number, blocks: Float64Array, target: number): number {
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
