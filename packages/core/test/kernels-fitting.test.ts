import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FitSoftmaxArgs } from '../src/kernels/fitting.js';
import { expOfNegative, log1pOfPositive, logOfLarge } from '../src/kernels/js/elementary.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails } from './support/files.js';
import { fitJob } from './support/fit-job.js';
import { uniform } from './support/flip-job.js';
import { everyKernels } from './support/golden-cases.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

describe('fitSoftmax', () => {
  test('the same bytes on every backend, whatever the threads', async () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 6, max: 90 }),
      dim: fc.integer({ min: 1, max: 40 }),
      classes: fc.integer({ min: 2, max: 21 }),
      seed: fc.integer({ min: 0, max: 1 << 30 }),
      chosen: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ rows, dim, classes, seed, chosen }) => {
        const job = fitJob(rows, dim, Math.min(classes, rows >> 1), { seed, chosen });
        const expected = await makers[0].fitSoftmax(job);
        for (const kernels of makers.slice(1))
          expect(await kernels.fitSoftmax({ ...job, threads: 1 + (seed % 3) }), kernels.level).toEqual(
            expected,
          );
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test('shared among threads: the same bytes', async () => {
    const job = fitJob(400, 90, 30);
    const expected = await makers[0].fitSoftmax(job);
    for (const kernels of makers.slice(1)) {
      for (const threads of [1, 2, 5])
        expect(await kernels.fitSoftmax({ ...job, threads }), kernels.level).toEqual(expected);
    }
  }, 60_000);

  test('the gradient at the solution is next to nothing', async () => {
    const job = fitJob(120, 9, 4, { chosen: false });
    const { data, rows, dim, labels, classes } = job;
    const { solution, objective } = await makers[0].fitSoftmax(job);
    const gradient = solution.map((v, k) => (k < dim * classes ? 0.1 * v : 0));
    let value = 0;
    for (let k = 0; k < dim * classes; k++) value += 0.05 * solution[k] ** 2;
    for (let i = 0; i < rows; i++) {
      const at = (j: number) => (j < dim ? data[i * dim + j] : 1);
      const logits = Array.from({ length: classes }, (_, c) =>
        Array.from({ length: dim + 1 }, (_, j) => at(j) * solution[j * classes + c]).reduce((a, b) => a + b),
      );
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      value += Math.log(total) - logits[labels[i]];
      for (let c = 0; c < classes; c++) {
        const residual = Math.exp(logits[c]) / total - Number(c === labels[i]);
        for (let j = 0; j <= dim; j++) gradient[j * classes + c] += residual * at(j);
      }
    }
    expect(objective).toBeCloseTo(value, 9);
    expect(Math.hypot(...gradient)).toBeLessThan(1e-5 * Math.hypot(...solution));
  });

  test.each<[string, Partial<FitSoftmaxArgs>, string, RegExp]>([
    [
      'a label outside',
      { labels: Int32Array.of(0, 1, 2, 0) },
      'INVALID_ARGUMENT',
      /below 2 for labels\[2\], got 2$/,
    ],
    [
      'a class without rows',
      { labels: new Int32Array(4) },
      'INVALID_ARGUMENT',
      /a row of class 1 for labels/,
    ],
    ['a ridge of 0', { ridges: Float64Array.of(0) }, 'INVALID_ARGUMENT', /above 0 for ridges\[0\], got 0$/],
    [
      'ridges without folds',
      { ridges: Float64Array.of(1, 2) },
      'INVALID_ARGUMENT',
      /for folds, got undefined$/,
    ],
    [
      'a fold outside',
      { folds: Int32Array.of(0, -1, 2, -1), foldCount: 2 },
      'INVALID_ARGUMENT',
      /from −1 to 1 for folds\[2\], got 2$/,
    ],
    [
      'a class held out whole',
      { folds: Int32Array.of(0, -1, 0, -1), foldCount: 1 },
      'INVALID_ARGUMENT',
      /a row of class 0 outside fold 0 for folds/,
    ],
    [
      'NaN',
      { data: Float64Array.of(1, 2, Number.NaN, 4) },
      'NON_FINITE',
      /finite values, found NaN or infinity in row 2$/,
    ],
    [
      'finite values too large to square',
      { data: Float64Array.of(1, 2, 1e200, 4) },
      'NON_FINITE',
      /^expected values whose squares have a finite sum, found too large values in row 2: scale them down$/,
    ],
    ['too few values', { data: new Float64Array(3) }, 'SHAPE_MISMATCH', /4 values for data, got 3$/],
    ['floats', { data: new Float32Array(4) as never }, 'INVALID_ARGUMENT', /a Float64Array for data/],
  ])('refuses %s', async (_, change, code, message) => {
    const job = {
      data: Float64Array.of(1, 2, 3, 4),
      rows: 4,
      dim: 1,
      labels: Int32Array.of(0, 1, 0, 1),
      classes: 2,
      ridges: Float64Array.of(1),
    };
    for (const kernels of makers) {
      const error = await fails(() => kernels.fitSoftmax({ ...job, ...change }), code as 'FORMAT', message);
      expect(error.code, kernels.level).toBe(code);
    }
  });
});

test('exp and log, within two units of the last place of those of Math', () => {
  const near = (found: number, expected: number) => {
    // Sixty thousand calls of `expect` would take seconds.
    if (Math.abs(found - expected) <= 2 * 2 ** -52 * Math.abs(expected)) return;
    expect.unreachable(`expected ${expected} within two units, got ${found}`);
  };
  const next = uniform(4);
  for (let i = 0; i < 20_000; i++) {
    const x = 10 ** (12 * next() - 9.2);
    near(expOfNegative(-x), x > 708 ? 0 : Math.exp(-x));
    near(logOfLarge(1 + x), Math.log(1 + x));
    near(log1pOfPositive(x), Math.log1p(x));
  }
  for (const x of [0, -0]) expect(expOfNegative(x)).toBe(1);
  expect(expOfNegative(Number.NEGATIVE_INFINITY)).toBe(0);
  expect([logOfLarge(1), log1pOfPositive(0), log1pOfPositive(1e-300)]).toEqual([0, 0, 1e-300]);
});
