import { describe, expect, test } from 'vitest';
import { type FitHeadArgs, LinearHead } from '../src/head/linear-head.js';
import { LabeledSet } from '../src/labels/labeled-set.js';
import { Rng } from '../src/random/xoshiro.js';
import { fails } from './support/files.js';
import { goldenFile } from './support/golden-tensors.js';
import { canMeasureTurns, longestTurn } from './support/turns.js';

const golden = goldenFile('head-digits');
const labels = golden.ints('labels');
const embeddings = golden.f32('embeddings');
// The file's header says 10×64, but its bytes are in the order of the transpose: only then is the stored
// objective that of the stored weight (checked below).
const transposed = golden.f64('expect_weight');
const expectWeight = Float64Array.from(
  { length: 640 },
  (_, i) => transposed[(i % 64) * 10 + Math.floor(i / 64)],
);
const expectBias = golden.f64('expect_bias');

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return norm(Array.from(a, (value, i) => value - b[i]));
}

/** Σ CE + (l2/2)‖W‖², straight from the definition. */
function objective(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  l2: number,
): number {
  const classes = bias.length;
  const dim = weight.length / classes;
  let total = (l2 / 2) * norm(weight) ** 2;
  for (let i = 0; i < y.length; i++) {
    const logits = Array.from({ length: classes }, (_, c) => {
      let sum = bias[c];
      for (let j = 0; j < dim; j++) sum += weight[c * dim + j] * x[i * dim + j];
      return sum;
    });
    const top = Math.max(...logits);
    total += top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)) - logits[y[i]];
  }
  return total;
}

/** Rows of `classes` blobs, round robin. */
function blobs(rows: number, dim: number, classes: number, spread: number, seed = 1) {
  const rng = new Rng(seed);
  const centers = Float64Array.from({ length: classes * dim }, () => 2 * rng.uniform() - 1);
  const y = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const x = Float32Array.from({ length: rows * dim }, (_, k) => {
    const i = Math.floor(k / dim);
    return centers[y[i] * dim + (k % dim)] + spread * (2 * rng.uniform() - 1);
  });
  return { embeddings: x, labels: y };
}

describe('LinearHead.fit', () => {
  test('head-digits: the minimum, norm-wise within 1e-4', async () => {
    expect(objective(embeddings, labels, expectWeight, expectBias, 0.1)).toBeCloseTo(
      golden.f64('expect_objective')[0],
      9,
    );
    const head = await LinearHead.fit({ embeddings, labels, l2: 0.1 });
    expect(distance(head.weight, expectWeight) / norm(expectWeight)).toBeLessThan(1e-4);
    expect(distance(head.bias, expectBias) / norm(expectBias)).toBeLessThan(1e-4);
    expect(head.fitted?.objective).toBeCloseTo(golden.f64('expect_objective')[0], 8);
    expect(head.fitted?.crossValidation).toBeUndefined();
  });

  test('an offset of 1000 and a constant column change nothing but the bias', async () => {
    const shifted = new Float32Array(150 * 65);
    for (let i = 0; i < 150; i++) {
      // Sixteenths on top of 1000 are exact in float32.
      for (let j = 0; j < 64; j++) shifted[i * 65 + j] = embeddings[i * 64 + j] + 1000;
      shifted[i * 65 + 64] = 1000;
    }
    const head = await LinearHead.fit({ embeddings: shifted, labels, l2: 0.1 });
    const weight = Float64Array.from(
      { length: 640 },
      (_, i) => head.weight[Math.floor(i / 64) * 65 + (i % 64)],
    );
    expect(distance(weight, expectWeight) / norm(expectWeight)).toBeLessThan(1e-4);
    for (let c = 0; c < 10; c++) expect(Math.abs(head.weight[c * 65 + 64])).toBeLessThan(1e-9);
  });

  test('pixels 0–16 with l2·256 are the same head, scaled', async () => {
    const head = await LinearHead.fit({
      embeddings: embeddings.map((value) => 16 * value),
      labels,
      l2: 25.6,
    });
    expect(
      distance(
        head.weight.map((w) => 16 * w),
        expectWeight,
      ) / norm(expectWeight),
    ).toBeLessThan(1e-4);
  });

  test('features of scales 1e-3 … 1e3 together reach the minimum', async () => {
    const { embeddings: x, labels: y } = blobs(120, 12, 4, 2);
    const scaled = x.map((value, k) => value * 10 ** ((k % 12) / 2 - 3));
    const head = await LinearHead.fit({ embeddings: scaled, labels: y, l2: 1e-3 });
    // No descent in any single weight or bias.
    const weight = Float64Array.from(head.weight);
    const at = objective(scaled, y, weight, head.bias, 1e-3);
    expect(at).toBeCloseTo(head.fitted?.objective ?? Number.NaN, 4);
    for (const k of [0, 5, 11, 17, 30, 47]) {
      for (const step of [1e-2, -1e-2]) {
        const moved = weight.slice();
        moved[k] *= 1 + step;
        expect(objective(scaled, y, moved, head.bias, 1e-3)).toBeGreaterThan(at - 1e-6);
      }
    }
  });

  test('fewer rows than dimensions: the fit in their span is the fit in all dimensions', async () => {
    const { embeddings: x, labels: y } = blobs(30, 200, 3, 1.5);
    const head = await LinearHead.fit({ embeddings: x, labels: y, l2: 0.5 });
    // The same rows eight times with eight times the ridge: the same minimum, with more rows than dimensions.
    const many = new Float32Array(x.length * 8);
    const manyLabels = new Int32Array(y.length * 8);
    for (let k = 0; k < 8; k++) {
      many.set(x, k * x.length);
      manyLabels.set(y, k * y.length);
    }
    const whole = await LinearHead.fit({ embeddings: many, labels: manyLabels, l2: 4 });
    expect(distance(head.weight, whole.weight) / norm(whole.weight)).toBeLessThan(1e-5);
    // The ridge makes the columns of W sum to zero over the classes.
    for (let j = 0; j < 200; j++) {
      expect(head.weight[j] + head.weight[200 + j] + head.weight[400 + j]).toBeCloseTo(0, 6);
    }
    expect(head.bias.reduce((a, b) => a + b)).toBeCloseTo(0, 5);
  });

  test('two labels, one a class', async () => {
    const head = await LinearHead.fit({
      embeddings: [
        [0, 1],
        [1, 0],
      ],
      labels: [0, 1],
    });
    expect(head.fitted?.l2).toBe(1);
    expect(head.fitted?.warning).toMatch(/every class has one label/);
    expect(head.weight[0]).toBeLessThan(0);
    expect(head.weight[1]).toBeGreaterThan(0);
  });

  test('rows all alike leave the weight at zero and the bias at the log odds', async () => {
    const head = await LinearHead.fit({
      embeddings: [
        [2, 3],
        [2, 3],
        [2, 3],
      ],
      labels: [0, 0, 1],
      l2: 1,
    });
    expect([...head.weight]).toEqual([0, 0, 0, 0]);
    expect(head.bias[0] - head.bias[1]).toBeCloseTo(Math.log(2), 5);
  });

  test('a class without labels is never predicted on labelled rows, and the others are as without it', async () => {
    const { embeddings: x, labels: y } = blobs(60, 8, 2, 1.5);
    const moved = y.map((label) => 2 * label);
    const [two, four] = await Promise.all([
      LinearHead.fit({ embeddings: x, labels: y, l2: 0.1 }),
      LinearHead.fit({ embeddings: x, labels: moved, classes: 4, l2: 0.1 }),
    ]);
    expect(four.classes).toBe(4);
    expect(distance(four.weight.subarray(16, 24), two.weight.subarray(8))).toBeLessThan(1e-6);
    expect([...four.weight.subarray(8, 16)]).toEqual(new Array(8).fill(0));
    expect(four.bias[1]).toBe(four.bias[3]);
    for (let i = 0; i < 60; i++) {
      const logit = (c: number) =>
        x
          .subarray(i * 8, i * 8 + 8)
          .reduce((sum, value, j) => sum + value * four.weight[c * 8 + j], four.bias[c]);
      const total = [0, 1, 2, 3].reduce((sum, c) => sum + Math.exp(logit(c)), 0);
      expect(Math.exp(logit(1)) / total).toBeLessThan(1 / 60);
    }
  });

  test('takes a LabeledSet with class names', async () => {
    const labeled = LabeledSet.from({ ...blobs(20, 3, 2, 1), classNames: ['cat', 'dog', 'eel'] });
    const head = await LinearHead.fit({ labeled, l2: 1 });
    expect(head.classNames).toEqual(['cat', 'dog', 'eel']);
    expect(head.classes).toBe(3);
  });

  test('keeps the event loop free, reports progress and stops on an abort', { retry: 2 }, async () => {
    const { embeddings: x, labels: y } = blobs(300, 100, 10, 3);
    const progress: number[] = [];
    const onProgress = (done: number, total: number) => progress.push(done / total);
    const whole = () => LinearHead.fit({ embeddings: x, labels: y, onProgress });
    if (canMeasureTurns) expect(await longestTurn(whole)).toBeLessThan(30);
    else await whole();
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress[progress.length - 1]).toBe(1);
    const controller = new AbortController();
    const fit = LinearHead.fit({ ...blobs(2000, 300, 40, 3), signal: controller.signal });
    setTimeout(() => controller.abort('enough'), 20);
    const error = await fails(() => fit, 'ABORTED', /aborted/);
    expect(error.cause).toBe('enough');
  });

  const two = {
    embeddings: [
      [0, 1],
      [1, 0],
    ],
    labels: [0, 1],
  };
  test.each<[string, FitHeadArgs, string, RegExp]>([
    [
      'nothing',
      {},
      'INVALID_ARGUMENT',
      /^expected a LabeledSet, or embeddings and labels, for labeled, got undefined$/,
    ],
    [
      'no labels',
      { embeddings: new Float32Array(0), labels: [] },
      'INVALID_ARGUMENT',
      /^expected at least one label/,
    ],
    [
      'one class',
      { ...two, labels: [1, 1] },
      'INVALID_ARGUMENT',
      /at least two classes to fit a head, got 2 of class 1 only$/,
    ],
    [
      'one class, 0',
      { ...two, labels: [0, 0] },
      'INVALID_ARGUMENT',
      /at least two classes to fit a head, got 2 of class 0 only$/,
    ],
    [
      'a label outside',
      { ...two, labels: [0, 2], classes: 2 },
      'INVALID_ARGUMENT',
      /class index below 2, .* for labels\[1\], got 2$/,
    ],
    [
      'a row number as label',
      { ...two, labels: [0, 70_000] },
      'INVALID_ARGUMENT',
      /below 65536 for labels\[1\], got 70000$/,
    ],
    ['a dim that does not fit', { ...two, dim: 3 }, 'SHAPE_MISMATCH', /for embeddings/],
    [
      'NaN',
      {
        ...two,
        embeddings: [
          [0, 1],
          [Number.NaN, 0],
        ],
      },
      'NON_FINITE',
      /row 1 .*got NaN/,
    ],
    ['l2 zero', { ...two, l2: 0 }, 'INVALID_ARGUMENT', /^expected a number from 1e-8 to 1e8 for l2, got 0$/],
    ['l2 negative', { ...two, l2: -1 }, 'INVALID_ARGUMENT', /for l2, got -1$/],
    ['l2 NaN', { ...two, l2: Number.NaN }, 'INVALID_ARGUMENT', /for l2, got NaN$/],
    ['a seed', { ...two, seed: -1 }, 'INVALID_ARGUMENT', /for seed, got -1$/],
    [
      'class names',
      { ...two, classNames: ['a', 'b', 'c'], classes: 2 },
      'SHAPE_MISMATCH',
      /2 names for classNames/,
    ],
  ])('refuses %s', async (_, args, code, message) => {
    const error = await fails(() => LinearHead.fit(args), code as 'FORMAT', message);
    expect(error.code).toBe(code);
  });

  test('names the row of a NaN written after the set was made', async () => {
    const data = new Float32Array(4);
    const labeled = LabeledSet.from({ embeddings: data, labels: [0, 1] });
    data[2] = Number.NaN;
    await fails(
      () => LinearHead.fit({ labeled }),
      'NON_FINITE',
      /the labelled embeddings, got NaN at row 1, column 0$/,
    );
  });
});

describe('LinearHead.from', () => {
  test('a binary head becomes two rows', () => {
    const head = LinearHead.from({
      weight: Float32Array.of(1, 2),
      bias: Float32Array.of(3),
      classes: 1,
      dim: 2,
    });
    expect([head.classes, ...head.weight, ...head.bias]).toEqual([2, 0, 0, 1, 2, 0, 3]);
  });

  test('uses the weight in place and defaults the bias to zeros', () => {
    const weight = new Float32Array(8).subarray(2, 6);
    const head = LinearHead.from({ weight, classes: 2, dim: 2, classNames: ['a', 'b'] });
    expect(head.weight).toBe(weight);
    expect([...head.bias]).toEqual([0, 0]);
  });

  test.each<[object, string, RegExp]>([
    [{ classes: 0 }, 'INVALID_ARGUMENT', /for classes, got 0$/],
    [{ weight: new Float32Array(5) }, 'SHAPE_MISMATCH', /^expected 4 values \(2 x 2\) for weight, got 5$/],
    [{ weight: [1, 2, 3, 4] }, 'INVALID_ARGUMENT', /a Float32Array for weight/],
    [{ bias: new Float32Array(3) }, 'SHAPE_MISMATCH', /for bias, got 3$/],
    [{ weight: Float32Array.of(1, 2, Number.NaN, 4) }, 'NON_FINITE', /weight, got NaN at row 1, column 0$/],
    [
      { classNames: ['a'] },
      'SHAPE_MISMATCH',
      /^expected 2 names, one a class, for classNames, got an array of 1$/,
    ],
    [{ classNames: ['a', 'a'] }, 'INVALID_ARGUMENT', /different strings for classNames, got "a"$/],
  ])('refuses %o', async (change, code, message) => {
    const args = { weight: new Float32Array(4), classes: 2, dim: 2, ...change };
    await fails(() => LinearHead.from(args), code as 'FORMAT', message);
  });
});
