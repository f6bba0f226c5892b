import { describe, expect, test } from 'vitest';
import { type Model, Pool, Rng, type Strategy, score, select, strategyNames } from '../src/index.js';
import { getStrategy } from '../src/strategies/index.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { goldenFile } from './support/golden-tensors.js';
import { distance2 } from './support/oracle.js';

const [relu] = digitsEntries;
const { pool, labeled, head } = goldenCase(relu);
const rowsOf = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

describe('strategies', () => {
  test('the registry', () => {
    expect(strategyNames).toEqual([
      'alfa-mix',
      'random',
      'least-confidence',
      'margin',
      'entropy',
      'coreset',
      'badge',
      'bald',
      'cdal',
      'deepfool',
      'dropquery',
      'gcn',
      'typiclust',
      'k-means',
      'cluster-margin',
    ]);
    for (const name of strategyNames) expect(getStrategy(name).name).toBe(name);
  });

  test.each([
    ['least-confidence', 'confidence', 1],
    ['margin', 'margin', 1],
    ['entropy', 'entropy', -1],
  ] as const)('%s: the extreme rows, in order, ties by the lower row', async (strategy, column, sign) => {
    const scores = await score({ pool, labeled, head, backend: 'js' });
    const values = scores[column];
    const order = [...values.keys()].sort((a, b) => sign * (values[a] - values[b]) || a - b);
    for (const given of [labeled, undefined]) {
      const result = await select({ pool, labeled: given, head, budget: 75, strategy, backend: 'js' });
      expect(rowsOf(result)).toEqual(order.slice(0, 75));
      expect(result.picks[0].pseudoLabel).toBe(scores.pseudoLabel[order[0]]);
      // No flip search was made.
      expect(result.picks[0].flipCap).toBeUndefined();
      expect([result.candidates, result.capUsed, result.stats.candidatesPerCap]).toEqual([
        undefined,
        undefined,
        [],
      ]);
    }
    const few = await select({ pool, head, budget: 10, strategy, backend: 'js' });
    expect(rowsOf(few)).toEqual(order.slice(0, 10));
  });

  test('rows with equal scores come lowest first', async () => {
    const same = Pool.fromArray(new Float32Array(64 * 9).fill(0.5), { rows: 9, dim: 64 });
    for (const strategy of ['least-confidence', 'margin', 'entropy']) {
      const result = await select({ pool: same, head, budget: 4, strategy, exclude: [1] });
      expect(rowsOf(result)).toEqual([0, 2, 3, 4]);
    }
  });

  test('random needs nothing but the pool, and draws as its seed says', async () => {
    const result = await select({ pool, budget: 30, strategy: 'random', seed: 5 });
    expect(rowsOf(result)).toEqual(new Rng(5).sample(relu.n, 30));
    expect(result.picks[0]).toMatchObject({ pseudoLabel: undefined, flipCap: undefined, filled: false });
    expect(result.stats).toMatchObject({ classCounts: [], filled: 0, notes: [] });
    expect(result.stats.overlap).toBeUndefined();
    expect(result.head).toBeUndefined();
    const shorter = await select({ pool, budget: 10, strategy: 'random', seed: 5 });
    expect(rowsOf(shorter)).toEqual(rowsOf(result).slice(0, 10));
  });

  test('coreset picks the golden order, and looks past excluded rows', async () => {
    const golden = Array.from(goldenFile(relu.name).ints('expect_coreset_order'));
    for (const kernels of await everyKernels()) {
      const result = await select({ pool, labeled, budget: 50, strategy: 'coreset', kernels });
      expect(rowsOf(result), kernels.level).toEqual(golden);
      expect(result.head).toBeUndefined();
    }
    const without = await select({ pool, labeled, budget: 5, strategy: 'coreset', exclude: [golden[0]] });
    expect(rowsOf(without)).not.toContain(golden[0]);
    const farthest = Array.from({ length: relu.n }, (_, row) =>
      Math.min(
        ...Array.from(labeled.labels, (_label, i) =>
          distance2(pool.source as Float32Array, row, labeled.embeddings, i, relu.d),
        ),
      ),
    );
    farthest[golden[0]] = -1;
    expect(rowsOf(without)[0]).toBe(farthest.indexOf(Math.max(...farthest)));
    await fails(() => select({ pool, budget: 5, strategy: 'coreset' }), 'INVALID_ARGUMENT', /labels/);
  });

  test('coreset names a bad row as the pool’s', async () => {
    const data = new Float32Array(20 * 64).map((_, i) => i % 7);
    data[9 * 64 + 3] = Number.NaN;
    const bad = Pool.fromArray(data, { rows: 20, dim: 64 });
    const error = await fails(
      () => select({ pool: bad, labeled, budget: 2, strategy: 'coreset', exclude: [0, 4] }),
      'NON_FINITE',
      /row 9 of the pool/,
    );
    expect(error.details.row).toBe(9);
  });

  test('a strategy of the caller', async () => {
    const last: Strategy = {
      name: 'last',
      needs: { labels: false, head: false },
      select: async ({ available, budget }) => ({
        picks: [...available.subarray(-budget)].map((row) => ({ row })),
        notes: ['the last ones'],
      }),
    };
    const result = await select({ pool, budget: 3, strategy: last, exclude: [1449] });
    expect(rowsOf(result)).toEqual([1446, 1447, 1448]);
    expect(result.stats.notes).toEqual(['the last ones']);
  });

  test('a strategy that needs a model names it when it is missing', async () => {
    const strategy: Strategy = {
      name: 'deep',
      needs: { labels: false, head: false, model: true },
      select: async ({ available, model }) => {
        expect(model?.name).toBe('stub');
        return { picks: [{ row: available[0] }] };
      },
    };
    await fails(
      () => select({ pool, head, budget: 1, strategy }),
      'INVALID_ARGUMENT',
      /^expected a model and its inputs, which strategy deep needs, for model, got undefined$/,
    );
    const model: Model = { name: 'stub', head, embed: async () => pool, close: () => {} };
    const result = await select({ pool, model, inputs: pool, budget: 1, strategy });
    expect(rowsOf(result)).toEqual([0]);
    // A model brings its head along.
    expect(result.head).toBe(head);
    const scored = await select({ pool, model, inputs: pool, budget: 5, strategy: 'margin' });
    expect(rowsOf(scored)).toEqual(rowsOf(await select({ pool, head, budget: 5, strategy: 'margin' })));
  });

  test.each([
    ['too few', [1], /^expected 2 different rows from strategy odd, got 1 of which 1 differ$/],
    ['one twice', [1, 1], /got 2 of which 1 differ$/],
    ['an excluded one', [1, 0], /^expected rows that may be picked from strategy odd, got 0$/],
    ['one outside', [1, 5000], /from strategy odd, got 5000$/],
  ])('a strategy that picks %s is told', async (_, rows, message) => {
    const odd: Strategy = {
      name: 'odd',
      needs: { labels: false, head: false },
      select: async () => ({ picks: rows.map((row) => ({ row })) }),
    };
    await fails(() => select({ pool, budget: 2, strategy: odd, exclude: [0] }), 'INVALID_ARGUMENT', message);
  });

  test('a strategy that gives no picks at all is told', async () => {
    const shapeless = {
      name: 'odd',
      needs: { labels: false, head: false },
      select: async () => ({ rows: [1, 2] }),
    };
    const strategy = shapeless as unknown as Strategy;
    await fails(
      () => select({ pool, budget: 2, strategy }),
      'INVALID_ARGUMENT',
      /^expected an array of picks from strategy odd, got undefined$/,
    );
  });

  test('scores are computed once, whoever asks', async () => {
    const stages: string[] = [];
    const greedy: Strategy = {
      name: 'greedy',
      needs: { labels: true, head: true },
      async select(context) {
        const flips = await context.flipScores();
        expect(await context.uncertaintyScores()).toBe(flips);
        expect(await context.flipScores()).toBe(flips);
        const picks = await context.stage('mine', async () => [{ row: context.available[0] }]);
        return { picks };
      },
    };
    const onProgress = (stage: string, done: number, total: number) =>
      void (done === total && stages.push(stage));
    const { timings } = await select({
      pool,
      labeled,
      head,
      budget: 1,
      strategy: greedy,
      onProgress,
      backend: 'js',
    });
    expect(stages).toEqual(['score']);
    expect(Object.keys(timings)).toEqual(['score', 'mine', 'total']);
  });
});
