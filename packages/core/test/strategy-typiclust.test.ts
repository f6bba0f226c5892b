import { beforeAll, describe, expect, test } from 'vitest';
import { LabeledSet, Pool, type SelectArgs, select } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails } from './support/files.js';
import { uniform } from './support/flip-job.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { budgetsOf, oddPools } from './support/odd-pools.js';
import { distance2 } from './support/oracle.js';
import { survivesDegenerateCases } from './support/strategy-cases.js';

let kernels: Kernels[] = [];
beforeAll(async () => {
  kernels = await everyKernels();
});
const rowsOf = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);
const digits = goldenCase(digitsEntries[0]);

/** The strategy, slowly: only k-means and the division by the norm are the kernels'. */
async function pickSlowly(
  { pool, labeled, budget, exclude = [], seed = 0 }: SelectArgs,
  kernel: Kernels,
  most = 500,
): Promise<number[]> {
  const { dim } = pool;
  const taken = new Set([...Array.from(exclude), ...(labeled?.poolRows ?? [])]);
  const open = Array.from({ length: pool.rows }, (_, i) => i).filter((i) => !taken.has(i));
  const known = labeled?.rows ?? 0;
  const gathered = Float32Array.from([...(labeled?.embeddings ?? []), ...(await pool.gather(open))]);
  const rows = known + open.length;
  const data = await kernel.normalizeRows({ data: gathered, rows, dim });
  const clusters = Math.min(known + budget, most, rows);
  const { labels } = await kernel.kmeans({ data, rows, dim, clusters, seed });
  const members = Array.from({ length: clusters }, (_, k) =>
    [...labels.keys()].filter((i) => labels[i] === k),
  );
  const covered = members.map((own) => own.filter((i) => i < known).length);
  const picks: number[] = [];
  const picked = new Set<number>();
  const typicality = (i: number, own: number[]) => {
    const distances = own.filter((j) => j !== i).map((j) => Math.sqrt(distance2(data, i, data, j, dim)));
    const nearest = distances.sort((a, b) => a - b).slice(0, 20);
    return nearest.reduce((sum, d) => sum + d, 0) / Math.max(1, nearest.length);
  };
  while (picks.length < budget) {
    const left = (k: number) => members[k].filter((i) => i >= known && !picked.has(i));
    const [best] = [...members.keys()]
      .filter((k) => left(k).length > 0)
      .sort(
        (a, b) =>
          Number(members[a].length < 5) - Number(members[b].length < 5) ||
          covered[a] - covered[b] ||
          members[b].length - members[a].length ||
          a - b,
      );
    const choice = left(best)
      .map((i) => ({ i, mean: typicality(i, members[best]) }))
      .sort((a, b) => a.mean - b.mean || a.i - b.i)[0].i;
    picked.add(choice);
    covered[best]++;
    picks.push(open[choice - known]);
  }
  return picks;
}

describe('typiclust', () => {
  const fromPool = () => LabeledSet.fromPool(digits.pool, { rows: [5, 77, 900], labels: [0, 1, 2] });

  test('the first labels of all: as picked slowly, on every backend', async () => {
    const args = { pool: digits.pool, budget: 25, seed: 3 };
    const picked: number[][] = [];
    for (const each of kernels) {
      const result = await select({ ...args, strategy: 'typiclust', kernels: each });
      expect(rowsOf(result)).toEqual(await pickSlowly(args, each));
      expect(result.head).toBeUndefined();
      for (const { row, cluster, clusterSize } of result.picks) {
        const { rows, labels } = result.clusters!;
        expect(labels[Array.from(rows).indexOf(row)]).toBe(cluster);
        expect([...labels].filter((label) => label === cluster).length).toBe(clusterSize);
      }
      picked.push(rowsOf(result));
    }
    for (const rows of picked) expect(rows).toEqual(picked[0]);
  });

  test('labels cover their clusters, of this pool or from elsewhere', async () => {
    for (const labeled of [await fromPool(), digits.labeled]) {
      const args = { pool: digits.pool, labeled, budget: 12, exclude: [0, 1] };
      const rows = rowsOf(await select({ ...args, strategy: 'typiclust', kernels: kernels[0] }));
      expect(rows).toEqual(await pickSlowly(args, kernels[0]));
      for (const row of [0, 1, ...(labeled.poolRows ?? [])]) expect(rows).not.toContain(row);
    }
    // One row labelled in the larger of two groups: the pick comes from the other.
    const next = uniform(8);
    const data = Float32Array.from({ length: 60 }, (_, p) => (p < 40 ? p % 2 : (p + 1) % 2) + 0.1 * next());
    const pool = Pool.fromArray(data, { rows: 30, dim: 2 });
    const labeled = await LabeledSet.fromPool(pool, { rows: [2], labels: [0] });
    const [first] = rowsOf(await select({ pool, labeled, budget: 1, strategy: 'typiclust' }));
    expect(first).toBeGreaterThanOrEqual(20);
  });

  test('more picks than clusters: the least covered first, most typical rows again', async () => {
    const args = { pool: digits.pool, labeled: digits.labeled, budget: 30 };
    const strategy = 'typiclust:clusters=7';
    const result = await select({ ...args, strategy, kernels: kernels[0] });
    expect(rowsOf(result)).toEqual(await pickSlowly(args, kernels[0], 7));
    expect(new Set(result.picks.map(({ cluster }) => cluster)).size).toBeLessThanOrEqual(7);
  });

  test('a cluster too large to compare all its rows', async () => {
    const next = uniform(5);
    const data = Float32Array.from({ length: 2 * 6000 }, (_, p) =>
      p % 2 === 0 ? 1 : 0.2 * (next() + next() + next() - 1.5),
    );
    const pool = Pool.fromArray(data, { rows: 6000, dim: 2 });
    const [row] = rowsOf(await select({ pool, budget: 1, strategy: 'typiclust', seed: 1 }));
    // The angle's density has its peak at 0.
    expect(Math.abs(data[2 * row + 1])).toBeLessThan(0.06);
  });

  test.each(oddPools)('$name: B different rows, as picked slowly', async (odd) => {
    for (const budget of budgetsOf(odd)) {
      for (const labeled of [undefined, odd.labeled]) {
        const args = { pool: odd.pool, labeled, budget, seed: 6 };
        const rows = rowsOf(await select({ ...args, strategy: 'typiclust' }));
        expect(new Set(rows).size).toBe(budget);
        expect(rowsOf(await select({ ...args, strategy: 'typiclust', threads: 1 }))).toEqual(rows);
        const kernel = kernels.at(-1)!;
        expect(rowsOf(await select({ ...args, strategy: 'typiclust', kernels: kernel }))).toEqual(
          await pickSlowly(args, kernel),
        );
      }
    }
  });

  test('names a bad row as the pool’s', async () => {
    const data = new Float32Array(20).map((_, i) => i);
    data[13] = Number.NaN;
    const pool = Pool.fromArray(data, { rows: 10, dim: 2 });
    const labeled = LabeledSet.from({ embeddings: [[1, 2]], labels: [0] });
    const args = { pool, labeled, budget: 2, strategy: 'typiclust', exclude: [0] };
    await fails(() => select(args), 'NON_FINITE', /row 6 of the pool/);
  });
});

test.each(['typiclust', 'typiclust:clusters=2'])(
  '%s on degenerate pools, labels and heads',
  async (strategy) => {
    await survivesDegenerateCases(strategy);
  },
);
