import { describe, expect, test } from 'vitest';
import { getStrategy, LinearHead, type Model, Pool, select } from '../src/index.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase, goldenIndex } from './support/golden-cases.js';
import { rowsOf, survivesDegenerateCases } from './support/strategy-cases.js';

const picked = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

/** Walks to each boundary: the smallest t for which z + t·u changes the prediction, u the unit vector to a class. */
function oracle({ weight, bias, classes, dim }: LinearHead, z: ArrayLike<number>): number {
  const logits = Array.from({ length: classes }, (_, c) =>
    Array.from(z).reduce((sum, x, j) => sum + weight[c * dim + j] * x, bias[c]),
  );
  const label = logits.indexOf(Math.max(...logits));
  const distances = logits.map((l, c) => {
    const w = Array.from(z, (_, j) => weight[c * dim + j] - weight[label * dim + j]);
    const length = Math.hypot(...w);
    return length === 0 ? Number.POSITIVE_INFINITY : (logits[label] - l) / length;
  });
  return Math.min(...distances);
}

/** The picks are the smallest values, in order, up to differences that float32 logits hide. */
function expectSmallest(picks: number[], values: number[], relative: number, at: string): void {
  const order = [...values].sort((a, b) => a - b);
  const scale = order.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0);
  picks.forEach((row, i) => {
    if (values[row] === order[i]) return;
    expect(Math.abs(values[row] - order[i]), `${at}, rank ${i}`).toBeLessThanOrEqual(relative * scale);
  });
}

const rowOf = (pool: Pool, i: number) =>
  (pool.source as Float32Array).subarray(i * pool.dim, (i + 1) * pool.dim);

describe('deepfool at the head', () => {
  test.each(
    goldenIndex
      .filter(({ name }) => /^(digits|edge)/.test(name))
      .map((entry) => [entry.name, entry] as const),
  )('%s: the nearest to a boundary', async (_, entry) => {
    const { pool, head } = goldenCase(entry);
    const values = Array.from({ length: pool.rows }, (_value, i) => oracle(head, rowOf(pool, i)));
    const budget = Math.min(150, pool.rows);
    for (const kernels of await everyKernels()) {
      const result = await select({ pool, head, budget, strategy: 'deepfool', kernels });
      expectSmallest(picked(result), values, 1e-6, kernels.level);
    }
  });

  test('head rows that are the same have no boundary; ties and infinities by the lower row', async () => {
    // Classes 0 and 1 share a head row; class 2 is 2 / √2 away from both.
    const head = LinearHead.from({ weight: Float32Array.of(1, 0, 1, 0, 0, 1), classes: 3, dim: 2 });
    const pool = Pool.fromArray(Float32Array.of(3, 1, 5, 1, 3, 1, 1.5, 1), { rows: 4, dim: 2 });
    const alike = LinearHead.from({ weight: Float32Array.of(1, 0, 1, 0), classes: 2, dim: 2 });
    for (const kernels of await everyKernels()) {
      const result = await select({ pool, head, budget: 4, strategy: 'deepfool', kernels });
      expect(picked(result), kernels.level).toEqual([3, 0, 2, 1]);
      const none = await select({ pool, head: alike, budget: 3, strategy: 'deepfool', kernels });
      expect(picked(none), kernels.level).toEqual([0, 1, 2]);
    }
  });

  test('degenerate pools, labels and heads', () => survivesDegenerateCases('deepfool'));

  test('what it needs, and its options', async () => {
    const { pool } = goldenCase(digitsEntries[0]);
    await fails(
      () => select({ pool, budget: 2, strategy: 'deepfool' }),
      'INVALID_ARGUMENT',
      /^expected a head, or labels to fit one, which strategy deepfool needs,/,
    );
    await fails(
      () => getStrategy('deepfool:overshoot=0'),
      'INVALID_ARGUMENT',
      /a number above 0 for overshoot/,
    );
  });
});

type Differentiable = (x: ArrayLike<number>) => { logits: number[]; gradients: number[][] };

const head = LinearHead.from({ weight: Float32Array.of(1, 0), classes: 2, dim: 1 });

function modelOf(network: Differentiable, calls: number[] = []): Model {
  return {
    name: 'stub',
    head,
    embed: async () => Pool.fromArray(new Float32Array(1), { rows: 1, dim: 1 }),
    inputGradients: async (inputs, rows) => {
      calls.push(rows);
      const dim = inputs.length / rows;
      const all = Array.from({ length: rows }, (_, i) => network(inputs.subarray(i * dim, (i + 1) * dim)));
      return {
        logits: Float32Array.from(all.flatMap(({ logits }) => logits)),
        gradients: Float32Array.from(all.flatMap(({ gradients }) => gradients.flat())),
      };
    },
    close: () => {},
  };
}

/** DeepFool for one input, step by step. */
function perturbation(
  network: Differentiable,
  x: ArrayLike<number>,
  iterations = 50,
  overshoot = 0.02,
): number {
  const r = Array.from(x, () => 0);
  const first = network(x).logits;
  const label = first.indexOf(Math.max(...first));
  for (let i = 0; i < iterations; i++) {
    const { logits, gradients } = network(Array.from(x, (value, j) => value + (1 + overshoot) * r[j]));
    if (logits.indexOf(Math.max(...logits)) !== label) break;
    const ways = logits
      .map((l, c) => {
        const w = gradients[c].map((g, j) => g - gradients[label][j]);
        return { w, length: Math.hypot(...w), gap: Math.abs(l - logits[label]) };
      })
      .filter(({ length }) => length > 0)
      .sort((a, b) => a.gap / a.length - b.gap / b.length);
    if (ways.length === 0) return Number.POSITIVE_INFINITY;
    const [{ w, length, gap }] = ways;
    for (let j = 0; j < r.length; j++) r[j] += ((gap + 1e-4) / length ** 2) * w[j];
  }
  return Math.hypot(...r);
}

/** Three classes over two tanh units. */
const tanhNetwork: Differentiable = (x) => {
  const inner = [0.7 * x[0] - 1.1 * x[1] + 0.3 * x[2], 0.4 * x[0] + 0.9 * x[1] - 0.8 * x[2]];
  const units = inner.map(Math.tanh);
  const slopes = units.map((u) => 1 - u * u);
  const outer = [
    [2, -1],
    [-1.5, 1],
    [0.5, 2],
  ];
  return {
    logits: outer.map((o, c) => o[0] * units[0] + o[1] * units[1] + 0.1 * c),
    gradients: outer.map((o) => [
      o[0] * slopes[0] * 0.7 + o[1] * slopes[1] * 0.4,
      o[0] * slopes[0] * -1.1 + o[1] * slopes[1] * 0.9,
      o[0] * slopes[0] * 0.3 + o[1] * slopes[1] * -0.8,
    ]),
  };
};

describe('deepfool in input space', () => {
  const rows = 600;
  const pool = Pool.fromArray(new Float32Array(rows), { rows, dim: 1 });

  test('follows a network’s gradients as DeepFool does, row by row', async () => {
    const inputs = Pool.fromArray(rowsOf(rows, 3), { rows, dim: 3 });
    for (const [options, iterations, overshoot] of [
      [{}, 50, 0.02],
      [{ iterations: 2, overshoot: 0.5 }, 2, 0.5],
    ] as const) {
      const values = Array.from({ length: rows }, (_, i) =>
        perturbation(tanhNetwork, rowOf(inputs, i), iterations, overshoot),
      );
      values[5] = Number.POSITIVE_INFINITY;
      const calls: number[] = [];
      const result = await select({
        pool,
        head,
        model: modelOf(tanhNetwork, calls),
        inputs,
        budget: 200,
        strategy: getStrategy('deepfool', options),
        exclude: [5],
      });
      expectSmallest(picked(result), values, 1e-5, `${iterations} iterations`);
      expect(result.stats.notes).toEqual(['distances to the boundary in the input space of model stub']);
      // Batches of 256 rows, of which ever fewer are on their way.
      expect(calls[0]).toBe(256);
      if (iterations > 2) expect(Math.min(...calls)).toBeLessThan(50);
      expect(calls.length).toBeLessThanOrEqual(3 * iterations);
    }
  });

  test('space=head leaves the model alone, space=input needs one', async () => {
    const calls: number[] = [];
    const common = { pool, head, budget: 5 };
    const given = { model: modelOf(tanhNetwork, calls), inputs: pool };
    const atHead = await select({ ...common, ...given, strategy: 'deepfool:space=head' });
    expect(calls).toEqual([]);
    expect(picked(atHead)).toEqual(picked(await select({ ...common, strategy: 'deepfool' })));
    await fails(
      () => select({ ...common, strategy: 'deepfool:space=input' }),
      'INVALID_ARGUMENT',
      /^expected a model that can be differentiated, which deepfool:space=input needs, for model, got undefined$/,
    );
  });

  test('finds the circle: distances are those to it', async () => {
    // Class 1 outside the unit circle; radii 0.2 … 2.
    const circle: Differentiable = (x) => ({
      logits: [1, x[0] ** 2 + x[1] ** 2],
      gradients: [
        [0, 0],
        [2 * x[0], 2 * x[1]],
      ],
    });
    const radii = Array.from({ length: 19 }, (_, i) => 0.2 + 0.1 * ((7 * i) % 19));
    const inputs = Pool.fromArray(
      Float32Array.from(radii.flatMap((r, i) => [r * Math.cos(i), r * Math.sin(i)])),
      { rows: 19, dim: 2 },
    );
    const small = Pool.fromArray(new Float32Array(19), { rows: 19, dim: 1 });
    const result = await select({
      pool: small,
      head,
      model: modelOf(circle),
      inputs,
      budget: 19,
      strategy: 'deepfool:overshoot=1e-9',
    });
    // From within, Newton's first step overshoots: 0.2 goes to 2.6; from outside it comes in from beyond.
    const outside = picked(result).filter((row) => radii[row] > 1.01);
    expect(outside).toEqual([...outside].sort((a, b) => radii[a] - radii[b]));
    expect(Math.abs(radii[picked(result)[0]] - 1)).toBeLessThan(1e-9);
  });

  test('rows without a gradient come last; a broken network is named', async () => {
    const flat: Differentiable = (x) => ({ logits: [x[0], 0], gradients: [[x[0] > 2 ? 0 : 1], [0]] });
    const inputs = Pool.fromArray(Float32Array.of(3, 1, 5, 0.5), { rows: 4, dim: 1 });
    const four = Pool.fromArray(new Float32Array(4), { rows: 4, dim: 1 });
    const args = { pool: four, head, inputs, budget: 4, strategy: 'deepfool' };
    expect(picked(await select({ ...args, model: modelOf(flat) }))).toEqual([3, 1, 0, 2]);
    const broken: Differentiable = (x) => ({
      logits: [x[0], 0],
      gradients: [[x[0] > 4 ? Number.NaN : 1], [0]],
    });
    const error = await fails(
      () => select({ ...args, budget: 2, exclude: [0], model: modelOf(broken) }),
      'NON_FINITE',
      /^expected finite logits and gradients for row 2 from model stub, got NaN or infinity$/,
    );
    expect(error.details.row).toBe(2);
  });
});
