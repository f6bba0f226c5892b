import type { TimeSlice } from '../time-slice.js';
import type { TrainingRows } from './cross-validation.js';
import { accumulateOuter, addScaled, dot, multiplyTransposed } from './dense.js';
import type { Objective } from './lbfgs.js';
import type { LinePoint } from './line-search.js';

/** Multiply-adds between two looks at the clock: about half a millisecond. */
const WORK_PER_LOOK = 500_000;

/** Rows in one stretch of about WORK_PER_LOOK; a multiple of 4, which the products handle at once. */
function rowsPerLook(workPerRow: number): number {
  return Math.max(4, Math.floor(WORK_PER_LOOK / workPerRow) & ~3);
}

/**
 * Multinomial logistic regression with a ridge: Σ_i CE(V x_i + b, y_i) + (l2/2)‖V‖², in double.
 *
 * The unknowns are one vector: V (C×n, row-major), then b (C). Logits are kept at the present point and along the
 * present direction, so that an iteration reads the data twice (logits of the direction, gradient) however many
 * probes the line search makes. Memory: 3·M·C doubles.
 */
export class SoftmaxObjective implements Objective {
  readonly size: number;
  readonly inverseDiagonal: Float64Array;
  readonly #x: Float64Array;
  readonly #labels: Int32Array;
  readonly #dim: number;
  readonly #classes: number;
  readonly #slice: TimeSlice;
  #l2 = 0;
  /** M×C each: logits here, logits of the direction, probabilities less the true class at the last probe. */
  readonly #logits: Float64Array;
  readonly #slopes: Float64Array;
  readonly #residual: Float64Array;
  readonly #squares: Float64Array;
  /** ‖V‖², V·D and ‖D‖², for D the direction's part that belongs to V. */
  #vv = 0;
  #vd = 0;
  #dd = 0;
  #probed = 0;

  private constructor(x: Float64Array, labels: Int32Array, dim: number, classes: number, slice: TimeSlice) {
    this.#x = x;
    this.#labels = labels;
    this.#dim = dim;
    this.#classes = classes;
    this.#slice = slice;
    this.size = classes * (dim + 1);
    const cells = labels.length * classes;
    this.#logits = new Float64Array(cells);
    this.#slopes = new Float64Array(cells);
    this.#residual = new Float64Array(cells);
    this.#squares = new Float64Array(dim);
    this.inverseDiagonal = new Float64Array(this.size);
  }

  /** The objective of these rows; every one of the classes present. */
  static async over({ x, labels, size, classes }: TrainingRows, slice: TimeSlice): Promise<SoftmaxObjective> {
    const objective = new SoftmaxObjective(x, labels, size, classes, slice);
    const squares = objective.#squares;
    for (let i = 0; i < x.length; i += size) {
      for (let j = 0; j < size; j++) squares[j] += x[i + j] * x[i + j];
      if (slice.due) await slice.next();
    }
    return objective;
  }

  /** Sets the ridge; call before `start`. */
  setRidge(l2: number): void {
    this.#l2 = l2;
    const n = this.#dim;
    const classes = this.#classes;
    // The Hessian's diagonal at V = 0, where every class has probability 1/C.
    const spread = (1 - 1 / classes) / classes;
    for (let c = 0; c < classes; c++) {
      for (let j = 0; j < n; j++) this.inverseDiagonal[c * n + j] = 1 / (spread * this.#squares[j] + l2);
    }
    this.inverseDiagonal.fill(1 / (spread * this.#labels.length), classes * n);
  }

  async start(x: Float64Array, gradient: Float64Array): Promise<number> {
    const weights = this.#classes * this.#dim;
    await this.#product(x, this.#logits);
    this.#slopes.fill(0);
    this.#vv = dot(x, 0, x, 0, weights);
    this.#vd = 0;
    this.#dd = 0;
    const { value } = await this.probe(0);
    await this.#gradient(x, gradient);
    return value;
  }

  async aim(x: Float64Array, direction: Float64Array): Promise<void> {
    const weights = this.#classes * this.#dim;
    await this.#product(direction, this.#slopes);
    this.#vv = dot(x, 0, x, 0, weights);
    this.#vd = dot(x, 0, direction, 0, weights);
    this.#dd = dot(direction, 0, direction, 0, weights);
  }

  async probe(t: number): Promise<LinePoint> {
    const classes = this.#classes;
    const rows = this.#labels.length;
    const step = rowsPerLook(20 * classes);
    const sums = { value: 0, slope: 0 };
    for (let from = 0; from < rows; from += step) {
      for (let i = from; i < Math.min(from + step, rows); i++) this.#probeRow(i, t, sums);
      if (this.#slice.due) await this.#slice.next();
    }
    this.#probed = t;
    const l2 = this.#l2;
    return {
      t,
      value: sums.value + 0.5 * l2 * (this.#vv + t * (2 * this.#vd + t * this.#dd)),
      slope: sums.slope + l2 * (this.#vd + t * this.#dd),
    };
  }

  async advance(t: number, x: Float64Array, gradient: Float64Array): Promise<void> {
    if (this.#probed !== t) await this.probe(t);
    for (let from = 0; from < this.#logits.length; from += WORK_PER_LOOK) {
      const count = Math.min(WORK_PER_LOOK, this.#logits.length - from);
      addScaled(this.#logits, from, t, this.#slopes, from, count);
      if (this.#slice.due) await this.#slice.next();
    }
    await this.#gradient(x, gradient);
  }

  /** Cross-entropy of one row at t and its slope; leaves p − e_y in the residual. */
  #probeRow(i: number, t: number, sums: { value: number; slope: number }): void {
    const classes = this.#classes;
    const logits = this.#logits;
    const slopes = this.#slopes;
    const residual = this.#residual;
    const start = i * classes;
    let max = Number.NEGATIVE_INFINITY;
    for (let k = start; k < start + classes; k++) {
      const logit = logits[k] + t * slopes[k];
      residual[k] = logit;
      if (logit > max) max = logit;
    }
    const own = start + this.#labels[i];
    const ownLogit = residual[own] - max;
    let others = 0;
    for (let k = start; k < start + classes; k++) {
      residual[k] = Math.exp(residual[k] - max);
      if (k !== own) others += residual[k];
    }
    // log1p where the row is nearly certain: the small losses of a separable set keep their digits.
    const total = others + residual[own];
    sums.value += ownLogit === 0 ? Math.log1p(others) : Math.log(total) - ownLogit;
    let slope = 0;
    for (let k = start; k < start + classes; k++) {
      residual[k] /= total;
      // Against the own slope: p_y − 1 = −Σ of the others, without its cancellation.
      slope += residual[k] * (slopes[k] - slopes[own]);
    }
    residual[own] = -others / total;
    sums.slope += slope;
  }

  async #product(v: Float64Array, out: Float64Array): Promise<void> {
    const n = this.#dim;
    const classes = this.#classes;
    const rows = this.#labels.length;
    const bias = classes * n;
    const step = rowsPerLook(n * classes);
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(from + step, rows);
      multiplyTransposed(this.#x, v, n, classes, out, from, to);
      for (let i = from; i < to; i++) addScaled(out, i * classes, 1, v, bias, classes);
      if (this.#slice.due) await this.#slice.next();
    }
  }

  async #gradient(x: Float64Array, gradient: Float64Array): Promise<void> {
    const n = this.#dim;
    const classes = this.#classes;
    const rows = this.#labels.length;
    const weights = classes * n;
    const residual = this.#residual;
    for (let k = 0; k < weights; k++) gradient[k] = this.#l2 * x[k];
    gradient.fill(0, weights);
    const step = rowsPerLook(n * classes);
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(from + step, rows);
      accumulateOuter(residual, this.#x, n, classes, gradient, from, to);
      for (let i = from; i < to; i++) addScaled(gradient, weights, 1, residual, i * classes, classes);
      if (this.#slice.due) await this.#slice.next();
    }
  }
}
