import { describe, expect, test } from 'vitest';
import { getStrategy, LinearHead, type Model, Pool, Rng, select } from '../src/index.js';
import { dropOut } from '../src/strategies/dropout.js';
import { fails } from './support/files.js';
import { noise } from './support/flip-job.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { softmax } from './support/oracle.js';
import { rowsOf, survivesDegenerateCases } from './support/strategy-cases.js';

const entropy = (p: number[]) => p.reduce((sum, x) => sum - (x > 0 ? x * Math.log(x) : 0), 0);

/** H(p̄) − mean H(p_t) in double. */
function mutualInformation(passes: number[][]): number {
  const mean = passes[0].map((_, c) => passes.reduce((sum, p) => sum + p[c], 0) / passes.length);
  return entropy(mean) - passes.reduce((sum, p) => sum + entropy(p), 0) / passes.length;
}

/** With the masks that the seed draws, applied to the embedding. */
function oracle(pool: Pool, head: LinearHead, passes: number, rate: number, seed: number): number[] {
  const rng = new Rng(seed);
  const masks = Array.from({ length: passes }, () => {
    const mask = new Float32Array(pool.dim).fill(1);
    dropOut(mask, 0, pool.dim, rate, rng);
    return mask;
  });
  const data = pool.source as Float32Array;
  return Array.from({ length: pool.rows }, (_, i) =>
    mutualInformation(
      masks.map((mask) =>
        softmax(
          { ...head, anchors: mask },
          mask.map((m, j) => m * data[i * pool.dim + j]),
        ),
      ),
    ),
  );
}

const picked = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

/** The picks are the largest values, in order, up to differences that rounding may hide. */
function expectLargest(picks: number[], values: number[], tolerance: number, at: string): void {
  const order = [...values].sort((a, b) => b - a);
  picks.forEach((row, i) => {
    expect(Math.abs(values[row] - order[i]), `${at}, rank ${i}`).toBeLessThanOrEqual(tolerance);
  });
}

describe('bald', () => {
  test.each(digitsEntries.map((entry) => [entry.name, entry] as const))(
    '%s: the largest mutual information under the seed’s masks',
    async (_, entry) => {
      const { pool, head } = goldenCase(entry);
      for (const [strategy, passes, rate] of [
        ['bald', 10, 0.5],
        ['bald:passes=3:dropout=0.2', 3, 0.2],
      ] as const) {
        const values = oracle(pool, head, passes, rate, 7);
        for (const kernels of await everyKernels()) {
          const result = await select({ pool, head, budget: 80, strategy, kernels, seed: 7 });
          // 1e-4: float32 logits of the saturated head are in the hundreds.
          expectLargest(picked(result), values, 1e-4, `${strategy}, ${kernels.level}`);
          expect(result.stats.notes).toEqual([]);
        }
      }
    },
  );

  test('rows with equal information come lowest first; without any, too', async () => {
    const pool = Pool.fromArray(rowsOf(12, 4, 2), { rows: 12, dim: 4 });
    const head = LinearHead.from({ weight: rowsOf(3, 4, 3, 2), classes: 3, dim: 4 });
    const values = oracle(pool, head, 10, 0.5, 0);
    const best = values[0] > values[1] ? 0 : 1;
    const flat = LinearHead.from({ weight: new Float32Array(12), classes: 3, dim: 4 });
    for (const kernels of await everyKernels()) {
      const result = await select({ pool, head, budget: 8, strategy: 'bald', kernels, exclude: [best] });
      const rows = Array.from({ length: 5 }, (_, i) => best + 2 * (i + 1));
      expect(picked(result)).toEqual([...rows, 1 - best, 3 - best, 5 - best]);
      const none = await select({ pool, head: flat, budget: 3, strategy: 'bald', kernels });
      expect(picked(none)).toEqual([0, 1, 2]);
    }
  });

  test('more than one block of rows: as if it were one', async () => {
    // Ten passes of two classes and two dimensions are 22 numbers a row: 190,650 rows a block.
    const [rows, distinct] = [200_000, 50];
    const pool = Pool.fromArray(rowsOf(rows, 2, distinct), { rows, dim: 2 });
    const few = Pool.fromArray(rowsOf(distinct, 2), { rows: distinct, dim: 2 });
    const head = LinearHead.from({ weight: rowsOf(2, 2, 2, 2), classes: 2, dim: 2 });
    const values = oracle(few, head, 10, 0.5, 0);
    const best = values.indexOf(Math.max(...values));
    const copies = rows / distinct;
    for (const kernels of await everyKernels()) {
      for (const exclude of [undefined, [best]]) {
        const budget = copies - (exclude ? 1 : 0);
        const result = await select({ pool, head, budget, strategy: 'bald', kernels, exclude });
        const expected = Array.from({ length: copies }, (_, i) => best + distinct * i);
        expect(picked(result), kernels.level).toEqual(expected.slice(-budget));
      }
    }
  });

  test('more passes than go into one product: as if they did', async () => {
    // 600 × 2 × 4096 numbers of heads are more than 2²².
    const pool = Pool.fromArray(noise(5 * 4096, -0.5), { rows: 5, dim: 4096 });
    const head = LinearHead.from({ weight: noise(2 * 4096, -0.5), classes: 2, dim: 4096 });
    const values = oracle(pool, head, 600, 0.5, 0);
    const order = [...values.keys()].sort((a, b) => values[b] - values[a]);
    for (const kernels of await everyKernels()) {
      const result = await select({ pool, head, budget: 5, strategy: 'bald:passes=600', kernels });
      expect(picked(result), kernels.level).toEqual(order);
    }
  });

  test('a model’s own dropout layers, pass by pass, seeded', async () => {
    const [rows, classes, passes] = [20, 3, 4];
    const pool = Pool.fromArray(rowsOf(rows, 2), { rows, dim: 2 });
    const inputs = Pool.fromArray(rowsOf(rows, 5), { rows, dim: 5 });
    const head = LinearHead.from({ weight: rowsOf(3, 2), classes, dim: 2 });
    const seeds: number[] = [];
    const logitsOf = (seed: number) => rowsOf(rows, classes, rows, seed);
    const model: Model = {
      name: 'stub',
      head,
      embed: async () => pool,
      dropoutLogits: async (given, { seed }) => {
        expect(given).toBe(inputs);
        seeds.push(seed);
        return logitsOf(seed);
      },
      close: () => {},
    };
    const args = { pool, head, model, inputs, budget: 6, strategy: getStrategy('bald', { passes }) };
    const result = await select({ ...args, seed: 5, exclude: [2] });
    expect(new Set(seeds).size).toBe(passes);
    const identity = { dim: classes, classes, anchors: new Float32Array(0) };
    const weight = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const values = Array.from({ length: rows }, (_, i) =>
      mutualInformation(
        seeds.map((seed) =>
          softmax(
            { ...identity, weight, bias: new Float32Array(3) },
            logitsOf(seed).subarray(i * 3, i * 3 + 3),
          ),
        ),
      ),
    );
    values[2] = -1;
    expectLargest(picked(result), values, 1e-6, 'model');
    expect(result.stats.notes).toEqual(['4 passes through the dropout layers of model stub, at their rates']);
    const again = await select({ ...args, seed: 5, exclude: [2] });
    expect(seeds.slice(passes)).toEqual(seeds.slice(0, passes));
    expect(picked(again)).toEqual(picked(result));
    // Without such layers it is the embedding's.
    const { dropoutLogits: _, ...plain } = model;
    const without = await select({ ...args, model: plain, seed: 5 });
    expect(picked(without)).toEqual(
      picked(await select({ ...args, model: undefined, inputs: undefined, seed: 5 })),
    );
  });

  test('degenerate pools, labels and heads', () => survivesDegenerateCases('bald'));

  test('what it needs, and its options', async () => {
    const pool = Pool.fromArray(rowsOf(4, 2), { rows: 4, dim: 2 });
    await fails(
      () => select({ pool, budget: 1, strategy: 'bald' }),
      'INVALID_ARGUMENT',
      /^expected a head, or labels to fit one, which strategy bald needs,/,
    );
    await fails(() => getStrategy('bald:passes=0'), 'INVALID_ARGUMENT', /for passes of strategy bald/);
    await fails(() => getStrategy('bald:dropout=1'), 'INVALID_ARGUMENT', /above 0 and below 1 for dropout/);
  });
});

describe('dropOut', () => {
  test('keeps the share it says, scaled so that the mean stays; the odd last number too', () => {
    const rng = new Rng(1);
    const out = new Float32Array(200_001).fill(3);
    dropOut(out, 1, out.length, 0.3, rng);
    expect(out[0]).toBe(3);
    const kept = out.subarray(1).filter((x) => x !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(3 / 0.7)]));
    // Five standard deviations of a share of 200,000.
    expect(Math.abs(kept.length / 200_000 - 0.7)).toBeLessThan(5 * Math.sqrt(0.21 / 200_000));
  });
});
