import type { TimeSlice } from '../../time-slice.js';
import { addScaled, type ProductArgs, product } from './dense.js';
import { expOfNegative, log1pOfPositive, logOfLarge } from './elementary.js';
import type { Objective } from './lbfgs.js';
import type { LinePoint } from './line-search.js';
import { dot } from './reduce.js';

/** Multiply-adds between two looks at the clock: about half a millisecond. */
const WORK_PER_LOOK = 500_000;

/** Rows in one stretch of about WORK_PER_LOOK; even, as the product handles two at once. */
function rowsPerLook(workPerRow: number): number {
  return Math.max(2, Math.floor(WORK_PER_LOOK / workPerRow) & ~1);
}

/** Rows to fit a softmax on. */
export interface TrainingRows {
  /** M×n. */
  x: Float64Array;
  /** M class indices, every one of 0 … classes − 1 present. */
  labels: Int32Array;
  /** n. */
  dim: number;
  classes: number;
}

/**
 * Multinomial logistic regression with a ridge: Σ_i CE(xᵢ·V + b, y_i) + (l2/2)‖V‖², in double.
 *
 * The unknowns are one vector: V (n×C, row-major), then b (C). Logits are kept at the present point and along the
 * present direction, so that an iteration reads the data twice (logits of the direction, gradient) however many
 * probes the line search makes. Memory: 3·M·C doubles.
 */
export class SoftmaxObjective implements Objective {
  readonly size: number;
  readonly inverseDiagonal: Float64Array;
  readonly #rows: TrainingRows;
  readonly #slice: TimeSlice;
  #l2 = 0;
  /** M×C each: logits here, logits of the direction, probabilities less the true class at the last probe. */
  readonly #logits: Float64Array;
  readonly #slopes: Float64Array;
  readonly #residual: Float64Array;
  /** n: Σ x². */
  readonly #squares: Float64Array;
  /** ‖V‖², V·D and ‖D‖², for D the direction's part that belongs to V. */
  #vv = 0;
  #vd = 0;
  #dd = 0;
  #probed = 0;

  private constructor(rows: TrainingRows, slice: TimeSlice) {
    const { labels, dim, classes } = rows;
    this.#rows = rows;
    this.#slice = slice;
    this.size = classes * (dim + 1);
    const cells = labels.length * classes;
    this.#logits = new Float64Array(cells);
    this.#slopes = new Float64Array(cells);
    this.#residual = new Float64Array(cells);
    this.#squares = new Float64Array(dim);
    this.inverseDiagonal = new Float64Array(this.size);
  }

  static async over(rows: TrainingRows, slice: TimeSlice): Promise<SoftmaxObjective> {
    const objective = new SoftmaxObjective(rows, slice);
    const squares = objective.#squares;
    const { x, dim } = rows;
    for (let i = 0; i < x.length; i += dim) {
      for (let j = 0; j < dim; j++) squares[j] += x[i + j] * x[i + j];
      if (slice.due) await slice.next();
    }
    return objective;
  }

  /** Sets the ridge; call before `start`. */
  setRidge(l2: number): void {
    this.#l2 = l2;
    const { dim, classes, labels } = this.#rows;
    // The Hessian's diagonal at V = 0, where every class has probability 1/C.
    const spread = (1 - 1 / classes) / classes;
    for (let j = 0; j < dim; j++)
      this.inverseDiagonal.fill(1 / (spread * this.#squares[j] + l2), j * classes, (j + 1) * classes);
    this.inverseDiagonal.fill(1 / (spread * labels.length), classes * dim);
  }

  async start(v: Float64Array, gradient: Float64Array): Promise<number> {
    const weights = this.#rows.classes * this.#rows.dim;
    await this.#logitsOf(v, this.#logits);
    this.#slopes.fill(0);
    this.#vv = dot(v, 0, v, 0, weights);
    this.#vd = 0;
    this.#dd = 0;
    const { value } = await this.probe(0);
    await this.#gradient(v, gradient);
    return value;
  }

  async aim(v: Float64Array, direction: Float64Array): Promise<void> {
    const weights = this.#rows.classes * this.#rows.dim;
    await this.#logitsOf(direction, this.#slopes);
    this.#vv = dot(v, 0, v, 0, weights);
    this.#vd = dot(v, 0, direction, 0, weights);
    this.#dd = dot(direction, 0, direction, 0, weights);
  }

  async probe(t: number): Promise<LinePoint> {
    const { labels, classes } = this.#rows;
    const step = rowsPerLook(20 * classes);
    let value = 0;
    let slope = 0;
    for (let from = 0; from < labels.length; from += step) {
      for (let i = from; i < Math.min(from + step, labels.length); i++) {
        const row = softmaxRow(
          this.#logits,
          this.#slopes,
          t,
          i * classes,
          classes,
          labels[i],
          this.#residual,
        );
        value += row.value;
        slope += row.slope;
      }
      if (this.#slice.due) await this.#slice.next();
    }
    this.#probed = t;
    const l2 = this.#l2;
    return {
      t,
      value: value + 0.5 * l2 * (this.#vv + t * (2 * this.#vd + t * this.#dd)),
      slope: slope + l2 * (this.#vd + t * this.#dd),
    };
  }

  async advance(t: number, v: Float64Array, gradient: Float64Array): Promise<void> {
    if (this.#probed !== t) await this.probe(t);
    for (let from = 0; from < this.#logits.length; from += WORK_PER_LOOK) {
      const count = Math.min(WORK_PER_LOOK, this.#logits.length - from);
      addScaled(this.#logits, from, t, this.#slopes, from, count);
      if (this.#slice.due) await this.#slice.next();
    }
    await this.#gradient(v, gradient);
  }

  async #logitsOf(v: Float64Array, out: Float64Array): Promise<void> {
    const { x, labels, dim, classes } = this.#rows;
    const args = { a: x, rowStride: dim, step: 1, b: v, depth: dim, columns: classes, out };
    await this.#product(args, labels.length);
    const step = rowsPerLook(classes);
    for (let from = 0; from < labels.length; from += step) {
      for (let i = from; i < Math.min(from + step, labels.length); i++)
        addScaled(out, i * classes, 1, v, dim * classes, classes);
      if (this.#slice.due) await this.#slice.next();
    }
  }

  async #gradient(v: Float64Array, gradient: Float64Array): Promise<void> {
    const { x, labels, dim, classes } = this.#rows;
    const b = this.#residual;
    await this.#product(
      { a: x, rowStride: 1, step: dim, b, depth: labels.length, columns: classes, out: gradient },
      dim,
    );
    addScaled(gradient, 0, this.#l2, v, 0, dim * classes);
    gradient.fill(0, dim * classes);
    for (let i = 0; i < labels.length; i++) {
      addScaled(gradient, dim * classes, 1, b, i * classes, classes);
      if ((i & 1023) === 1023 && this.#slice.due) await this.#slice.next();
    }
  }

  async #product(args: ProductArgs, rows: number): Promise<void> {
    const step = rowsPerLook(args.depth * args.columns);
    for (let from = 0; from < rows; from += step) {
      product(args, from, Math.min(from + step, rows));
      if (this.#slice.due) await this.#slice.next();
    }
  }
}

/**
 * Cross-entropy of one row whose logits are logits + t·slopes, C of each from `start`, and its slope in t; leaves
 * p − e_own in the residual.
 */
export function softmaxRow(
  logits: Float64Array,
  slopes: Float64Array,
  t: number,
  start: number,
  classes: number,
  ownClass: number,
  residual: Float64Array,
): { value: number; slope: number } {
  const own = start + ownClass;
  let max = Number.NEGATIVE_INFINITY;
  for (let k = start; k < start + classes; k++) {
    const logit = logits[k] + t * slopes[k];
    residual[k] = logit;
    if (logit > max) max = logit;
  }
  const ownLogit = residual[own] - max;
  for (let k = start; k < start + classes; k++) residual[k] = expOfNegative(residual[k] - max);
  const ownShare = residual[own];
  residual[own] = 0;
  sums.fill(0);
  for (let k = 0; k < classes; k++) sums[k & 7] += residual[start + k];
  const others = joinSums();
  // log1p where the row is nearly certain: the small losses of a separable set keep their digits.
  const total = others + ownShare;
  const value = ownLogit === 0 ? log1pOfPositive(others) : logOfLarge(total) - ownLogit;
  for (let k = start; k < start + classes; k++) residual[k] /= total;
  // Against the own slope: p_y − 1 = −Σ of the others, without its cancellation.
  sums.fill(0);
  for (let k = 0; k < classes; k++) sums[k & 7] += residual[start + k] * (slopes[start + k] - slopes[own]);
  const slope = joinSums();
  residual[own] = -others / total;
  return { value, slope };
}

/** Eight interleaved sums, joined as in reduce.ts. */
const sums = new Float64Array(8);
const joinSums = () => sums[0] + sums[4] + (sums[2] + sums[6]) + (sums[1] + sums[5] + (sums[3] + sums[7]));
