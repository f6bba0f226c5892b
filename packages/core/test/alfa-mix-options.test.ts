import { beforeAll, describe, expect, test } from 'vitest';
import { computeAnchors, LabeledSet, Ladder, LinearHead, Pool, Rng, select } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { getStrategy } from '../src/strategies/index.js';
import { AlphaLearner, learningRate } from '../src/strategies/learned-alpha.js';
import { drawAlpha } from '../src/strategies/random-alpha.js';
import { symmetricKl } from '../src/strategies/symmetric-kl.js';
import { TimeSlice } from '../src/time-slice.js';
import { fails } from './support/files.js';
import { uniform } from './support/flip-job.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { mix, type OracleInput, predict, softmax } from './support/oracle.js';
import { survivesDegenerateCases } from './support/strategy-cases.js';

let kernels: Kernels[] = [];
beforeAll(async () => {
  kernels = await everyKernels();
});

const ALPHAS = ['closed-form', 'learned', 'random'];
const DIVERSIFIERS = ['cluster', 'uniform', 'norm', 'symmetric-kl'];
const rowsOf = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

interface Case {
  pool: Pool;
  labeled: LabeledSet;
  head: LinearHead;
}

/** Random rows around 0, some twice; the last class has no labels where there are more than two. */
function randomCase(seed: number, rows: number, dim: number, classes: number): Case {
  const next = uniform(seed);
  const noise = (n: number, scale = 2) => Float32Array.from({ length: n }, () => (next() - 0.5) * scale);
  const data = noise(rows * dim);
  for (let i = 0; i + 7 < rows; i += 7) data.copyWithin((i + 7) * dim, i * dim, (i + 1) * dim);
  const seen = Math.max(2, classes - 1);
  const labels = Array.from({ length: 3 * seen }, (_, i) => i % seen);
  return {
    pool: Pool.fromArray(data, { rows, dim }),
    labeled: LabeledSet.from({ embeddings: noise(labels.length * dim), labels }),
    head: LinearHead.from({ weight: noise(classes * dim, 4), bias: noise(classes), classes, dim }),
  };
}

const oracleOf = ({ labeled, head }: Case): OracleInput => ({
  dim: head.dim,
  classes: head.classes,
  weight: head.weight,
  bias: head.bias,
  anchors: computeAnchors(labeled, head.classes),
});

const rowOf = (pool: Pool, i: number) =>
  Array.from((pool.source as Float32Array).subarray(i * pool.dim, (i + 1) * pool.dim));
const norm = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
const kl = (p: number[], q: number[]) =>
  p.reduce((sum, x, c) => sum + (x - q[c]) * (Math.log(x) - Math.log(q[c])), 0);

/** −CE(W z̃ + b, y) + 0.01 ‖α‖ of one row. */
function lossOf(input: OracleInput, z: number[], anchor: number, alpha: number[], y: number): number {
  const mixed = z.map((v, j) => v + alpha[j] * (input.anchors[anchor * input.dim + j] - v));
  return Math.log(softmax(input, mixed)[y]) + 0.01 * norm(alpha);
}

/** One step of a fresh Adam along the numerical gradient of the loss. */
function stepOf(
  input: OracleInput,
  z: number[],
  anchor: number,
  alpha: number[],
  y: number,
  rate: number,
  cap: number,
): number[] {
  return alpha.map((a, j) => {
    const h = 1e-6;
    const at = (value: number) => lossOf(input, z, anchor, alpha.with(j, value), y);
    const g = (at(a + h) - at(a - h)) / (2 * h);
    return Math.min(cap, Math.max(1e-8, a - (rate * g) / (Math.abs(g) + 1e-8)));
  });
}

interface Found {
  norm: number;
  divergence: number;
}

/** The search of the open-ended variants, row by row in double; only the random numbers are the library's. */
async function searchSlowly(given: Case, looks: number, budget: number, seed: number, step = 0.03125) {
  const { pool } = given;
  const input = oracleOf(given);
  const rng = new Rng(seed);
  const found = new Map<number, Found>();
  const counts: number[] = [];
  const caps: number[] = [];
  for (let cap = step; found.size <= budget; cap += step) {
    const rngs = Array.from({ length: input.classes }, () => new Rng(rng.below(2 ** 53)));
    for (const [k, own] of rngs.entries()) {
      const drawn = await drawAlpha(own, pool.rows, pool.dim, cap, new TimeSlice());
      for (let i = 0; i < pool.rows; i++) {
        const z = rowOf(pool, i);
        const y = predict(input, z);
        let alpha = Array.from(drawn.subarray(i * pool.dim, (i + 1) * pool.dim));
        for (let look = 0; look < looks; look++) {
          const mixed = z.map((v, j) => v + alpha[j] * (input.anchors[k * pool.dim + j] - v));
          const before = found.get(i)?.norm ?? Number.POSITIVE_INFINITY;
          if (predict(input, mixed) !== y && norm(alpha) < before)
            found.set(i, { norm: norm(alpha), divergence: kl(softmax(input, z), softmax(input, mixed)) });
          alpha = stepOf(input, z, k, alpha, y, learningRate(look, looks), cap);
        }
      }
    }
    caps.push(cap);
    counts.push(found.size);
    if (cap >= 1) break;
  }
  return { found, counts, caps };
}

/** Asserts that the picks are the extreme ones in order, where values differ by more than rounding. */
function expectOrder(picks: number[], value: (row: number) => number, among: number[]): void {
  const slack = (x: number) => 2e-4 * Math.abs(x) + 1e-6;
  for (let i = 1; i < picks.length; i++) {
    const [a, b] = [value(picks[i - 1]), value(picks[i])];
    expect(a).toBeLessThanOrEqual(b + slack(b));
  }
  const last = value(picks[picks.length - 1]);
  for (const row of among) {
    if (!picks.includes(row)) expect(value(row)).toBeGreaterThanOrEqual(last - slack(last));
  }
}

describe('the random numbers', () => {
  test('normals around cap/2, clamped, the same in blocks of any size', async () => {
    const slice = new TimeSlice();
    const cap = 0.4;
    const all = await drawAlpha(new Rng(3), 4000, 25, cap, slice);
    const rng = new Rng(3);
    const parts = [await drawAlpha(rng, 1, 25, cap, slice), await drawAlpha(rng, 3999, 25, cap, slice)];
    expect([...parts[0], ...parts[1]]).toEqual([...all]);
    const share = (good: (alpha: number) => boolean) => all.filter(good).length / all.length;
    expect(all.every((alpha) => alpha >= Math.fround(1e-8) && alpha <= Math.fround(cap))).toBe(true);
    // 15.87 % of normals lie beyond a standard deviation on each side, 19.15 % within half of one.
    expect(share((alpha) => alpha === Math.fround(cap))).toBeCloseTo(0.1587, 2);
    expect(share((alpha) => alpha === Math.fround(1e-8))).toBeCloseTo(0.1587, 2);
    expect(share((alpha) => alpha > 0.2 && alpha < 0.3)).toBeCloseTo(0.1915, 2);
    expect(share((alpha) => alpha > 0.1 && alpha < 0.2)).toBeCloseTo(0.1915, 2);
  });
});

describe('a learned α', () => {
  test('the learning rate is a tenth in the last third', () => {
    expect([0, 1, 2, 3, 4].map((i) => learningRate(i, 5))).toEqual([0.1, 0.1, 0.1, 0.1, 0.01]);
    expect([3, 4, 5].map((i) => learningRate(i, 6))).toEqual([0.1, 0.01, 0.01]);
  });

  test.each([
    [1, 6, 3],
    [2, 1, 2],
    [3, 40, 12],
  ])('case %i, D = %i, C = %i: a step is that of the numerical gradient', async (seed, dim, classes) => {
    const given = randomCase(seed, 20, dim, classes);
    const input = oracleOf(given);
    for (const each of kernels) {
      const slice = new TimeSlice();
      const alpha = await drawAlpha(new Rng(seed), 20, dim, 0.5, slice);
      const before = alpha.slice();
      const rows = Array.from({ length: 20 }, (_, i) => rowOf(given.pool, i));
      const pseudoLabel = Int32Array.from(rows, (z) => predict(input, z));
      const anchor = input.anchors.subarray(dim, 2 * dim);
      const shape = { data: given.pool.source as Float32Array, rows: 20, dim };
      const { logits } = await each.interpolate({
        ...shape,
        ...input,
        anchorIndex: new Int32Array(20).fill(1),
        alpha,
      });
      const learner = new AlphaLearner(each, given.head, dim, {});
      await learner.step(alpha, { ...shape, anchor, logits, classes, pseudoLabel }, 0.5, 0.07, slice);
      for (const [i, z] of rows.entries()) {
        const own = Array.from(before.subarray(i * dim, (i + 1) * dim));
        const expected = stepOf(input, z, 1, own, pseudoLabel[i], 0.07, 0.5);
        // A slope of the size of rounding has no sure sign.
        for (const [j, value] of expected.entries()) expect(alpha[i * dim + j]).toBeCloseTo(value, 4);
      }
    }
  });
});

describe.each([
  ['random', 1],
  ['learned', 5],
])('alpha=%s', (alpha, looks) => {
  test.each([
    [11, 60, 8, 3, 12],
    [12, 40, 5, 2, 3],
    [13, 50, 16, 6, 49],
  ])('case %i: candidates, caps and values as found slowly', async (seed, rows, dim, classes, budget) => {
    const given = randomCase(seed, rows, dim, classes);
    const { found, counts, caps } = await searchSlowly(given, looks, budget, seed);
    const all = [...found.keys()];
    expect(all.length).toBeGreaterThan(0);
    for (const each of kernels) {
      const run = (diversify: string) =>
        select({
          ...given,
          budget,
          seed,
          strategy: `alfa-mix:alpha=${alpha}:diversify=${diversify}`,
          kernels: each,
        });
      const result = await run('norm');
      expect(result.stats.candidatesPerCap).toEqual(caps.map((cap, i) => ({ cap, count: counts[i] })));
      expect([result.capUsed, result.candidates]).toEqual([caps.at(-1), all.length]);
      const own = ({ picks }: typeof result) => rowsOf({ picks: picks.filter(({ filled }) => !filled) });
      expect(own(result).length).toBe(Math.min(budget, all.length));
      expectOrder(own(result), (row) => found.get(row)!.norm, all);
      expectOrder(own(await run('symmetric-kl')), (row) => -found.get(row)!.divergence, all);
      for (const row of own(await run('cluster'))) expect(all).toContain(row);
    }
  });

  test('the ladder starts at alphaCap, 0.03125 by default; few candidates are filled up', async () => {
    const { pool, labeled, head } = randomCase(5, 30, 4, 3);
    const strategy = `alfa-mix:alpha=${alpha}`;
    const coarse = await select({ pool, labeled, head, budget: 30, strategy, alphaCap: 0.5 });
    expect(coarse.stats.candidatesPerCap.map(({ cap }) => cap)).toEqual([0.5, 1]);
    expect(coarse.stats.filled).toBe(30 - (coarse.candidates ?? 0));
    const fine = await select({ pool, labeled, head, budget: 30, strategy });
    expect(fine.stats.candidatesPerCap.length).toBe(new Ladder(0.03125).length);
    expect(fine.stats.candidatesPerCap[0].cap).toBe(0.03125);
    expect(fine.picks[0].flipCap).toBeUndefined();
    expect(new Set(rowsOf(fine)).size).toBe(30);
  });

  test('rows of several blocks draw the same numbers', async () => {
    const dim = 1 << 17;
    const given = randomCase(21, 20, dim, 2);
    const { pool, labeled, head } = given;
    const strategy = `alfa-mix:alpha=${alpha}:diversify=norm`;
    const result = await select({ pool, labeled, head, budget: 3, strategy, alphaCap: 1 });
    const rng = new Rng(0);
    const rngs = [new Rng(rng.below(2 ** 53)), new Rng(rng.below(2 ** 53))];
    const drawn = await Promise.all(rngs.map((own) => drawAlpha(own, 20, dim, 1, new TimeSlice())));
    const input = oracleOf(given);
    const flips = Array.from({ length: 20 }, (_, i) =>
      drawn.some((values, k) => {
        const z = rowOf(pool, i);
        const own = (j: number) => values[i * dim + j] * (input.anchors[k * dim + j] - z[j]);
        return (
          predict(
            input,
            z.map((v, j) => v + own(j)),
          ) !== predict(input, z)
        );
      }),
    );
    const flipped = flips.filter(Boolean).length;
    expect(flipped).toBeGreaterThan(3);
    if (alpha === 'random') expect(result.candidates).toBe(flipped);
    else expect(result.candidates).toBeGreaterThanOrEqual(flipped);
  });

  test('maxCandidates keeps those of the smallest α', async () => {
    const given = randomCase(11, 60, 8, 3);
    const { found } = await searchSlowly(given, looks, 5, 1);
    const strategy = `alfa-mix:alpha=${alpha}:diversify=uniform`;
    const result = await select({ ...given, budget: 5, seed: 1, strategy, maxCandidates: 5 });
    expect(result.candidates).toBe(found.size);
    expectOrder(
      rowsOf(result).sort((a, b) => found.get(a)!.norm - found.get(b)!.norm),
      (row) => found.get(row)!.norm,
      [...found.keys()],
    );
    expect(result.stats.notes[0]).toMatch(
      /^5 of \d+ candidates were considered, those with the smallest α \(maxCandidates\)$/,
    );
  });

  test('an abort in the search', async () => {
    const controller = new AbortController();
    const run = select({
      ...randomCase(6, 400, 64, 4),
      budget: 399,
      strategy: `alfa-mix:alpha=${alpha}`,
      signal: controller.signal,
      onProgress: (stage, done, total) => {
        expect(done).toBeLessThanOrEqual(total);
        if (stage === 'mix') controller.abort('enough');
      },
    });
    expect((await fails(() => run, 'ABORTED', /aborted/)).cause).toBe('enough');
  });
});

describe('diversify', () => {
  test('symmetric KL of logits, where probabilities round to 0 or 1', () => {
    const before = Float32Array.of(0, 9, 1, 2, 3, 9, 9, 9);
    const after = Float32Array.of(9, 0, 3, 2, 1, 9, 9, 9);
    const softmaxOf = (l: number[]) => {
      const odds = l.map(Math.exp);
      return odds.map((o) => o / odds.reduce((a, b) => a + b));
    };
    expect(symmetricKl(before, after, 0, 2)).toBeCloseTo(kl(softmaxOf([0, 9]), softmaxOf([9, 0])), 12);
    expect(symmetricKl(before.subarray(2), after.subarray(2), 0, 3)).toBeCloseTo(
      kl(softmaxOf([1, 2, 3]), softmaxOf([3, 2, 1])),
      12,
    );
    expect(symmetricKl(before.subarray(4), before.subarray(4), 0, 2)).toBe(0);
    // ln p is −2000 on one side, 0 on the other.
    expect(symmetricKl(Float32Array.of(0, 2000), Float32Array.of(2000, 0), 0, 2)).toBe(4000);
    expect(symmetricKl(Float32Array.of(0, Infinity), Float32Array.of(0, 0), 0, 2)).toBe(Infinity);
  });

  test.each(digitsEntries)('$name: norm and symmetric-kl at the cap used', async (entry) => {
    const given = goldenCase(entry);
    const input = oracleOf(given);
    const flips = given.tensors.f64('expect_flip_cap');
    const anchors = given.tensors.ints('expect_flip_anchor');
    for (const each of kernels) {
      const run = (diversify: string) =>
        select({ ...given, budget: 40, strategy: `alfa-mix:diversify=${diversify}`, kernels: each });
      const byNorm = await run('norm');
      const cap = byNorm.capUsed ?? 0;
      const all = [...flips.keys()].filter((i) => flips[i] < cap);
      const alphaNorm = (i: number) => {
        const z = rowOf(given.pool, i);
        const mixed = mix(input, z, anchors[i], cap);
        return norm(
          mixed.map((v, j) => {
            const delta = input.anchors[anchors[i] * input.dim + j] - z[j];
            return delta === 0 ? 0 : (v - z[j]) / delta;
          }),
        );
      };
      expect(byNorm.candidates).toBe(all.length);
      expectOrder(rowsOf(byNorm), alphaNorm, all);
      const divergence = (i: number) => {
        const z = rowOf(given.pool, i);
        return kl(softmax(input, z), softmax(input, mix(input, z, anchors[i], cap)));
      };
      // A saturated head's probabilities are 0 in double, where the library's logarithms aren't.
      const finite = all.filter((i) => Number.isFinite(divergence(i)));
      const byKl = rowsOf(await run('symmetric-kl')).filter((i) => finite.includes(i));
      if (entry.name !== 'digits-saturated-head') expect(byKl.length).toBe(40);
      if (byKl.length > 0) expectOrder(byKl, (i) => -divergence(i), finite);
    }
  });

  test('uniform draws from the candidates as the seed says', async () => {
    const [relu] = digitsEntries;
    const given = goldenCase(relu);
    const flips = given.tensors.f64('expect_flip_cap');
    const run = (seed: number) =>
      select({ ...given, budget: 40, strategy: 'alfa-mix:diversify=uniform', seed });
    const result = await run(4);
    const all = [...flips.keys()].filter((i) => flips[i] < (result.capUsed ?? 0));
    expect(rowsOf(result)).toEqual(new Rng(4).sample(all.length, 40).map((i) => all[i]));
    expect(rowsOf(await run(5))).not.toEqual(rowsOf(result));
  });

  test('cluster is the default', async () => {
    const given = goldenCase(digitsEntries[0]);
    const run = (strategy: string) => select({ ...given, budget: 40, strategy });
    expect((await run('alfa-mix:alpha=closed-form:diversify=cluster')).picks).toEqual(
      (await run('alfa-mix')).picks,
    );
    expect(getStrategy('alfa-mix:alpha=closed-form').name).toBe('alfa-mix');
    expect(getStrategy('alfa-mix', { alpha: 'learned', diversify: 'norm' }).name).toBe(
      'alfa-mix:alpha=learned:diversify=norm',
    );
  });
});

describe.each(ALPHAS)('every pool, alpha=%s', (alpha) => {
  test.each(DIVERSIFIERS)('diversify=%s: B different rows, whatever the pool', async (diversify) => {
    const strategy = `alfa-mix:alpha=${alpha}:diversify=${diversify}`;
    const odd = randomCase(31, 23, 5, 4);
    const alike = { ...odd, pool: Pool.fromArray(new Float32Array(23 * 5).fill(0.25), { rows: 23, dim: 5 }) };
    const still = LinearHead.from({
      weight: new Float32Array(20),
      bias: new Float32Array(4),
      classes: 4,
      dim: 5,
    });
    for (const [given, budgets] of [
      [odd, [1, 22, 23]],
      [alike, [1, 7, 23]],
      [{ ...odd, head: still }, [3]],
      [randomCase(32, 1, 3, 2), [1]],
      [randomCase(33, 12, 1, 3), [5]],
    ] as [Case, number[]][]) {
      for (const budget of budgets) {
        const picked = await Promise.all(
          [1, 2, undefined].map((threads) =>
            select({ ...given, budget, strategy, threads, seed: 9, alphaCap: 0.5 }),
          ),
        );
        expect(new Set(rowsOf(picked[0])).size).toBe(budget);
        for (const again of picked) expect(rowsOf(again)).toEqual(rowsOf(picked[0]));
      }
    }
  });

  test.each(DIVERSIFIERS)('diversify=%s: the same picks on every backend', async (diversify) => {
    const [relu] = digitsEntries;
    const given = goldenCase(relu);
    const picked: number[][] = [];
    for (const each of kernels) {
      const strategy = `alfa-mix:alpha=${alpha}:diversify=${diversify}`;
      picked.push(rowsOf(await select({ ...given, budget: 25, strategy, kernels: each, alphaCap: 0.25 })));
    }
    for (const rows of picked) expect(rows).toEqual(picked[0]);
  });
});

test.each([
  'alfa-mix:diversify=norm',
  'alfa-mix:diversify=symmetric-kl',
  'alfa-mix:alpha=random',
  'alfa-mix:alpha=learned',
  'alfa-mix:alpha=learned:diversify=symmetric-kl',
])('%s on degenerate pools, labels and heads', { timeout: 60_000 }, async (strategy) => {
  await survivesDegenerateCases(strategy);
});
