import { beforeAll, describe, expect, test } from 'vitest';
import { Pool, select } from '../src/index.js';
import type { Kernels, KMeansArgs } from '../src/kernels/kernels.js';
import { selectRows } from '../src/strategies/select-rows.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { contextOf } from './support/strategy-cases.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});
const { pool, labeled, head } = goldenCase(digitsEntries[0]);
const rows = [7, 3, 1000, 40];
const contextFor = (of: Pool, kernels = makers[0]) =>
  contextOf({ pool: of, labeled, head, budget: 2 }, kernels);

describe('rows selected for a kernel', () => {
  test('a float32 pool in memory is read in place', async () => {
    const plain = await selectRows(contextFor(pool), rows, { normalize: false, copy: false });
    expect(plain.data).toBe(pool.source);
    expect(Array.from(plain.index!)).toEqual(rows);
    expect(plain.scale).toBeUndefined();
    const unit = await selectRows(contextFor(pool), rows, { normalize: true, copy: false });
    expect(unit.data).toBe(pool.source);
    for (const [i, row] of rows.entries()) {
      const values = (pool.source as Float32Array).subarray(row * pool.dim, (row + 1) * pool.dim);
      expect(unit.scale![i] * Math.hypot(...values)).toBeCloseTo(1, 6);
    }
  });

  test('other pools are gathered, and never copied to be normalised', async () => {
    const values = new Float64Array(pool.source as Float32Array);
    const wide = Pool.fromArray(values, { rows: pool.rows, dim: pool.dim });
    const unit = await selectRows(contextFor(wide), rows, { normalize: true, copy: false });
    expect(unit.data).toEqual(await pool.gather(rows));
    expect([unit.index, unit.scale!.length]).toEqual([undefined, 4]);
  });

  test('norms without a good inverse, and rows of zeros', async () => {
    for (const factor of [1e-37, 1e35]) {
      const odd = Pool.fromArray(Float32Array.of(3 * factor, 4 * factor, 0, 0, 1, 0), { rows: 3, dim: 2 });
      const unit = await selectRows(contextFor(odd), [0, 1, 2], { normalize: true, copy: false });
      expect(unit.scale).toBeUndefined();
      expect(Array.from(unit.data, (x) => x.toFixed(6))).toEqual(
        [0.6, 0.8, 0, 0, 1, 0].map((x) => x.toFixed(6)),
      );
    }
    const zeros = Pool.fromArray(new Float32Array(6), { rows: 3, dim: 2 });
    const unit = await selectRows(contextFor(zeros), [0, 2], { normalize: true, copy: false });
    expect(Array.from(unit.scale!)).toEqual([0, 0]);
  });

  test('a row that is not finite is named by its place', async () => {
    const bad = Pool.fromArray(Float32Array.of(1, 2, Number.NaN, 1), { rows: 2, dim: 2 });
    await fails(
      () => selectRows(contextFor(bad), [0, 1], { normalize: true, copy: false }),
      'NON_FINITE',
      /in row 1$/,
    );
  });
});

describe('alfa-mix with another clustering', () => {
  const asked: KMeansArgs[] = [];
  const run = (strategy: string) => {
    const kernels = new Proxy(makers.at(-1)!, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (args: KMeansArgs) => {
          if (key === 'kmeans') asked.push(args);
          return value.call(target, args);
        };
      },
    });
    return select({ pool, labeled, budget: 30, strategy, seed: 2, kernels });
  };

  test('is what the kernel is asked for', async () => {
    await run('alfa-mix');
    await run('alfa-mix:clustering=hartigan:nInit=3');
    expect(asked.map(({ algorithm, nInit }) => [algorithm, nInit])).toEqual([
      ['lloyd', 1],
      ['hartigan', 3],
    ]);
    for (const { data } of asked) expect(data).toBe(pool.source);
  });

  test.each([
    ['clustering=hartigan:diversify=norm', /^expected cluster, which clustering is for, for diversify/],
    ['nInit=2:weights=flip-cap', /^expected none, which nInit needs, for weights/],
    ['clustering=elkan', /^expected one of lloyd, hartigan for clustering/],
  ])('refuses %s', async (options, message) => {
    await fails(() => run(`alfa-mix:${options}`), 'INVALID_ARGUMENT', message);
  });
});
