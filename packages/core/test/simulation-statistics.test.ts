import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holm } from '../src/simulation/holm.js';
import { penaltyMatrix, type RoundResult } from '../src/simulation/pairwise.js';
import { compareWithPublished } from '../src/simulation/published.js';
import { mean, quantile, std, variance } from '../src/simulation/statistics.js';
import { studentTwoSided } from '../src/simulation/student-t.js';

describe('mean, std, quantile', () => {
  test('of 2, 4, 4, 4, 5, 5, 7, 9', () => {
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    expect(mean(values)).toBe(5);
    expect(std(values, 'population')).toBe(2);
    expect(variance(values)).toBeCloseTo(32 / 7, 14);
    expect([0, 0.25, 0.5, 0.75, 1].map((share) => quantile(values, share))).toEqual([2, 4, 4.5, 5.5, 9]);
  });

  test('a spread far from zero keeps its digits', () => {
    expect(variance([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])).toBe(30);
  });

  test('one value has no sample spread, none has nothing', () => {
    expect([mean([3]), std([3], 'population'), std([3]), quantile([3], 0.3)]).toEqual([3, 0, Number.NaN, 3]);
    expect([mean([]), std([]), std([], 'population'), quantile([], 0.5)]).toEqual(Array(4).fill(Number.NaN));
  });
});

describe("Student's t", () => {
  // Two-sided critical values of the usual table.
  test.each([
    [1, 0.05, 12.7062],
    [2, 0.05, 4.30265],
    [4, 0.05, 2.77645],
    [9, 0.05, 2.26216],
    [30, 0.05, 2.04227],
    [4, 0.01, 4.60409],
    [4, 0.001, 8.6103],
    [10, 0.001, 4.58689],
    [120, 0.01, 2.61742],
  ])('%d degrees of freedom, p = %d at %d', (df, p, t) => {
    expect(studentTwoSided(t, df) / p).toBeCloseTo(1, 4);
    expect(studentTwoSided(-t, df)).toBe(studentTwoSided(t, df));
  });

  // scipy.stats.t.sf(t, df) · 2
  test.each([
    [2.776, 4, 0.05002277831997642],
    [15, 4, 0.00011508708432922159],
    [0.001, 7, 0.9992300172449988],
    [3.3, 2.5, 0.05940212877944413],
    [40, 30, 1.3726045194406417e-27],
    [1.2, 1e6, 0.2301396247317247],
  ])('t = %d, df = %d', (t, df, p) => {
    expect(studentTwoSided(t, df) / p).toBeCloseTo(1, 8);
  });

  test('with 1 and 2 degrees of freedom it is elementary', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (t) => {
        expect(studentTwoSided(t, 1)).toBeCloseTo((2 / Math.PI) * Math.atan(1 / t), 12);
        expect(studentTwoSided(t, 2)).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 12);
      }),
    );
  });

  test('its ends', () => {
    expect(studentTwoSided(0, 4)).toBe(1);
    expect(studentTwoSided(Number.NEGATIVE_INFINITY, 4)).toBe(0);
    expect([studentTwoSided(Number.NaN, 4), studentTwoSided(1, 0)]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe("Holm's adjustment", () => {
  test('of four tests, by hand', () => {
    // Sorted .005 .01 .03 .04, times 4 3 2 1, and never falling.
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  });

  test('never above 1; a test that could not be made does not count', () => {
    expect(holm([0.9, Number.NaN, 0.8])).toEqual([1, Number.NaN, 1]);
    expect(holm([Number.NaN, 0.02])).toEqual([Number.NaN, 0.02]);
    expect(holm([])).toEqual([]);
  });
});

/** Accuracies of a strategy by round and then seed. */
const results = (strategy: string, accuracies: readonly (readonly number[])[]): RoundResult[] =>
  accuracies.flatMap((bySeed, round) =>
    bySeed.map((accuracy, seed) => ({ strategy, seed: seed + 1, round, accuracy })),
  );

const HIGH = [0.6, 0.7, 0.8, 0.75, 0.65];
// Lower by 2, 1, 4, 5 and 3 points: mean 3, population std √2, sample std √2.5.
const LOW = [0.58, 0.69, 0.76, 0.7, 0.62];

describe('the penalty matrix', () => {
  test('paper: √5 · 0.03 / 0.01414 = 4.743 wins', () => {
    const lines = [...results('a', [HIGH, HIGH, LOW]), ...results('b', [LOW, LOW, LOW])];
    const { shares, rounds, penalty, tests } = penaltyMatrix(['a', 'b'], lines, 'paper');
    expect(shares).toEqual([
      [Number.NaN, 0.5],
      [0, Number.NaN],
    ]);
    expect(rounds).toEqual([
      [0, 2],
      [2, 0],
    ]);
    expect(penalty).toEqual([0, 0.5]);
    expect(tests).toHaveLength(2);
    expect(tests[0]).toMatchObject({ a: 0, b: 1, round: 1, seeds: 5, winner: 0 });
    expect(tests[0].t).toBeCloseTo(Math.sqrt(5) * (3 / Math.sqrt(2)), 9);
    expect(tests[0].difference).toBeCloseTo(0.03, 12);
    expect(tests[1]).toMatchObject({ t: 0, p: 1, winner: undefined });
  });

  test('paper: only above 2.776, on both sides, whatever the number of seeds', () => {
    // Differences m ± s over two seeds: t = √2 · m / s.
    const pair = (t: number) => [0.5 + t / 100 / Math.SQRT2 + 0.01, 0.5 + t / 100 / Math.SQRT2 - 0.01];
    const flat = [0.5, 0.5];
    const lines = [
      ...results('a', [flat, pair(2.775), pair(2.777), pair(-2.777)]),
      ...results('b', [flat, flat, flat, flat]),
    ];
    expect(penaltyMatrix(['a', 'b'], lines, 'paper').tests.map(({ winner }) => winner)).toEqual([
      undefined,
      0,
      1,
    ]);
  });

  test('corrected: the sample variance and Holm over pairs and rounds', () => {
    const lines = [...results('a', [HIGH, HIGH, HIGH]), ...results('b', [LOW, LOW, LOW])];
    const one = penaltyMatrix(
      ['a', 'b'],
      lines.filter(({ round }) => round < 2),
      'corrected',
    );
    expect(one.tests[0].t).toBeCloseTo(4.242640687, 8);
    // scipy.stats.ttest_rel
    expect(one.tests[0].p).toBeCloseTo(0.01323559956368269, 10);
    expect(one.shares[0][1]).toBe(1);
    // Two tests: 0.0132 is doubled, and still below 0.05.
    const two = penaltyMatrix(['a', 'b'], lines, 'corrected');
    expect(two.tests.map(({ p }) => p)).toEqual([one.tests[0].p * 2, one.tests[0].p * 2]);
    expect(two.shares[0][1]).toBe(1);
    const more = [...lines, ...results('c', [HIGH, HIGH, HIGH])];
    const three = penaltyMatrix(['a', 'b', 'c'], more, 'corrected');
    expect(three.tests).toHaveLength(6);
    // Six tests, four of them at 0.0132: the smallest is multiplied by six, 0.079.
    expect(three.tests[0].p).toBeCloseTo(6 * one.tests[0].p, 12);
    expect(three.shares.flat().filter((share) => share > 0)).toEqual([]);
    expect(penaltyMatrix(['a', 'b', 'c'], more, 'paper').shares[0][1]).toBe(1);
  });

  test('seeds are paired by name, not by their order', () => {
    const lines = [...results('a', [HIGH, HIGH]), ...results('b', [LOW, LOW]).reverse()];
    expect(penaltyMatrix(['a', 'b'], lines, 'paper').tests[0].t).toBeCloseTo(4.743416490252569, 9);
  });

  test('the same difference at every seed wins as the papers count; corrected it decides nothing', () => {
    const lines = [
      ...results('a', [
        [0.5, 0.75],
        [0.5, 0.75],
        [0.25, 0.5],
      ]),
      ...results('b', [
        [0.25, 0.5],
        [0.25, 0.5],
        [0.25, 0.5],
      ]),
    ];
    for (const mode of ['paper', 'corrected'] as const) {
      const { tests, shares } = penaltyMatrix(['a', 'b'], lines, mode);
      expect(tests.map(({ t, p, winner }) => [t, p, winner])).toEqual([
        mode === 'paper' ? [Number.POSITIVE_INFINITY, 0, 0] : [Number.POSITIVE_INFINITY, 1, undefined],
        [0, 1, undefined],
      ]);
      expect(shares[0][1]).toBe(mode === 'paper' ? 0.5 : 0);
    }
  });

  test('an unfinished run compares the rounds in which two seeds are there on both sides', () => {
    const lines = [
      ...results('a', [HIGH, HIGH, HIGH]),
      ...results('b', [LOW, LOW.slice(0, 3), LOW.slice(0, 1)]),
      ...results('alone', [HIGH.slice(0, 1)]),
    ];
    const { rounds, shares, penalty, tests } = penaltyMatrix(['a', 'b', 'alone', 'absent'], lines, 'paper');
    expect(tests).toHaveLength(1);
    expect(tests[0]).toMatchObject({ round: 1, seeds: 3 });
    expect(rounds[0]).toEqual([0, 1, 0, 0]);
    expect(shares[0].slice(2)).toEqual([Number.NaN, Number.NaN]);
    expect(penalty.slice(2)).toEqual([Number.NaN, Number.NaN]);
  });

  test('the mean of a column leaves out the diagonal, as the authors do', () => {
    const lines = ['a', 'b', 'c'].flatMap((name, i) =>
      results(name, [HIGH, HIGH.map((accuracy, seed) => accuracy - i * (0.03 + 0.001 * seed))]),
    );
    expect(penaltyMatrix(['a', 'b', 'c'], lines, 'paper').penalty).toEqual([0, 0.5, 1]);
  });
});

describe('compareWithPublished', () => {
  const ours = { mean: 0.934, std: 0.006, n: 5 };

  test("Welch's test, as scipy.stats.ttest_ind_from_stats", () => {
    const [one] = compareWithPublished([{ ours, theirs: { mean: 0.927, std: 0.003, n: 5 } }]);
    expect(one.difference).toBeCloseTo(0.007, 12);
    expect(one.t).toBeCloseTo(2.3333333333333353, 10);
    expect(one.p).toBeCloseTo(0.0592234460108645, 10);
    expect(one.adjusted).toBe(one.p);
    const [other] = compareWithPublished([
      { ours: { mean: 0.9, std: 0.02, n: 10 }, theirs: { mean: 0.93, std: 0.01, n: 3 } },
    ]);
    expect([other.t, other.p]).toEqual([
      expect.closeTo(-3.503245248726856, 10),
      expect.closeTo(0.009233700054397897, 10),
    ]);
  });

  test("a population's std is turned into the sample's, and Holm counts the pairs", () => {
    const theirs = { mean: 0.927, std: 0.003, n: 5, spread: 'population' } as const;
    const [one, two] = compareWithPublished([
      { ours, theirs },
      { ours, theirs: { ...theirs, mean: 0.934 } },
    ]);
    expect(one.p).toBeCloseTo(0.06113189768603259, 10);
    expect(one.adjusted).toBeCloseTo(2 * one.p, 12);
    expect(two).toMatchObject({ t: 0, p: 1, adjusted: 1 });
  });

  test('without any spread', () => {
    const still = (mean: number) => ({ mean, std: 0, n: 3 });
    const found = compareWithPublished([
      { ours: still(0.5), theirs: still(0.5) },
      { ours: still(0.5), theirs: still(0.75) },
    ]);
    expect(found.map(({ t, p }) => [t, p])).toEqual([
      [0, 1],
      [Number.NEGATIVE_INFINITY, 0],
    ]);
  });

  test.each([
    [{ mean: Number.NaN, std: 0, n: 5 }, 'expected a finite number for mean, got NaN'],
    [{ mean: 1, std: -1, n: 5 }, 'expected a number of at least 0 for std, got -1'],
    [{ mean: 1, std: 1, n: 1 }, 'expected an integer of at least 2 for n, got 1'],
  ])('%o is refused', (theirs, message) => {
    expect(() => compareWithPublished([{ ours, theirs }])).toThrow(message);
  });
});
