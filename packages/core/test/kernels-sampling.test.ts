import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails } from './support/files.js';
import { noise, uniform } from './support/flip-job.js';
import { everyKernels, goldenIndex } from './support/golden-cases.js';
import { goldenFile } from './support/golden-tensors.js';
import { distance2 } from './support/oracle.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

const matrices = fc.record({
  rows: fc.integer({ min: 1, max: 60 }),
  dim: fc.integer({ min: 1, max: 20 }),
  distinct: fc.constantFrom(1, 3, 60),
  seed: fc.integer({ min: 0, max: 1 << 30 }),
});

function matrix(rows: number, dim: number, distinct: number, seed: number): Float32Array {
  const next = uniform(seed);
  // Quarters: distances are exact in double, so ties are ties in any order of summing.
  const data = Float32Array.from({ length: rows * dim }, () => Math.round(16 * (next() - 0.5)) / 4);
  for (let i = distinct; i < rows; i++)
    data.copyWithin(i * dim, (i % distinct) * dim, ((i % distinct) + 1) * dim);
  return data;
}

describe('kCenterGreedy', () => {
  test.each(goldenIndex.filter(({ name }) => name.startsWith('digits-')).map(({ name }) => name))(
    'expect_coreset_order of %s',
    async (name) => {
      const { n: rows, d: dim } = goldenIndex.find((entry) => entry.name === name)!;
      const file = goldenFile(name);
      const args = { data: file.f32('unlabeled'), rows, dim, centers: file.f32('labeled'), budget: 50 };
      for (const kernels of makers) {
        const { rows: picks } = await kernels.kCenterGreedy(args);
        expect(Array.from(picks), kernels.level).toEqual(Array.from(file.ints('expect_coreset_order')));
      }
    },
  );

  test('every pick is the farthest row, the lowest on a tie; everywhere the same, whatever the threads', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.integer({ min: 0, max: 5 }), async (shape, given) => {
        const { rows, dim, distinct, seed } = shape;
        const data = matrix(rows, dim, distinct, seed);
        const centers = matrix(given, dim, given, seed + 1);
        const budget = 1 + (seed % rows);
        const nearest = Array.from({ length: rows }, (_, i) =>
          Math.min(
            Number.POSITIVE_INFINITY,
            ...Array.from({ length: given }, (_, c) => distance2(data, i, centers, c, dim)),
          ),
        );
        const picks: number[] = [];
        const at: number[] = [];
        for (let p = 0; p < budget; p++) {
          let best = -1;
          for (let i = 0; i < rows; i++) {
            if (!picks.includes(i) && (best < 0 || nearest[i] > nearest[best])) best = i;
          }
          picks.push(best);
          at.push(nearest[best]);
          for (let i = 0; i < rows; i++)
            nearest[i] = Math.min(nearest[i], distance2(data, i, data, best, dim));
        }
        for (const kernels of makers) {
          const found = await kernels.kCenterGreedy({
            data,
            rows,
            dim,
            centers,
            budget,
            threads: 1 + (seed % 4),
          });
          expect(Array.from(found.rows), kernels.level).toEqual(picks);
          expect(Array.from(found.distance2), kernels.level).toEqual(at);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('many rows and threads: the same bytes', async () => {
    const [rows, dim] = [5000, 24];
    const args = { data: noise(rows * dim), rows, dim, centers: noise(7 * dim, 1), budget: 60 };
    const expected = await makers[0].kCenterGreedy(args);
    for (const kernels of makers.slice(1)) {
      for (const threads of [1, 2, 5])
        expect(await kernels.kCenterGreedy({ ...args, threads }), kernels.level).toEqual(expected);
    }
  });

  test('bad arguments', async () => {
    const args = { data: Float32Array.of(1, 2, 3, 4), rows: 2, dim: 2, budget: 1 };
    for (const kernels of makers) {
      await fails(
        () => kernels.kCenterGreedy({ ...args, budget: 3 }),
        'INVALID_ARGUMENT',
        /1 to 2 for budget/,
      );
      await fails(
        () => kernels.kCenterGreedy({ ...args, centers: new Float32Array(3) }),
        'SHAPE_MISMATCH',
        /multiple of dim 2 values for centers/,
      );
      const data = Float32Array.of(1, 2, 3, Number.POSITIVE_INFINITY);
      await fails(() => kernels.kCenterGreedy({ ...args, data }), 'NON_FINITE', /row 1$/);
    }
  });
});

describe('kmeansPlusPlus', () => {
  test('different rows, the same on every backend, with their distances', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.integer({ min: 0, max: 4 }), async (shape, factorDim) => {
        const { rows, dim, distinct, seed } = shape;
        const data = matrix(rows, dim, distinct, seed);
        const clusters = 1 + (seed % rows);
        const factors = factorDim > 0 ? matrix(rows, factorDim, distinct, seed + 1) : undefined;
        const first = seed % 2 ? 'largest-norm' : 'uniform';
        const args = {
          data,
          rows,
          dim,
          clusters,
          seed,
          first,
          ...(factors && { factors, factorDim }),
        } as const;
        const found = await makers[0].kmeansPlusPlus(args);
        expect(new Set(found.rows).size).toBe(clusters);
        // The outer products, formed: what the factorised kernel may not do.
        const wide = Math.max(1, factorDim) * dim;
        const points = factors
          ? Float64Array.from({ length: rows * wide }, (_, at) => {
              const [i, rest] = [Math.floor(at / wide), at % wide];
              return factors[i * factorDim + Math.floor(rest / dim)] * data[i * dim + (rest % dim)];
            })
          : data;
        const zero = new Float64Array(wide);
        if (first === 'largest-norm') {
          const norms = Array.from({ length: rows }, (_, i) => distance2(points, i, zero, 0, wide));
          expect(found.rows[0]).toBe(norms.indexOf(Math.max(...norms)));
        }
        for (let p = 0; p < clusters; p++) {
          const before = Array.from(found.rows.subarray(0, p), (row) =>
            distance2(points, found.rows[p], points, row, wide),
          );
          const exact = Math.min(Number.POSITIVE_INFINITY, ...before);
          if (exact === Number.POSITIVE_INFINITY) expect(found.distance2[p]).toBe(exact);
          else expect(Math.abs(found.distance2[p] - exact)).toBeLessThanOrEqual(1e-9 * (1 + exact));
        }
        for (const kernels of makers.slice(1)) {
          expect(await kernels.kmeansPlusPlus({ ...args, threads: 1 + (seed % 3) }), kernels.level).toEqual(
            found,
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  // The law itself: five rows on a line, K = 3, against the D² probabilities worked out by hand; 4,000 seeds. The
  // bound is 5 standard deviations of a share.
  test('draws by D²', async () => {
    const data = Float32Array.of(0, 1, 3, 7, 7.5);
    const runs = 4000;
    const chance = new Map<string, number>();
    const walk = (picked: number[], probability: number): void => {
      if (picked.length === 3) {
        chance.set(picked.join(), probability);
        return;
      }
      const weights = Array.from(data, (x) => Math.min(...picked.map((p) => (x - data[p]) ** 2)));
      const total = weights.reduce((a, b) => a + b);
      weights.forEach((w, i) => {
        if (w > 0) walk([...picked, i], (probability * w) / total);
      });
    };
    for (let i = 0; i < data.length; i++) walk([i], 1 / data.length);
    const counts = new Map<string, number>();
    const js = makers[0];
    for (let seed = 0; seed < runs; seed++) {
      const { rows } = await js.kmeansPlusPlus({ data, rows: 5, dim: 1, clusters: 3, seed });
      counts.set(rows.join(), (counts.get(rows.join()) ?? 0) + 1);
    }
    expect([...counts.keys()].every((key) => chance.has(key))).toBe(true);
    for (const [key, p] of chance) {
      const deviation = Math.sqrt((p * (1 - p)) / runs);
      expect(Math.abs((counts.get(key) ?? 0) / runs - p), key).toBeLessThanOrEqual(5 * deviation);
    }
  });

  test('more rows than distinct points: the rest is drawn from what is left', async () => {
    const args = { data: Float32Array.of(1, 1, 1, 1), rows: 4, dim: 1, clusters: 4 };
    for (const kernels of makers) {
      const { rows } = await kernels.kmeansPlusPlus(args);
      expect(Array.from(rows).sort()).toEqual([0, 1, 2, 3]);
    }
  });

  test('many rows and threads: the same bytes', async () => {
    const [rows, dim] = [6000, 20];
    const args = { data: noise(rows * dim), rows, dim, clusters: 100, seed: 5 };
    const expected = await makers[0].kmeansPlusPlus(args);
    for (const kernels of makers.slice(1)) {
      for (const threads of [1, 2, 5])
        expect(await kernels.kmeansPlusPlus({ ...args, threads }), kernels.level).toEqual(expected);
    }
  });

  test('bad arguments', async () => {
    const args = { data: Float32Array.of(1, 2, 3, 4), rows: 2, dim: 2, clusters: 1 };
    for (const kernels of makers) {
      await fails(() => kernels.kmeansPlusPlus({ ...args, clusters: 3 }), 'INVALID_ARGUMENT', /for clusters/);
      await fails(
        () => kernels.kmeansPlusPlus({ ...args, factors: new Float32Array(2) }),
        'INVALID_ARGUMENT',
        /for factorDim/,
      );
      await fails(
        () => kernels.kmeansPlusPlus({ ...args, first: 'last' as never }),
        'INVALID_ARGUMENT',
        /uniform or largest-norm for first, got "last"$/,
      );
      const factors = Float32Array.of(1, Number.NaN);
      await fails(() => kernels.kmeansPlusPlus({ ...args, factors, factorDim: 1 }), 'NON_FINITE', /row 1$/);
    }
  });
});
