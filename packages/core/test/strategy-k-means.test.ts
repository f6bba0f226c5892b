import { beforeAll, describe, expect, test } from 'vitest';
import { Pool, select } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { budgetsOf, oddPools } from './support/odd-pools.js';
import { distance2 } from './support/oracle.js';
import { survivesDegenerateCases } from './support/strategy-cases.js';

let kernels: Kernels[] = [];
beforeAll(async () => {
  kernels = await everyKernels();
});
const rowsOf = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);
const { pool } = goldenCase(digitsEntries[0]);

describe('k-means', () => {
  test.each(['k-means', 'k-means:normalize=yes'])(
    '%s: each cluster’s member nearest the center',
    async (strategy) => {
      const picked: number[][] = [];
      for (const each of kernels) {
        const result = await select({ pool, budget: 30, strategy, kernels: each, seed: 2, exclude: [3, 4] });
        const { dim } = pool;
        const rows = Array.from(result.clusters!.rows);
        const gathered = await pool.gather(rows);
        const data = strategy.includes('yes')
          ? await each.normalizeRows({ data: gathered, rows: rows.length, dim })
          : gathered;
        const { labels, centers } = await each.kmeans({
          data,
          rows: rows.length,
          dim,
          clusters: 30,
          seed: 2,
        });
        expect(result.clusters!.labels).toEqual(labels);
        const expected = Array.from({ length: 30 }, (_, k) => {
          const members = [...rows.keys()].filter((i) => labels[i] === k);
          const distances = members.map((i) => distance2(data, i, centers, k, dim));
          const slack = 1e-5 * Math.max(...distances);
          const nearest = members.filter((_m, i) => distances[i] <= Math.min(...distances) + slack);
          return { rows: nearest.map((i) => rows[i]), size: members.length };
        });
        for (const { row, cluster, clusterSize } of result.picks) {
          expect(expected[cluster!].rows).toContain(row);
          expect(clusterSize).toBe(expected[cluster!].size);
        }
        expect(new Set(result.picks.map(({ cluster }) => cluster)).size).toBe(30);
        for (let i = 1; i < 30; i++) {
          const [a, b] = [result.picks[i - 1], result.picks[i]];
          expect(b.clusterSize! - a.clusterSize! || a.row - b.row).toBeLessThan(0);
        }
        expect(result.head).toBeUndefined();
        picked.push(rowsOf(result));
      }
      for (const rows of picked) expect(rows).toEqual(picked[0]);
    },
  );

  test.each([1e-3, 1, 1e4])(
    'rows of scale %d: equals are told apart by distance, not by a fixed tolerance',
    async (scale) => {
      // Two groups of three rows on a line: the middle row is the nearest to the mean, and isn't the lowest.
      const line = [0, 2.1, 1, 50, 53.9, 52];
      const data = Float32Array.from(line, (x) => x * scale);
      for (const each of kernels) {
        const result = await select({
          pool: Pool.fromArray(data, { rows: 6, dim: 1 }),
          budget: 2,
          strategy: 'k-means',
          kernels: each,
        });
        expect(rowsOf(result).sort()).toEqual([2, 5]);
      }
    },
  );

  test.each(oddPools)('$name: B different rows, the same for any threads', async (odd) => {
    for (const budget of budgetsOf(odd)) {
      const run = async (threads?: number) =>
        rowsOf(await select({ pool: odd.pool, budget, strategy: 'k-means', threads, seed: 4 }));
      const first = await run();
      expect(new Set(first).size).toBe(budget);
      expect(await run(1)).toEqual(first);
    }
  });

  test('fewer different rows than clusters are filled up, and said so', async () => {
    const four = oddPools.find(({ name }) => name.startsWith('four'))!;
    const { picks, stats } = await select({ pool: four.pool, budget: 9, strategy: 'k-means' });
    const kinds = new Set(picks.filter(({ filled }) => !filled).map(({ row }) => row % 4));
    expect(kinds.size).toBe(4);
    expect(stats.filled).toBe(5);
    expect(stats.notes).toEqual(['5 of 9 picks were filled at random: some clusters were empty']);
  });

  test('names a bad row as the pool’s', async () => {
    const data = new Float32Array(20).map((_, i) => i);
    data[13] = Number.NaN;
    const bad = Pool.fromArray(data, { rows: 10, dim: 2 });
    await fails(
      () => select({ pool: bad, budget: 2, strategy: 'k-means', exclude: [0] }),
      'NON_FINITE',
      /row 6 of the pool/,
    );
  });
});

test.each(['k-means', 'k-means:normalize=yes'])(
  '%s on degenerate pools, labels and heads',
  async (strategy) => {
    await survivesDegenerateCases(strategy);
  },
);
