import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeSafetensors } from '../src/formats/safetensors-writer.js';
import { type Context, LabeledSet, LinearHead, Pool, Rng, type SelectArgs, select } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails, testFolder } from './support/files.js';
import { digitsEntries, everyKernels, type GoldenEntry, goldenCase } from './support/golden-cases.js';

const folder = testFolder();
const [relu] = digitsEntries;
let kernels: Kernels[] = [];
beforeAll(async () => {
  kernels = await everyKernels();
});

const rowsOf = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

/** Candidates by exact arithmetic; they are the reference's but where index.json says that the reference is off. */
function exactCounts(entry: GoldenEntry): number[] {
  const caps = goldenCase(entry).tensors.f64('expect_flip_cap');
  return [0.2, 0.4, 0.6, 0.8, 1].map((cap) => caps.filter((flipCap) => flipCap < cap).length);
}

describe('select by alfa-mix', () => {
  test.each(digitsEntries)('$name: candidates as the reference, the same picks everywhere', async (entry) => {
    const { pool, labeled, head } = goldenCase(entry);
    const budget = entry.budget ?? 0;
    const picked: number[][] = [];
    for (const each of kernels) {
      const result = await select({ pool, labeled, head, budget, kernels: each });
      const counts = result.stats.candidatesPerCap.map(({ count }) => count);
      expect(result.stats.candidatesPerCap.map(({ cap }) => cap)).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
      expect(counts).toEqual(exactCounts(entry));
      entry.reference_candidates_per_cap?.forEach((count, i) => {
        const off = entry.oracle_vs_reference_mismatch_per_cap?.[i] ?? 0;
        expect(Math.abs(counts[i] - count)).toBeLessThanOrEqual(off);
      });
      if (entry.reference_stop_cap) expect(result.capUsed).toBe(entry.reference_stop_cap);
      expect(result.candidates).toBe(
        result.stats.candidatesPerCap.find(({ cap }) => cap === result.capUsed)?.count,
      );
      expect(new Set(rowsOf(result)).size).toBe(budget);
      expect(result.picks.every(({ flipCap = 9 }) => flipCap < (result.capUsed ?? 0))).toBe(true);
      picked.push(rowsOf(result));
    }
    for (const rows of picked) expect(rows).toEqual(picked[0]);
  });

  test('ranks: largest cluster, then smallest flip cap, then lowest row', async () => {
    const { pool, labeled, head } = goldenCase(relu);
    const { picks, stats, candidates } = await select({ pool, labeled, head, budget: 60 });
    expect(picks.map(({ rank }) => rank)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    for (let i = 1; i < picks.length; i++) {
      const [a, b] = [picks[i - 1], picks[i]];
      const order =
        (b.clusterSize ?? 0) - (a.clusterSize ?? 0) || (a.flipCap ?? 0) - (b.flipCap ?? 0) || a.row - b.row;
      expect(order).toBeLessThan(0);
    }
    expect(new Set(picks.map(({ cluster }) => cluster)).size).toBe(60);
    expect(picks.reduce((sum, { clusterSize = 0 }) => sum + clusterSize, 0)).toBe(candidates);
    expect(stats.classCounts.reduce((a, b) => a + b)).toBe(60);
    expect(stats).toMatchObject({ filled: 0, notes: [], poolRows: 1450, excludedRows: 0 });
  });

  test('more budget than candidates: all of them, the rest at random, without repeats', async () => {
    const { pool, labeled, head } = goldenCase(relu);
    const all = exactCounts(relu)[4];
    const budget = all + 200;
    for (const each of kernels) {
      const result = await select({ pool, labeled, head, budget, kernels: each });
      expect([result.capUsed, result.candidates, result.stats.filled]).toEqual([1, all, 200]);
      expect(new Set(rowsOf(result)).size).toBe(budget);
      expect(result.picks.map(({ filled }) => filled)).toEqual(
        Array.from({ length: budget }, (_, i) => i >= all),
      );
      expect(result.stats.notes).toEqual([
        `200 of ${budget} picks were filled at random: only ${all} rows are candidates`,
      ]);
      expect(result.picks[0]).toMatchObject({ cluster: undefined, clusterSize: undefined });
      const caps = result.picks.slice(0, all).map(({ flipCap = 0 }) => flipCap);
      expect(caps).toEqual([...caps].sort((a, b) => a - b));
      const again = await select({ pool, labeled, head, budget, kernels: each });
      expect(rowsOf(again)).toEqual(rowsOf(result));
    }
  });

  test('no candidates, empty clusters, a whole pool', async () => {
    // Every row alike, and a head that cannot flip.
    const pool = Pool.fromArray(new Float32Array(40).fill(1), { rows: 20, dim: 2 });
    const labeled = LabeledSet.from({
      embeddings: [
        [0, 1],
        [1, 0],
      ],
      labels: [0, 1],
    });
    const flat = LinearHead.from({ weight: new Float32Array(4), classes: 2, dim: 2 });
    const none = await select({ pool, labeled, head: flat, budget: 7 });
    expect([none.candidates, none.stats.filled, new Set(rowsOf(none)).size]).toEqual([0, 7, 7]);
    expect(none.picks[0].flipCap).toBe(Number.POSITIVE_INFINITY);
    const steep = LinearHead.from({ weight: Float32Array.of(1, 0, 0, 1.001), classes: 2, dim: 2 });
    const alike = await select({ pool, labeled, head: steep, budget: 7, alphaCap: 5 });
    expect(alike.candidates).toBe(20);
    expect(new Set(rowsOf(alike)).size).toBe(7);
    expect(alike.stats.filled).toBe(6);
    expect(alike.stats.notes[0]).toBe('6 of 7 picks were filled at random: some clusters were empty');
    const whole = await select({ pool, labeled, head: steep, budget: 20 });
    expect(rowsOf(whole).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('maxCandidates keeps the lowest flip caps and says so', async () => {
    const { pool, labeled, head } = goldenCase(relu);
    const result = await select({ pool, labeled, head, budget: 50, maxCandidates: 80 });
    expect(result.stats.notes).toEqual([
      `80 of ${result.candidates} candidates were clustered, those with the lowest flip caps (maxCandidates)`,
    ]);
    const caps = [...goldenCase(relu).tensors.f64('expect_flip_cap')].sort((a, b) => a - b);
    for (const { flipCap = 9 } of result.picks) expect(flipCap).toBeLessThan(caps[80]);
    expect(result.picks.reduce((sum, { clusterSize = 0 }) => sum + clusterSize, 0)).toBe(80);
    const roomy = await select({ pool, labeled, head, budget: 50, maxCandidates: 5000 });
    expect(roomy.stats.notes).toEqual([]);
  });

  test('a tiny alpha cap and a large one', async () => {
    const { pool, labeled, head, tensors } = goldenCase(relu);
    const sorted = tensors.f64('expect_flip_cap').sort();
    const fine = await select({ pool, labeled, head, budget: 30, alphaCap: 1e-9 });
    expect(fine.candidates).toBe(31);
    expect(fine.capUsed).toBeCloseTo(sorted[30], 5);
    expect(fine.stats.candidatesPerCap).toHaveLength(64);
    const coarse = await select({ pool, labeled, head, budget: 30, alphaCap: 1e6 });
    expect(coarse.stats.candidatesPerCap).toEqual([
      { cap: 1e6, count: sorted.filter(Number.isFinite).length },
    ]);
  });

  test('what counts for nothing with a strategy is a note, whatever the budget', async () => {
    const { pool, labeled, head } = goldenCase(relu);
    const given = { pool, labeled, head, budget: 30, alphaCap: 0.5, maxCandidates: 3 };
    for (const strategy of ['margin', 'dropquery:passes=2']) {
      const { stats } = await select({ ...given, strategy });
      expect(stats.notes).toEqual([
        `alphaCap is not used: strategy ${strategy} has no ladder of alpha caps`,
        `maxCandidates is not used: strategy ${strategy} has no ladder of alpha caps`,
      ]);
    }
    const own = (context: Context) => context.available.subarray(0, context.budget);
    expect((await select({ ...given, maxCandidates: 30, strategy: own })).stats.notes).toEqual([]);
    await fails(() => select({ ...given, strategy: 'alfa-mix' }), 'INVALID_ARGUMENT', /of at least 30 for/);
  });

  test('the seed decides, alone', async () => {
    const { pool, labeled, head } = goldenCase(relu);
    const run = async (seed: number, threads?: number) =>
      rowsOf(await select({ pool, labeled, head, budget: 40, seed, threads }));
    const first = await run(1);
    expect(await run(1, 1)).toEqual(first);
    expect(await run(1, 5)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });
});

describe('select by any strategy', () => {
  const names = ['alfa-mix', 'random', 'least-confidence', 'margin', 'entropy'];

  test('picks B different rows, never an excluded or a labelled one', async () => {
    const { pool, head } = goldenCase(relu);
    const labeled = await LabeledSet.fromPool(pool, { rows: [1, 2, 3, 4], labels: [0, 1, 2, 3] });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.integer({ min: 1, max: 60 }),
        fc.uniqueArray(fc.nat(relu.n - 1), { maxLength: 1380 }),
        fc.nat(),
        async (strategy, budget, exclude, seed) => {
          const result = await select({ pool, labeled, head, budget, strategy, exclude, seed });
          const rows = rowsOf(result);
          expect(new Set(rows).size).toBe(budget);
          for (const row of [...exclude, 1, 2, 3, 4]) expect(rows).not.toContain(row);
          expect(result.stats.excludedRows).toBe(new Set([...exclude, 1, 2, 3, 4]).size);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a pool on disk gives the same picks', async () => {
    const { tensors, pool, labeled, head } = goldenCase(relu);
    const path = join(folder.path, 'pool.safetensors');
    const data = tensors.f32('unlabeled');
    await writeSafetensors(path, { emb: { dtype: 'F32', shape: [relu.n, relu.d], data } });
    using file = await Pool.open(path);
    for (const strategy of names) {
      const run = async (p: Pool) => rowsOf(await select({ pool: p, labeled, head, budget: 50, strategy }));
      expect(await run(file)).toEqual(await run(pool));
    }
  });

  test('the result: ids, timings, stages, backend, overlap', async () => {
    const { tensors, labeled } = goldenCase(relu);
    const ids = Array.from({ length: relu.n }, (_, i) => `img-${i}`);
    const pool = Pool.fromArray(tensors.f32('unlabeled'), { rows: relu.n, dim: 64, ids });
    const stages: string[] = [];
    const onProgress = (stage: string) => void (stages.at(-1) === stage || stages.push(stage));
    const result = await select({ pool, labeled, budget: 50, kernels: kernels[0], onProgress, seed: 3 });
    expect(result.picks[0].id).toBe(`img-${result.picks[0].row}`);
    expect(Object.keys(result.timings)).toEqual(['fit', 'score', 'normalize', 'cluster', 'nearest', 'total']);
    expect(Object.values(result.timings).every((ms) => ms >= 0)).toBe(true);
    expect(stages).toEqual(expect.arrayContaining(['fit', 'score', 'cluster']));
    expect(result.backend).toEqual({ name: 'js', level: 'js', threads: 1 });
    expect(result.stats.head).toBe(result.head?.fitted);
    const { head } = result;
    const picked = new Set(rowsOf(result));
    const common = async (strategy: string) =>
      rowsOf(
        await select({ pool, labeled, head, budget: 50, strategy, kernels: kernels[0], seed: 3 }),
      ).filter((row) => picked.has(row)).length;
    expect(result.stats.overlap).toEqual({ margin: await common('margin'), random: await common('random') });
  });

  test('a warning about the fitted head is among the notes', async () => {
    const rng = new Rng(0);
    const noise = (n: number) => Float32Array.from({ length: n }, () => rng.uniform());
    const pool = Pool.fromArray(noise(600), { rows: 100, dim: 6 });
    const labels = Array.from({ length: 80 }, () => rng.below(4));
    const labeled = LabeledSet.from({ embeddings: noise(480), labels });
    const { stats } = await select({ pool, labeled, budget: 5, strategy: 'margin' });
    expect(stats.notes).toEqual([expect.stringMatching(/does not beat the most frequent class/)]);
  });

  test('an abort between and inside stages', async () => {
    const { pool, labeled } = goldenCase(relu);
    for (const stage of ['fit', 'score', 'cluster']) {
      const controller = new AbortController();
      const run = select({
        pool,
        labeled,
        budget: 50,
        kernels: kernels[0],
        signal: controller.signal,
        onProgress: (now) => now === stage && controller.abort(stage),
      });
      const error = await fails(() => run, 'ABORTED', /aborted/);
      expect(error.cause).toBe(stage);
    }
  });

  const parts = { ...goldenCase(relu), budget: 10 };
  test.each<[string, object, string, RegExp]>([
    ['budget 0', { budget: 0 }, 'INVALID_ARGUMENT', /^expected a positive integer for budget, got 0$/],
    ['a negative budget', { budget: -3 }, 'INVALID_ARGUMENT', /for budget, got -3$/],
    ['budget NaN', { budget: Number.NaN }, 'INVALID_ARGUMENT', /for budget, got NaN$/],
    ['half a row', { budget: 2.5 }, 'INVALID_ARGUMENT', /for budget, got 2\.5$/],
    ['budget as text', { budget: '10' }, 'INVALID_ARGUMENT', /for budget, got "10"$/],
    ['no budget', { budget: undefined }, 'INVALID_ARGUMENT', /for budget, got undefined$/],
    [
      'a budget beyond the pool',
      { budget: 1451 },
      'INVALID_ARGUMENT',
      /^expected at most 1450, the rows of the pool, for budget, got 1451$/,
    ],
    [
      'a budget beyond what is left',
      { budget: 1449, exclude: [0, 1] },
      'INVALID_ARGUMENT',
      /^expected at most 1448, the pool's 1450 rows less 2 labelled or excluded, for budget, got 1449$/,
    ],
    [
      'all rows excluded',
      { exclude: Array.from({ length: 1450 }, (_, i) => i) },
      'INVALID_ARGUMENT',
      /got none: all 1450 are labelled or excluded$/,
    ],
    [
      'an unknown strategy',
      { strategy: 'best' },
      'INVALID_ARGUMENT',
      /^expected one of alfa-mix, random, least-confidence, margin, entropy, coreset, .* for strategy, got "best"$/,
    ],
    [
      'a strategy that is none',
      { strategy: { name: 'x' } },
      'INVALID_ARGUMENT',
      /, or an object with name, needs and select for strategy/,
    ],
    [
      'alphaCap 0',
      { alphaCap: 0 },
      'INVALID_ARGUMENT',
      /^expected a finite number above 0 for alphaCap, got 0$/,
    ],
    [
      'alphaCap infinite',
      { alphaCap: Number.POSITIVE_INFINITY },
      'INVALID_ARGUMENT',
      /for alphaCap, got Infinity$/,
    ],
    ['alphaCap NaN', { alphaCap: Number.NaN }, 'INVALID_ARGUMENT', /for alphaCap, got NaN$/],
    [
      'maxCandidates below the budget',
      { maxCandidates: 9 },
      'INVALID_ARGUMENT',
      /^expected an integer of at least 10 for maxCandidates \(at least the budget\), got 9$/,
    ],
    ['seed', { seed: -1 }, 'INVALID_ARGUMENT', /for seed, got -1$/],
    [
      'no labels for alfa-mix',
      { labeled: undefined },
      'INVALID_ARGUMENT',
      /^expected labels, which strategy alfa-mix needs, for labeled, got undefined$/,
    ],
    [
      'neither labels nor head for margin',
      { strategy: 'margin', labeled: undefined, head: undefined },
      'INVALID_ARGUMENT',
      /^expected a head, or labels to fit one, which strategy margin needs, for head, got undefined$/,
    ],
    [
      'one class to fit on',
      { head: undefined, labeled: LabeledSet.from({ embeddings: new Float32Array(128), labels: [4, 4] }) },
      'INVALID_ARGUMENT',
      /two classes to fit a head, got 2 of class 4 only$/,
    ],
    ['cuda', { backend: 'cuda' }, 'CUDA_UNAVAILABLE', /cuda/],
  ])('refuses %s', async (_, change, code, message) => {
    await fails(() => select({ ...parts, ...change } as SelectArgs), code as 'FORMAT', message);
  });
});
