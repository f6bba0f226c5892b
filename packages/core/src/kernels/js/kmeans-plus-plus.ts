import { Rng } from '../../random/xoshiro.js';
import type { KMeansPlusPlusArgs, PickedRows } from '../sampling.js';
import { validateKMeansPlusPlus } from '../validate-sampling.js';
import { nonFiniteRow } from './flip-search.js';
import { dot, squaredDistance } from './reduce.js';
import { Slices } from './slices.js';

/** Rows whose weights are summed together, in row order, before the sums are added: the same in C++. */
const SUM_BLOCK = 1024;

/**
 * The TypeScript twin of native/src/cpu/kmeans_plus_plus.cc: the same rows. Exactly the D² law without a pass over the
 * rows for each: weights only fall, so a row drawn by its stale weight is brought up to date, accepted with probability
 * fresh/stale, and else keeps the fresh weight.
 */
export async function kmeansPlusPlus(args: KMeansPlusPlusArgs): Promise<PickedRows> {
  validateKMeansPlusPlus(args);
  const slices = new Slices(args.clusters, args);
  const points = new Points(args);
  for (let i = 0; i < args.rows; i++) {
    if (!Number.isFinite(points.norm2(i))) throw nonFiniteRow(i);
    if (slices.step(0)) await slices.turn();
  }
  const rng = new Rng(args.seed ?? 0);
  const sampler = new Sampler(points, args.rows, args.clusters);
  sampler.pick(args.first === 'largest-norm' ? points.largest() : rng.below(args.rows));
  for (let i = 0; i < args.rows; i++) {
    sampler.refresh(i);
    if (slices.step(0)) await slices.turn();
  }
  sampler.sumAll();
  while (sampler.picked < args.clusters) {
    sampler.tryOne(rng);
    if (slices.step(0)) await slices.turn();
  }
  slices.step(args.clusters);
  slices.finish();
  return sampler.result;
}

/** The rows, or their outer products with factors: ⟨a_i ⊗ z_i, a_j ⊗ z_j⟩ = ⟨a_i, a_j⟩⟨z_i, z_j⟩. */
class Points {
  readonly #data: Float32Array;
  readonly #dim: number;
  readonly #factors: Float32Array | undefined;
  readonly #factorDim: number;
  readonly #norms2: Float64Array;

  constructor({ data, rows, dim, factors, factorDim = 0 }: KMeansPlusPlusArgs) {
    this.#data = data;
    this.#dim = dim;
    this.#factors = factors;
    this.#factorDim = factorDim;
    this.#norms2 = new Float64Array(rows);
  }

  /** Computes and keeps ‖point‖². */
  norm2(i: number): number {
    this.#norms2[i] = this.#dot(i, i);
    return this.#norms2[i];
  }

  /** The row of the largest norm, the lowest on a tie. */
  largest(): number {
    let at = 0;
    for (let i = 1; i < this.#norms2.length; i++) if (this.#norms2[i] > this.#norms2[at]) at = i;
    return at;
  }

  distance2(i: number, j: number): number {
    const dim = this.#dim;
    if (!this.#factors) return squaredDistance(this.#data, i * dim, this.#data, j * dim, dim);
    return Math.max(0, this.#norms2[i] + this.#norms2[j] - 2 * this.#dot(i, j));
  }

  #dot(i: number, j: number): number {
    const dim = this.#dim;
    const product = dot(this.#data, i * dim, this.#data, j * dim, dim);
    if (!this.#factors) return product;
    return (
      product * dot(this.#factors, i * this.#factorDim, this.#factors, j * this.#factorDim, this.#factorDim)
    );
  }
}

class Sampler {
  readonly result: PickedRows;
  picked = 0;
  readonly #points: Points;
  readonly #rows: number;
  /** Squared distance to the nearest of the first `seen` picks; 0 for a picked row. */
  readonly #weight: Float64Array;
  readonly #seen: Int32Array;
  readonly #isPicked: Uint8Array;
  readonly #sums: Float64Array;

  constructor(points: Points, rows: number, clusters: number) {
    this.result = { rows: new Int32Array(clusters), distance2: new Float64Array(clusters) };
    this.#points = points;
    this.#rows = rows;
    this.#weight = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
    this.#seen = new Int32Array(rows);
    this.#isPicked = new Uint8Array(rows);
    this.#sums = new Float64Array(Math.ceil(rows / SUM_BLOCK));
  }

  pick(row: number): void {
    this.result.rows[this.picked] = row;
    this.result.distance2[this.picked] = this.#weight[row];
    this.picked++;
    this.#weight[row] = 0;
    this.#isPicked[row] = 1;
  }

  /** Brings a row's weight up to date. */
  refresh(row: number): void {
    while (this.#seen[row] < this.picked) {
      const other = this.result.rows[this.#seen[row]++];
      if (this.#isPicked[row]) continue;
      const d = this.#points.distance2(row, other);
      if (d < this.#weight[row]) this.#weight[row] = d;
    }
  }

  sumAll(): void {
    for (let b = 0; b < this.#sums.length; b++) this.#sum(b);
  }

  /** One draw by the stale weights; it may be turned down. */
  tryOne(rng: Rng): void {
    let total = 0;
    for (const sum of this.#sums) total += sum;
    if (!(total > 0)) {
      this.pick(this.#unpicked(rng.below(this.#rows - this.picked)));
      return;
    }
    const row = this.#draw(rng.uniform() * total);
    const stale = this.#weight[row];
    const current = this.#seen[row] === this.picked;
    this.refresh(row);
    if (stale > 0 && (current || rng.uniform() * stale < this.#weight[row])) this.pick(row);
    this.#sum(Math.floor(row / SUM_BLOCK));
  }

  #sum(block: number): void {
    const end = Math.min((block + 1) * SUM_BLOCK, this.#rows);
    let sum = 0;
    for (let i = block * SUM_BLOCK; i < end; i++) sum += this.#weight[i];
    this.#sums[block] = sum;
  }

  /** The first row at which the running sum of the weights exceeds `target`; the last with weight if rounding hides it. */
  #draw(target: number): number {
    let before = 0;
    let last = 0;
    for (let b = 0; b < this.#sums.length; b++) {
      if (!(before + this.#sums[b] > target) && b + 1 < this.#sums.length) {
        before += this.#sums[b];
        continue;
      }
      let running = before;
      const end = Math.min((b + 1) * SUM_BLOCK, this.#rows);
      for (let i = b * SUM_BLOCK; i < end; i++) {
        running += this.#weight[i];
        if (this.#weight[i] > 0) last = i;
        if (running > target) return i;
      }
      before += this.#sums[b];
    }
    return last;
  }

  /** The n-th row that isn't picked yet. */
  #unpicked(n: number): number {
    let left = n;
    for (let i = 0; ; i++) {
      if (!this.#isPicked[i] && left-- === 0) return i;
    }
  }
}
