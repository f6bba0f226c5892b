import { dot, squaredDistance } from '../kernels/js/reduce.js';
import { Slices } from '../kernels/js/slices.js';
import type { JobOptions, Kernels } from '../kernels/kernels.js';

/** Numbers in a block of inner products: 4 MiB. */
const BLOCK_VALUES = 1 << 20;

export interface NeighbourArgs {
  kernels: Kernels;
  /** m×D rows. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** Positions of the rows that may be neighbours, two at least. */
  among: Int32Array;
  /** How many neighbours; fewer than there are in `among`. */
  neighbours: number;
  job: JobOptions;
}

/**
 * The mean Euclidean distance of each row to its nearest others: the less, the more typical (Hacohen et al., 2022).
 * They are found by inner products in float32; the distances to them are then computed in double.
 *
 * Cost: m·|among|·D on the kernels, m·(|among| + neighbours·D) here.
 */
export async function neighbourDistances(args: NeighbourArgs): Promise<Float64Array> {
  const { kernels, data, rows, dim, among, neighbours, job } = args;
  const others = among.length === rows ? data : rowsAt(data, among, dim);
  const squares = Float64Array.from(among, (at) => dot(data, at * dim, data, at * dim, dim));
  const head = { weight: others, bias: new Float32Array(among.length), classes: among.length };
  const nearest = new Nearest(neighbours);
  const slices = new Slices(rows, job);
  const quiet = { ...job, onProgress: undefined };
  const means = new Float64Array(rows);
  const length = Math.max(1, Math.floor(BLOCK_VALUES / Math.max(dim, among.length)));
  for (let start = 0; start < rows; start += length) {
    const n = Math.min(length, rows - start);
    const block = data.subarray(start * dim, (start + n) * dim);
    const products = await kernels.logits({ data: block, rows: n, dim, ...head, ...quiet });
    for (let i = 0; i < n; i++) {
      const row = start + i;
      nearest.clear();
      for (let j = 0; j < among.length; j++) {
        // ‖x − y‖² less ‖x‖², which is the same for all.
        if (among[j] !== row) nearest.offer(among[j], squares[j] - 2 * products[i * among.length + j]);
      }
      const distances = nearest.items.map((at) => squaredDistance(data, row * dim, data, at * dim, dim));
      // In order, so that equal distances give equal sums.
      means[row] = distances.sort((a, b) => a - b).reduce((sum, d) => sum + Math.sqrt(d), 0) / neighbours;
      if (slices.step(1)) await slices.turn();
    }
  }
  slices.finish();
  return means;
}

function rowsAt(data: Float32Array, positions: Int32Array, dim: number): Float32Array {
  const out = new Float32Array(positions.length * dim);
  for (const [i, at] of positions.entries()) out.set(data.subarray(at * dim, (at + 1) * dim), i * dim);
  return out;
}

/** The items of the smallest keys offered, the first offered on a tie. */
class Nearest {
  readonly items: number[] = [];
  readonly #keys: number[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  clear(): void {
    this.items.length = 0;
    this.#keys.length = 0;
  }

  offer(item: number, key: number): void {
    const { items } = this;
    const keys = this.#keys;
    let i = keys.length;
    if (i === this.#count) {
      if (!(key < keys[i - 1])) return;
      i--;
    }
    for (; i > 0 && key < keys[i - 1]; i--) {
      keys[i] = keys[i - 1];
      items[i] = items[i - 1];
    }
    keys[i] = key;
    items[i] = item;
  }
}
