import { dot } from '../kernels/js/reduce.js';
import type { Slices } from '../kernels/js/slices.js';
import type { JobOptions, Kernels } from '../kernels/kernels.js';

/** A column of the affinities whose degree is no more than this has no neighbours: rounding is all there is. */
const LEAST_DEGREE = 1e-4;

/** What a product runs with. */
export interface Products extends Pick<JobOptions, 'signal' | 'threads'> {
  kernels: Kernels;
}

/** Most numbers of b given to the kernel at once: it looks through them before it leaves the event loop. */
const AT_ONCE = 1 << 20;

/** a·bᵀ (+ bias) of a (rows × dim) and b (columns × dim): rows × columns, by the kernel for logits. */
export async function product(
  products: Products,
  a: Float32Array,
  b: Float32Array,
  dim: number,
  bias: Float32Array = new Float32Array(b.length / dim),
): Promise<Float32Array> {
  const [rows, columns] = [a.length / dim, b.length / dim];
  const most = Math.max(2, Math.floor(AT_ONCE / dim));
  if (columns > 1 && columns <= most) return logits(products, a, b, dim, bias);
  const out = new Float32Array(rows * columns);
  for (let first = 0; first < columns; first += most) {
    const count = Math.min(most, columns - first);
    // The kernel takes two columns or more.
    const some = new Float32Array(Math.max(2, count) * dim);
    some.set(b.subarray(first * dim, (first + count) * dim));
    const offsets = new Float32Array(some.length / dim);
    offsets.set(bias.subarray(first, first + count));
    const found = await logits(products, a, some, dim, offsets);
    for (let i = 0; i < rows; i++) {
      const at = i * offsets.length;
      out.set(found.subarray(at, at + count), i * columns + first);
    }
  }
  return out;
}

function logits(
  { kernels, ...job }: Products,
  data: Float32Array,
  weight: Float32Array,
  dim: number,
  bias: Float32Array,
): Promise<Float32Array> {
  return kernels.logits({ data, rows: data.length / dim, dim, weight, bias, classes: bias.length, ...job });
}

/**
 * The graph of unit rows X (n×D) whose edges are their cosines: A = (XXᵀ − I)·S + I with S = diag(1 / degree). A is never
 * formed: A·v = X(Xᵀ(Sv)) + (I − S)v.
 *
 * The degree of a row is its column's sum in XXᵀ − I. Signed features may make that small or negative, so it is at least
 * the column's sum of squares, Σ_i cos² − 1, which no column sum of cosines in [0, 1] is below: with features of one sign
 * nothing changes. Columns without any (rows of zeros, or at right angles to all others) get S = 0.
 */
export class CosineGraph {
  readonly rows: number;
  readonly dim: number;
  /** A·X, n×D: what the first layer sees, whatever its weight. */
  readonly propagated: Float32Array;
  /** D×n. */
  readonly propagatedT: Float32Array;
  readonly #x: Float32Array;
  readonly #xt: Float32Array;
  readonly #scale: Float64Array;

  private constructor(
    x: Float32Array,
    xt: Float32Array,
    scale: Float64Array,
    propagated: Float32Array,
    propagatedT: Float32Array,
  ) {
    this.rows = scale.length;
    this.dim = x.length / scale.length;
    this.propagated = propagated;
    this.propagatedT = propagatedT;
    this.#x = x;
    this.#xt = xt;
    this.#scale = scale;
  }

  /** @param x unit rows, or rows of zeros */
  static async of(x: Float32Array, rows: number, products: Products, slices: Slices): Promise<CosineGraph> {
    const dim = x.length / rows;
    const xt = await transposed(x, rows, slices);
    const { sums: degrees, signed } = await columnSums(x, rows, slices);
    if (signed) {
      const squares = await product(products, x, await product(products, xt, xt, rows), dim);
      for (let i = 0; i < rows; i++) {
        degrees[i] = Math.max(degrees[i], dot(squares, i * dim, x, i * dim, dim) - 1);
        if (slices.step(0)) await slices.turn();
      }
    }
    const scale = degrees.map((degree) => (degree > LEAST_DEGREE ? 1 / degree : 0));
    // A·X = X(XᵀSX) + (I − S)X
    const scaledT = new Float32Array(xt.length);
    for (let j = 0; j < dim; j++) {
      for (let i = 0; i < rows; i++) scaledT[j * rows + i] = scale[i] * xt[j * rows + i];
      if (slices.step(0)) await slices.turn();
    }
    const propagated = await product(products, x, await product(products, scaledT, xt, rows), dim);
    for (let i = 0; i < rows; i++) {
      for (let k = i * dim; k < (i + 1) * dim; k++) propagated[k] += (1 - scale[i]) * x[k];
      if (slices.step(0)) await slices.turn();
    }
    return new CosineGraph(x, xt, scale, propagated, await transposed(propagated, rows, slices));
  }

  /** A·v. */
  async times(v: Float64Array, products: Products): Promise<Float64Array> {
    const scaled = Float32Array.from(v, (value, i) => this.#scale[i] * value);
    const through = await this.#through(scaled, products);
    return v.map((value, i) => through[i] + (1 - this.#scale[i]) * value);
  }

  /** Aᵀ·v. */
  async transposedTimes(v: Float64Array, products: Products): Promise<Float64Array> {
    const through = await this.#through(Float32Array.from(v), products);
    return v.map((value, i) => this.#scale[i] * through[i] + (1 - this.#scale[i]) * value);
  }

  /** X(Xᵀv). */
  async #through(v: Float32Array, products: Products): Promise<Float32Array> {
    return product(products, this.#x, await product(products, this.#xt, v, this.rows), this.dim);
  }
}

/** Σ_i cos(i, j) − 1 of each column j, in double; and whether any feature is negative. */
async function columnSums(
  x: Float32Array,
  rows: number,
  slices: Slices,
): Promise<{ sums: Float64Array; signed: boolean }> {
  const dim = x.length / rows;
  const total = new Float64Array(dim);
  let signed = false;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dim; j++) {
      total[j] += x[i * dim + j];
      if (x[i * dim + j] < 0) signed = true;
    }
    if (slices.step(0)) await slices.turn();
  }
  const sums = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    sums[i] = dot(x, i * dim, total, 0, dim) - 1;
    if (slices.step(0)) await slices.turn();
  }
  return { sums, signed };
}

async function transposed(x: Float32Array, rows: number, slices: Slices): Promise<Float32Array> {
  const dim = x.length / rows;
  const out = new Float32Array(x.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dim; j++) out[j * rows + i] = x[i * dim + j];
    if (slices.step(0)) await slices.turn();
  }
  return out;
}
