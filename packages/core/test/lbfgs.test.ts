import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minimize, type Objective } from '../src/kernels/js/lbfgs.js';
import { dot } from '../src/kernels/js/reduce.js';
import { TimeSlice } from '../src/time-slice.js';
import { fails } from './support/files.js';

type Evaluate = (x: Float64Array, gradient: Float64Array) => number;

/** Any function as an Objective: a probe evaluates it afresh. */
function objectiveOf(size: number, evaluate: Evaluate, inverseDiagonal?: Float64Array): Objective {
  const scratch = new Float64Array(size);
  let from = new Float64Array(size);
  let along = new Float64Array(size);
  return {
    size,
    inverseDiagonal,
    start: async (x, gradient) => evaluate(x, gradient),
    aim: async (x, direction) => {
      from = x.slice();
      along = direction.slice();
    },
    probe: async (t) => {
      const value = evaluate(
        from.map((v, i) => v + t * along[i]),
        scratch,
      );
      return { t, value, slope: dot(scratch, 0, along, 0, size) };
    },
    advance: async (_, x, gradient) => {
      evaluate(x, gradient);
    },
  };
}

const small = (tolerance: number) => (_: Float64Array, gradient: Float64Array) =>
  Math.sqrt(dot(gradient, 0, gradient, 0, gradient.length)) <= tolerance;

const rosenbrock: Evaluate = (x, g) => {
  g.fill(0);
  let value = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const a = x[i + 1] - x[i] * x[i];
    const b = 1 - x[i];
    value += 100 * a * a + b * b;
    g[i] += -400 * a * x[i] - 2 * b;
    g[i + 1] += 200 * a;
  }
  return value;
};

describe('minimize', () => {
  test.each([2, 10])('Rosenbrock in %d dimensions, which is not convex', async (n) => {
    const x = new Float64Array(n).fill(-1.2);
    const result = await minimize(objectiveOf(n, rosenbrock), x, {
      slice: new TimeSlice(),
      done: small(1e-9),
    });
    expect(result.converged).toBe(true);
    expect(result.iterations).toBeLessThan(250);
    // From −1.2 in ten dimensions a second minimum is possible; both have a zero gradient.
    expect(result.value).toBeLessThan(4);
    if (n === 2) for (const value of x) expect(value).toBeCloseTo(1, 8);
  });

  test('quadratics of any conditioning up to 1e6', async () => {
    const scales = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(scales, async (diagonal) => {
        const quadratic: Evaluate = (x, g) => {
          let value = 0;
          for (let i = 0; i < x.length; i++) {
            g[i] = diagonal[i] * (x[i] - i);
            value += 0.5 * g[i] * (x[i] - i);
          }
          return value;
        };
        const x = new Float64Array(diagonal.length).fill(5);
        await minimize(objectiveOf(x.length, quadratic), x, { slice: new TimeSlice(), done: small(1e-8) });
        for (let i = 0; i < x.length; i++) expect(Math.abs(x[i] - i)).toBeLessThan(1e-4);
      }),
      { numRuns: 60 },
    );
  });

  test('the exact inverse diagonal solves a quadratic in one step', async () => {
    const diagonal = [1e-4, 1, 1e6];
    const evaluate: Evaluate = (x, g) => {
      for (let i = 0; i < 3; i++) g[i] = diagonal[i] * x[i];
      return dot(x, 0, g, 0, 3) / 2;
    };
    const x = new Float64Array([3, -2, 1]);
    const objective = objectiveOf(
      3,
      evaluate,
      Float64Array.from(diagonal, (d) => 1 / d),
    );
    const result = await minimize(objective, x, { slice: new TimeSlice(), done: small(1e-12) });
    expect(result.iterations).toBe(1);
  });

  test('stops where rounding leaves nothing to gain', async () => {
    const evaluate: Evaluate = (x, g) => {
      g[0] = Math.sinh(x[0] - 1);
      return Math.cosh(x[0] - 1);
    };
    const x = new Float64Array([20]);
    const result = await minimize(objectiveOf(1, evaluate), x, { slice: new TimeSlice(), done: () => false });
    expect(result.converged).toBe(false);
    expect(x[0]).toBeCloseTo(1, 6);
  });

  test('the step limit and an abort', async () => {
    const x = new Float64Array(10).fill(-1.2);
    const options = { slice: new TimeSlice(), done: () => false, maxIterations: 3 };
    expect(await minimize(objectiveOf(10, rosenbrock), x, options)).toMatchObject({
      iterations: 3,
      converged: false,
    });
    const slice = new TimeSlice(AbortSignal.abort('stop'), 0);
    await fails(
      () => minimize(objectiveOf(10, rosenbrock), x, { slice, done: () => false }),
      'ABORTED',
      /aborted/,
    );
  });
});
