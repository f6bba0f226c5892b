import { beforeAll, describe, expect, test } from 'vitest';
import { Pool, Rng, score, select } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { averageLinkage, pairIndex } from '../src/strategies/average-linkage.js';
import { pairDistances } from '../src/strategies/pair-distances.js';
import { fails } from './support/files.js';
import { noise, uniform } from './support/flip-job.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { budgetsOf, oddPools } from './support/odd-pools.js';
import { distance2 } from './support/oracle.js';
import { survivesDegenerateCases } from './support/strategy-cases.js';

let kernels: Kernels[] = [];
beforeAll(async () => {
  kernels = await everyKernels();
});
const rowsOf = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

/** Joins the two clusters of the smallest mean distance until `clusters` are left: O(n³), from all pairs each time. */
function linkSlowly(distance: (i: number, j: number) => number, rows: number, clusters: number): number[] {
  let groups = Array.from({ length: rows }, (_, i) => [i]);
  while (groups.length > clusters) {
    let best = Number.POSITIVE_INFINITY;
    let pair = [0, 1];
    for (let a = 0; a < groups.length; a++) {
      for (let b = a + 1; b < groups.length; b++) {
        let sum = 0;
        for (const i of groups[a]) for (const j of groups[b]) sum += distance(i, j);
        const mean = sum / (groups[a].length * groups[b].length);
        if (mean < best) {
          best = mean;
          pair = [a, b];
        }
      }
    }
    groups[pair[0]].push(...groups[pair[1]]);
    groups = groups.filter((_, i) => i !== pair[1]);
  }
  groups.sort((a, b) => Math.min(...a) - Math.min(...b));
  return Array.from({ length: rows }, (_, i) => groups.findIndex((group) => group.includes(i)));
}

describe('average linkage', () => {
  test.each([
    [1, 40, 3],
    [2, 60, 2],
    [3, 25, 8],
  ])('case %i: the clusters of the naive way, at every cut', async (seed, rows, dim) => {
    const next = uniform(seed);
    const data = Float32Array.from({ length: rows * dim }, () => next());
    const distance = (i: number, j: number) => Math.fround(Math.sqrt(distance2(data, i, data, j, dim)));
    for (let clusters = 1; clusters <= rows; clusters += 3) {
      const distances = new Float32Array((rows * (rows - 1)) / 2);
      for (let i = 0; i < rows; i++)
        for (let j = i + 1; j < rows; j++) distances[pairIndex(i, j, rows)] = distance(i, j);
      const labels = await averageLinkage(distances, rows, clusters);
      expect([...labels]).toEqual(linkSlowly(distance, rows, clusters));
    }
  });

  test('ties: any number of clusters, each row in one', async () => {
    for (const clusters of [1, 4, 7, 12]) {
      const labels = await averageLinkage(new Float32Array(66).fill(1), 12, clusters);
      expect(new Set(labels).size).toBe(clusters);
      expect(Math.max(...labels)).toBe(clusters - 1);
    }
  });

  test('3,000 rows within seconds', { timeout: 20_000 }, async () => {
    const labels = await averageLinkage(noise((3000 * 2999) / 2), 3000, 100);
    expect(new Set(labels).size).toBe(100);
  });
});

test.each([0, 1000])('pair distances, rows at %d from the origin', async (offset) => {
  const [rows, dim] = [70, 9];
  const data = noise(rows * dim, offset);
  data.copyWithin(5 * dim, 2 * dim, 3 * dim);
  data[6 * dim] = data[0] + 1e-3;
  for (const each of kernels) {
    const distances = await pairDistances(each, data, rows, dim);
    for (let i = 0; i < rows; i++) {
      for (let j = i + 1; j < rows; j++) {
        const exact = Math.sqrt(distance2(data, i, data, j, dim));
        expect(Math.abs(distances[pairIndex(i, j, rows)] - exact)).toBeLessThanOrEqual(1e-3 * exact);
      }
    }
  }
});

describe('cluster-margin', () => {
  test.each(digitsEntries)('$name: one row of each cluster, the smallest first', async (entry) => {
    const { pool, labeled, head } = goldenCase(entry);
    const data = pool.source as Float32Array;
    const { margin } = await score({ pool, labeled, head, backend: 'js' });
    const budget = 20;
    const least = [...margin.keys()].sort((a, b) => margin[a] - margin[b] || a - b).slice(0, 6 * budget);
    const rows = least.sort((a, b) => a - b);
    const labels = linkSlowly(
      (i, j) => Math.sqrt(distance2(data, rows[i], data, rows[j], pool.dim)),
      rows.length,
      budget,
    );
    const rng = new Rng(7);
    const expected = Array.from({ length: budget }, (_, k) => rows.filter((_row, i) => labels[i] === k))
      .sort((a, b) => a.length - b.length)
      .map((own) => ({ row: own[rng.below(own.length)], size: own.length }));
    for (const each of kernels) {
      const strategy = 'cluster-margin:factor=6';
      const result = await select({ pool, head, budget, strategy, seed: 7, kernels: each });
      expect(result.picks.map(({ row, clusterSize }) => ({ row, size: clusterSize }))).toEqual(expected);
      expect(result.candidates).toBe(120);
      expect(Array.from(result.clusters!.rows)).toEqual(rows);
      expect([...result.clusters!.labels]).toEqual(labels);
    }
  });

  test('factor 1, or a budget of all rows, is margin', async () => {
    const { pool, head } = goldenCase(digitsEntries[0]);
    const run = async (strategy: string, budget: number) =>
      rowsOf(await select({ pool, head, budget, strategy }));
    expect(await run('cluster-margin:factor=1', 50)).toEqual(await run('margin', 50));
    expect(await run('cluster-margin', pool.rows)).toEqual(await run('margin', pool.rows));
  });

  test.each(oddPools)('$name: B different rows, the same for any threads', async ({ name: _, ...odd }) => {
    for (const budget of budgetsOf(odd)) {
      const run = async (threads?: number) =>
        rowsOf(await select({ ...odd, budget, strategy: 'cluster-margin', threads, seed: 4 }));
      const first = await run();
      expect(new Set(first).size).toBe(budget);
      expect(await run(1)).toEqual(first);
    }
  });

  test('more rows than are clustered: said so', async () => {
    const { head } = oddPools[0];
    const pool = Pool.fromArray(noise(5 * 1010), { rows: 1010, dim: 5 });
    const strategy = 'cluster-margin:most=300';
    const few = await select({ pool, head, budget: 101, strategy });
    expect(few.stats.notes).toEqual(['300 rows of the smallest margins were clustered, not 1010']);
    expect(new Set(rowsOf(few)).size).toBe(101);
    const many = await select({ pool, head, budget: 305, strategy });
    expect(many.stats.notes).toEqual(["a budget above 300 rows is not clustered: margin's picks"]);
    const margins = await select({ pool, head, budget: 305, strategy: 'margin' });
    expect(rowsOf(many)).toEqual(rowsOf(margins));
  });

  test('needs a head, or labels to fit one', async () => {
    const [{ pool }] = oddPools;
    await fails(
      () => select({ pool, budget: 2, strategy: 'cluster-margin' }),
      'INVALID_ARGUMENT',
      /^expected a head, or labels to fit one, which strategy cluster-margin needs, for head/,
    );
  });

  test('an abort while clustering', async () => {
    const [{ head }] = oddPools;
    const pool = Pool.fromArray(noise(5 * 4000), { rows: 4000, dim: 5 });
    for (const stage of ['distances', 'cluster']) {
      const controller = new AbortController();
      const run = select({
        pool,
        head,
        budget: 400,
        strategy: 'cluster-margin',
        signal: controller.signal,
        onProgress: (now, done, total) => {
          expect(done).toBeLessThanOrEqual(total);
          if (now === stage) controller.abort(stage);
        },
      });
      expect((await fails(() => run, 'ABORTED', /aborted/)).cause).toBe(stage);
    }
  });
});

test.each(['cluster-margin', 'cluster-margin:factor=2'])(
  '%s on degenerate pools, labels and heads',
  async (strategy) => {
    await survivesDegenerateCases(strategy);
  },
);
