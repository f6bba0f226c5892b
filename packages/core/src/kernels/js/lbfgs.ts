import type { TimeSlice } from '../../time-slice.js';
import { addScaled } from './dense.js';
import { type LinePoint, lineSearch } from './line-search.js';
import { dot } from './reduce.js';

/**
 * A smooth function to minimise, met along lines: a linear model's logits along x + t d are l + t·(logits of d), so
 * that after `aim` a probe needs no pass over the data.
 */
export interface Objective {
  readonly size: number;
  /** A guess at the inverse of the Hessian's diagonal; all ones when absent. */
  readonly inverseDiagonal?: Float64Array;
  /** Goes to x: returns the value there and writes the gradient. */
  start(x: Float64Array, gradient: Float64Array): Promise<number>;
  /** Takes the direction in which the next probes look from x, the present point. */
  aim(x: Float64Array, direction: Float64Array): Promise<void>;
  /** Value and slope at t on the line. */
  probe(t: number): Promise<LinePoint>;
  /** Goes to the probed t, which is x: writes the gradient. */
  advance(t: number, x: Float64Array, gradient: Float64Array): Promise<void>;
}

export interface LbfgsOptions {
  slice: TimeSlice;
  /** True when this point is good enough. */
  done: (x: Float64Array, gradient: Float64Array, value: number, previousValue: number) => boolean;
  /** Default 1000. */
  maxIterations?: number;
  onIteration?: (iteration: number, value: number) => void;
}

export interface LbfgsResult {
  value: number;
  iterations: number;
  /** `done` said so; otherwise the steps ran out, or rounding left nothing to gain. */
  converged: boolean;
}

/**
 * Limited-memory BFGS (Liu and Nocedal, 1989): the two-loop recursion over the last steps, with a strong Wolfe line
 * search. Cost an iteration: one `aim`, one `advance` and 4·memory·size multiply-adds.
 *
 * @param x the starting point, moved in place to the minimum
 */
export async function minimize(
  objective: Objective,
  x: Float64Array,
  options: LbfgsOptions,
): Promise<LbfgsResult> {
  const { size } = objective;
  const { slice, maxIterations = 1000 } = options;
  const history = new History(size, objective.inverseDiagonal);
  const gradient = new Float64Array(size);
  const direction = new Float64Array(size);
  let previous = Number.POSITIVE_INFINITY;
  let value = await objective.start(x, gradient);
  for (let iteration = 0; ; iteration++) {
    if (options.done(x, gradient, value, previous)) return { value, iterations: iteration, converged: true };
    if (iteration === maxIterations) return { value, iterations: iteration, converged: false };
    await history.direction(gradient, direction, slice);
    let slope = dot(gradient, 0, direction, 0, size);
    if (!(slope < 0)) {
      history.clear();
      await history.direction(gradient, direction, slice);
      slope = dot(gradient, 0, direction, 0, size);
    }
    await objective.aim(x, direction);
    const step = await lineSearch((t) => objective.probe(t), { t: 0, value, slope }, 1);
    if (step === undefined) {
      // Stale curvature can spoil a direction: once more from the plain gradient, then it is rounding.
      if (history.length === 0) return { value, iterations: iteration, converged: false };
      history.clear();
      continue;
    }
    history.begin(direction, step.t, gradient);
    addScaled(x, 0, step.t, direction, 0, size);
    await objective.advance(step.t, x, gradient);
    history.end(gradient);
    previous = value;
    value = step.value;
    options.onIteration?.(iteration + 1, value);
    if (slice.due) await slice.next();
  }
}

interface Step {
  s: Float64Array;
  y: Float64Array;
  /** s·y */
  curvature: number;
}

/** The last steps s and gradient changes y, and the inverse Hessian they stand for. */
class History {
  readonly #size: number;
  readonly #capacity: number;
  readonly #diagonal: Float64Array | undefined;
  readonly #steps: Step[] = [];
  #next: Step | undefined;
  #scale = 1;

  constructor(size: number, diagonal: Float64Array | undefined) {
    this.#size = size;
    // Two vectors a step: at a million weights and more, memory counts for more than iterations.
    this.#capacity = size > 1_000_000 ? 6 : 12;
    this.#diagonal = diagonal;
  }

  get length(): number {
    return this.#steps.length;
  }

  clear(): void {
    this.#steps.length = 0;
    this.#scale = 1;
  }

  /** direction = −H gradient. */
  async direction(gradient: Float64Array, direction: Float64Array, slice: TimeSlice): Promise<void> {
    const n = this.#size;
    const weights = new Array<number>(this.#steps.length);
    for (let i = 0; i < n; i++) direction[i] = -gradient[i];
    for (let k = this.#steps.length - 1; k >= 0; k--) {
      const { s, y, curvature } = this.#steps[k];
      weights[k] = dot(s, 0, direction, 0, n) / curvature;
      addScaled(direction, 0, -weights[k], y, 0, n);
      if (slice.due) await slice.next();
    }
    const diagonal = this.#diagonal;
    for (let i = 0; i < n; i++) direction[i] *= diagonal ? this.#scale * diagonal[i] : this.#scale;
    for (let k = 0; k < this.#steps.length; k++) {
      const { s, y, curvature } = this.#steps[k];
      addScaled(direction, 0, weights[k] - dot(y, 0, direction, 0, n) / curvature, s, 0, n);
      if (slice.due) await slice.next();
    }
  }

  /** Notes the step taken and the gradient it starts from. */
  begin(direction: Float64Array, t: number, gradient: Float64Array): void {
    const full = this.#steps.length === this.#capacity;
    const step = this.#next ??
      (full ? this.#steps.shift() : undefined) ?? {
        s: new Float64Array(this.#size),
        y: new Float64Array(this.#size),
        curvature: 0,
      };
    for (let i = 0; i < this.#size; i++) {
      step.s[i] = t * direction[i];
      step.y[i] = -gradient[i];
    }
    this.#next = step;
  }

  /** Completes the step with the gradient at its end. A step without positive curvature teaches nothing. */
  end(gradient: Float64Array): void {
    const step = this.#next!;
    const n = this.#size;
    addScaled(step.y, 0, 1, gradient, 0, n);
    step.curvature = dot(step.s, 0, step.y, 0, n);
    let yHy = 0;
    const diagonal = this.#diagonal;
    for (let i = 0; i < n; i++) yHy += step.y[i] * step.y[i] * (diagonal ? diagonal[i] : 1);
    if (!(step.curvature > 1e-16 * yHy && Number.isFinite(yHy))) return;
    this.#scale = step.curvature / yHy;
    this.#steps.push(step);
    this.#next = undefined;
  }
}
