import { describe, expect, test } from 'vitest';
import { select } from '../src/index.js';
import { weightedKMeans } from '../src/strategies/weighted-k-means.js';
import { fails } from './support/files.js';
import { uniform } from './support/flip-job.js';
import { digitsEntries, goldenCase } from './support/golden-cases.js';
import { budgetsOf, oddPools } from './support/odd-pools.js';
import { distance2 } from './support/oracle.js';

const given = goldenCase(digitsEntries[0]);
const rowsOf = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

function jobOf(seed: number, rows: number, dim: number, clusters: number) {
  const next = uniform(seed);
  const data = Float32Array.from({ length: rows * dim }, () => next());
  const weights = Float64Array.from({ length: rows }, () => 0.01 + next() ** 4);
  return { data, rows, dim, clusters, weights, seed };
}

describe('weighted k-means', () => {
  test.each([
    [1, 80, 3, 6],
    [2, 30, 1, 4],
    [3, 12, 5, 12],
    [4, 50, 2, 1],
  ])('case %i: nearest centers, weighted means', async (seed, rows, dim, clusters) => {
    const job = jobOf(seed, rows, dim, clusters);
    const { labels, centers, inertia } = await weightedKMeans(job);
    let sum = 0;
    for (let i = 0; i < rows; i++) {
      const distances = Array.from({ length: clusters }, (_, k) => distance2(job.data, i, centers, k, dim));
      expect(distances[labels[i]]).toBe(Math.min(...distances));
      sum += job.weights[i] * distances[labels[i]];
    }
    expect(inertia).toBeCloseTo(sum, 10);
    for (let k = 0; k < clusters; k++) {
      const members = [...labels.keys()].filter((i) => labels[i] === k);
      const total = members.reduce((all, i) => all + job.weights[i], 0);
      expect(members.length).toBeGreaterThan(0);
      for (let j = 0; j < dim; j++) {
        const mean = members.reduce((all, i) => all + (job.weights[i] / total) * job.data[i * dim + j], 0);
        expect(centers[k * dim + j]).toBeCloseTo(mean, 6);
      }
    }
  });

  test('seeds are drawn by weight, then by weight and squared distance', async () => {
    // From 0 (weight 2), 1 (weight 1) and 3 (weight 1) two seeds; rows end with the nearer one.
    const job = {
      data: Float32Array.of(0, 1, 3),
      rows: 3,
      dim: 1,
      clusters: 3,
      weights: Float64Array.of(2, 1, 1),
    };
    let first = 0;
    let second = 0;
    for (let seed = 0; seed < 2000; seed++) {
      // With as many clusters as rows every row is a seed, and its cluster its place.
      const { labels } = await weightedKMeans({ ...job, seed });
      if (labels[0] === 0) {
        first++;
        if (labels[2] === 1) second++;
      }
    }
    expect(first / 2000).toBeCloseTo(0.5, 1);
    // 9 against 1.
    expect(second / first).toBeGreaterThan(0.87);
    expect(second / first).toBeLessThan(0.93);
  });

  test('equal rows leave clusters empty', async () => {
    const data = Float32Array.of(1, 1, 1, 2, 2);
    const { labels } = await weightedKMeans({
      data,
      rows: 5,
      dim: 1,
      clusters: 4,
      weights: new Float64Array(5).fill(1),
      seed: 1,
    });
    expect(new Set(labels).size).toBe(2);
  });
});

describe('alfa-mix:weights=flip-cap', () => {
  const run = (strategy: string) => select({ ...given, budget: 30, strategy, seed: 2 });

  test('a heavy weight of low flip caps moves the picks to them', async () => {
    const mean = async (strategy: string) => {
      const { picks } = await run(strategy);
      expect(new Set(picks.map(({ row }) => row)).size).toBe(30);
      return picks.reduce((sum, { flipCap = 9 }) => sum + flipCap / 30, 0);
    };
    const plain = await mean('alfa-mix:weights=flip-cap:tau=1e9');
    const sharp = await mean('alfa-mix:weights=flip-cap:tau=0.02');
    expect(sharp).toBeLessThan(plain);
    expect(rowsOf(await run('alfa-mix:weights=none'))).toEqual(rowsOf(await run('alfa-mix')));
    expect(rowsOf(await run('alfa-mix:weights=flip-cap'))).toEqual(
      rowsOf(await run('alfa-mix:weights=flip-cap')),
    );
  });

  test.each(oddPools)('$name: B different rows', async ({ name: _, ...odd }) => {
    for (const budget of budgetsOf(odd)) {
      const strategy = 'alfa-mix:weights=flip-cap:tau=0.0001';
      expect(new Set(rowsOf(await select({ ...odd, budget, strategy }))).size).toBe(budget);
    }
  });

  test.each([
    [
      'alpha=random',
      /^expected closed-form, which has the flip caps that weights need, for alpha, got "random"$/,
    ],
    ['diversify=norm', /^expected cluster, which weights are for, for diversify, got "norm"$/],
    ['tau=0', /^expected a number above 0 for tau of strategy alfa-mix, got "0"$/],
  ])('refuses %s', async (option, message) => {
    await fails(() => run(`alfa-mix:weights=flip-cap:${option}`), 'INVALID_ARGUMENT', message);
  });

  test('refuses tau without weights', async () => {
    const message = /^expected flip-cap, which tau is for, for weights, got "none"$/;
    await fails(() => run('alfa-mix:tau=0.3'), 'INVALID_ARGUMENT', message);
  });
});
