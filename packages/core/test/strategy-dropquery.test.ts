import { describe, expect, test } from 'vitest';
import { getStrategy, LinearHead, Pool, Rng, select } from '../src/index.js';
import { dropOut } from '../src/strategies/dropout.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { distance2, predict } from './support/oracle.js';
import { rowsOf, survivesDegenerateCases } from './support/strategy-cases.js';

const picked = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

/** How often each row's prediction changes under the masks that the seed draws, pass by pass. */
function changesOf(pool: Pool, head: LinearHead, passes: number, rate: number, rng: Rng): number[] {
  const { rows, dim } = pool;
  const input = { ...head, anchors: new Float32Array(0) };
  const data = pool.source as Float32Array;
  const changes = new Array<number>(rows).fill(0);
  for (let pass = 0; pass < passes; pass++) {
    for (let i = 0; i < rows; i++) {
      const z = data.slice(i * dim, (i + 1) * dim);
      const before = predict(input, z);
      dropOut(z, 0, dim, rate, rng);
      if (predict(input, z) !== before) changes[i]++;
    }
  }
  return changes;
}

function unitRows(pool: Pool, rows: ArrayLike<number>): Float64Array {
  const data = pool.source as Float32Array;
  return Float64Array.from(
    Array.from(rows, (row) => {
      const z = data.subarray(row * pool.dim, (row + 1) * pool.dim);
      const norm = Math.hypot(...z);
      return Array.from(z, (x) => x / norm);
    }).flat(),
  );
}

describe('dropquery', () => {
  test.each(digitsEntries.map((entry) => [entry.name, entry] as const))(
    '%s: rows that change in most passes, one from each cluster',
    async (_, entry) => {
      const { pool, head } = goldenCase(entry);
      for (const [strategy, passes, rate] of [
        ['dropquery', 3, 0.75],
        ['dropquery:passes=6:dropout=0.5', 6, 0.5],
      ] as const) {
        const changes = changesOf(pool, head, passes, rate, new Rng(2));
        const candidates = [...changes.keys()].filter((row) => changes[row] > passes / 2);
        expect(candidates.length).toBeGreaterThan(40);
        let first: number[] | undefined;
        for (const kernels of await everyKernels()) {
          const result = await select({ pool, head, budget: 40, strategy, kernels, seed: 2 });
          const at = `${strategy}, ${kernels.level}`;
          expect(Array.from(result.clusters?.rows ?? []), at).toEqual(candidates);
          expect(result.candidates).toBe(candidates.length);
          expect(result.stats.filled).toBe(0);
          first ??= picked(result);
          expect(picked(result), at).toEqual(first);

          // Each pick is its cluster's member nearest the mean of the cluster; the largest cluster first.
          const { labels } = result.clusters!;
          const points = unitRows(pool, candidates);
          for (const { row, cluster, clusterSize } of result.picks) {
            const members = [...labels.keys()].filter((i) => labels[i] === cluster);
            expect(members.length).toBe(clusterSize);
            const mean = Float64Array.from({ length: pool.dim }, (_value, j) =>
              members.reduce((sum, i) => sum + points[i * pool.dim + j] / members.length, 0),
            );
            const distances = members.map((i) => distance2(points, i, mean, 0, pool.dim));
            const own = distances[members.indexOf(candidates.indexOf(row))];
            expect(own - Math.min(...distances), at).toBeLessThan(1e-4);
          }
          const sizes = result.picks.map(({ clusterSize }) => clusterSize ?? 0);
          expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
          expect(result.picks[0].pseudoLabel).toBeDefined();
        }
      }
    },
  );

  test('too few candidates: all of them, the most often changed first, then rows at random', async () => {
    const { pool, head } = goldenCase(digitsEntries[0]);
    const strategy = 'dropquery:passes=5:dropout=0.75';
    const rng = new Rng(11);
    const changes = changesOf(pool, head, 5, 0.75, rng);
    const candidates = [...changes.keys()]
      .filter((row) => changes[row] > 2.5)
      .sort((a, b) => changes[b] - changes[a] || a - b);
    const left = [...changes.keys()].filter((row) => !candidates.includes(row));
    const budget = candidates.length + 25;
    const filled = rng.sample(left.length, 25).map((i) => left[i]);
    for (const kernels of await everyKernels()) {
      const result = await select({ pool, head, budget, strategy, kernels, seed: 11 });
      expect(picked(result), kernels.level).toEqual([...candidates, ...filled]);
      expect(result.stats.filled).toBe(25);
      expect(result.clusters).toBeUndefined();
      expect(result.stats.notes).toEqual([
        `25 of ${budget} picks were filled at random: only ${candidates.length} rows are candidates`,
      ]);
    }
  });

  test('duplicates give fewer clusters than the budget: the rest is drawn at random', async () => {
    const pool = Pool.fromArray(rowsOf(300, 6, 4), { rows: 300, dim: 6 });
    const head = LinearHead.from({ weight: rowsOf(3, 6, 3, 2), classes: 3, dim: 6 });
    for (const kernels of await everyKernels()) {
      const result = await select({ pool, head, budget: 20, strategy: 'dropquery', kernels });
      expect(new Set(picked(result)).size).toBe(20);
      expect(result.candidates).toBeGreaterThan(20);
      expect(result.stats.filled).toBeGreaterThanOrEqual(16);
      expect(result.stats.notes).toEqual([
        `${result.stats.filled} of 20 picks were filled at random: some clusters were empty`,
      ]);
    }
  });

  test('degenerate pools, labels and heads', () => survivesDegenerateCases('dropquery'));

  test('what it needs, and its options', async () => {
    const pool = Pool.fromArray(rowsOf(4, 2), { rows: 4, dim: 2 });
    await fails(
      () => select({ pool, budget: 1, strategy: 'dropquery' }),
      'INVALID_ARGUMENT',
      /^expected a head, or labels to fit one, which strategy dropquery needs,/,
    );
    await fails(
      () => getStrategy('dropquery:rho=0.5'),
      'INVALID_ARGUMENT',
      /^expected one of passes, dropout/,
    );
  });
});
