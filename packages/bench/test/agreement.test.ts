import { getKernels, type Kernels } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Compare, sameFlips, samePicks } from '../src/agreement.js';
import { honestClustering } from '../src/agreement-kmeans.js';
import type { Case } from '../src/cases/case.js';
import { fitSoftmax } from '../src/cases/fitting.js';
import { kCenterGreedy, kmeansPass, kmeansRun } from '../src/cases/sampling.js';
import { flipSearch } from '../src/cases/scan.js';
import { mlKmeans } from '../src/makers/ml-kmeans.js';
import { type Outputs, type Problem, SharedFolder, type Values } from '../src/problem.js';
import { ours, readArguments } from './support/run-problem.js';

const outputs = (arrays: Outputs['arrays'], numbers = {}, outside = false): Outputs => ({
  arrays,
  numbers,
  outside,
});
const problem = { kernel: '', arrays: {}, args: { rows: 10, dim: 2, alphaCap: 0.2 } } as Problem;

describe('outside peers', () => {
  const flips = (caps: number[], labels = caps.map(() => 1)) =>
    outputs({ flipCap: Float32Array.from(caps), pseudoLabel: Int32Array.from(labels) }, {}, true);

  test('flip caps: the band of docs/flip-search.md, infinities, labels, fewer rows', () => {
    const expected = flips([0.1, 0.5, Infinity]);
    expect(sameFlips(expected, flips([0.100005, 0.5, Infinity]), problem)).toBeUndefined();
    expect(sameFlips(expected, flips([0.1]), problem)).toBeUndefined();
    expect(sameFlips(expected, flips([0.101, 0.5, Infinity]), problem)).toMatch(/as flip cap 0, got 0\.10/);
    expect(sameFlips(expected, flips([0.1, 0.5, 3]), problem)).toMatch(
      /^expected Infinity as flip cap 2, got 3/,
    );
    expect(sameFlips(expected, flips([0.1, 0.5, Infinity], [1, 0, 1]), problem)).toMatch(
      /pseudoLabel 1, got 0/,
    );
    expect(sameFlips(expected, flips([NaN]), problem)).toMatch(/got NaN/);
    expect(sameFlips(expected, flips([]), problem)).toMatch(/got none/);
  });

  test('candidates at one cap: only rows within the band of it may differ', () => {
    const expected = flips([0.1, 0.20001, 0.5]);
    const found = (candidate: number[]) =>
      outputs({ candidate: Int32Array.from(candidate), pseudoLabel: Int32Array.of(1, 1, 1) }, {}, true);
    expect(sameFlips(expected, found([1, 1, 0]), problem)).toBeUndefined();
    expect(sameFlips(expected, found([1, 0, 0]), problem)).toBeUndefined();
    expect(sameFlips(expected, found([1, 0, 1]), problem)).toMatch(/candidate at 0\.2 2, got 1/);
  });

  test('picks: the same rows, or with random numbers of its own as many different ones', () => {
    const picks = (rows: number[], ownStream = false) =>
      outputs({ rows: Int32Array.from(rows) }, { ownStream }, true);
    expect(samePicks(picks([1, 2]), picks([1, 3]), problem)).toMatch(/expected 2 as rows 1, got 3/);
    expect(samePicks(picks([1, 2]), picks([4, 3], true), problem)).toBeUndefined();
    expect(samePicks(picks([1, 2]), picks([4, 4], true), problem)).toBe('expected 2 different rows, got 1');
  });
});

/** A kernel that is wrong: its result, with an array or number made another. */
type Wrong = (right: Outputs, problem: Problem) => Partial<Outputs>;
const array =
  (name: string, change: (value: number, i: number) => number): Wrong =>
  ({ arrays }) => ({ arrays: { ...arrays, [name]: arrays[name].map(change) as Values } });
const number =
  (name: string, value: number | boolean): Wrong =>
  ({ numbers }) => ({ numbers: { ...numbers, [name]: value } });
/** The first value only: one row in a thousand is not a tie. */
const first = (value: number) => (old: number, i: number) => (i === 0 ? value : old);

/** Every row in cluster 0, with its inertia counted honestly. */
const oneCluster: Wrong = ({ arrays: { labels, centers } }, problem) => {
  const { data } = readArguments(problem) as { data: Float32Array };
  const { dim } = problem.args;
  const inertia = data.reduce((sum, x, i) => sum + (x - centers[i % dim]) ** 2, 0);
  return { arrays: { labels: labels.map(() => 0) as Int32Array, centers }, numbers: { inertia } };
};
/** The same, and all other centers where no row is near them. */
const farCenters: Wrong = (right, problem) => {
  const { arrays, numbers } = oneCluster(right, problem) as Outputs;
  const centers = arrays.centers.map((x, i) => (i < problem.args.dim ? x : 1e6)) as Float32Array;
  return { arrays: { ...arrays, centers }, numbers };
};
/** Labels as good as the right ones, but numbered otherwise. */
const otherNumbers: Wrong = ({ arrays, numbers }, { args: { dim } }) => {
  const labels = arrays.labels.map((k) => (k < 2 ? 1 - k : k)) as Int32Array;
  const centers = arrays.centers.slice();
  centers.set(arrays.centers.subarray(0, dim), dim);
  centers.set(arrays.centers.subarray(dim, 2 * dim), 0);
  return { arrays: { ...arrays, labels, centers }, numbers };
};

const shape = { rows: 1000, dim: 32, classes: 6 };
const points = { rows: 500, dim: 16 };
const table: [Case, [string, Wrong, RegExp][]][] = [
  [
    flipSearch('test', { ...shape, kind: 'ReLU' }, 0),
    [
      ['anchors all 0', array('flipAnchor', () => 0), /as flipAnchor \d+, got 0; \d+ of 1000 differ/],
      ['another anchor in one row', array('flipAnchor', (k, i) => (i === 9 ? (k + 1) % 6 : k)), /1 of 1000/],
      ['an anchor that is none', array('flipAnchor', first(6)), /impossible with anchor 6/],
      ['flipTo all -7', array('flipTo', () => -7), /row 0, .*impossible with anchor \d to class -7/],
      ['flips to a class too many', array('flipTo', first(6)), /to class 6/],
      [
        'flips to the pseudo-label',
        ({ arrays }) => ({ arrays: { ...arrays, flipTo: arrays.pseudoLabel } }),
        /of pseudo-label (\d),.* to class \1/,
      ],
      ['confidence 9', array('confidence', () => 9), /as confidence 0, got 9; 1000 of 1000/],
      ['NaN margin in a row', array('margin', first(NaN)), /as margin 0, got NaN; 1 of 1000/],
      ['no entropy', ({ arrays: { entropy: _, ...arrays } }) => ({ arrays }), /expected entropy, got none/],
      ['no anchors', ({ arrays: { flipAnchor: _, ...arrays } }) => ({ arrays }), /flipAnchor.*, got none/],
    ],
  ],
  [
    kmeansRun(points, 12),
    [
      ['all rows in one cluster', oneCluster, /is [\d.]+ from its center 0, and [\d.]+ from center/],
      ['one cluster, other centers far away', farCenters, /only 1 of 12 clusters have rows/],
      ['a label that is none', array('labels', first(12)), /expected 0 to 11 as label 0, got 12/],
      ['a row with another center', array('labels', (k, i) => (i === 7 ? (k + 1) % 12 : k)), /./],
      ['a wrong inertia', number('inertia', 1), /claims inertia 1, has/],
      ['a NaN inertia', number('inertia', NaN), /claims inertia NaN/],
      ['clusters of another run', otherNumbers, /as labels \d+, got/],
      ['fewer updates told', number('iterations', 1), /as iterations, got 1/],
    ],
  ],
  [
    kmeansPass(points, 12, 3),
    [
      ['centers of an earlier update', array('centers', (x) => 0.99 * x), /as centers 0/],
      ['more passes told than made', number('iterations', 30), /expected 3 as iterations, got 30/],
    ],
  ],
  [
    kCenterGreedy(points, 20),
    [['distances that are none', array('distance2', (d, i) => (i === 5 ? d / 2 : d)), /as distance2 5/]],
  ],
  [
    fitSoftmax(120, 8, 3),
    [
      ['another ridge', number('ridge', 7), /as ridge, got 7/],
      ['a NaN objective', number('objective', NaN), /as objective, got NaN/],
      ['held-out rows all right', array('right', () => 120), /as right 0, got 120/],
      ['no losses', array('loss', () => 0), /as loss 0, got 0/],
    ],
  ],
];

describe('our own kernels', () => {
  let folder: SharedFolder;
  beforeAll(() => {
    folder = new SharedFolder();
  });
  afterAll(() => folder.remove());

  describe.each(table)('$id', (one, wrongs) => {
    let problem: Problem;
    let right: Outputs;
    let compare: Compare;
    beforeAll(async () => {
      problem = one.problem(folder);
      right = await ours(problem, await getKernels('js'));
      compare = one.compare(folder);
    });

    test('agree', async () => {
      expect(compare(right, right, problem)).toBeUndefined();
      expect(compare(right, await ours(problem, await getKernels()), problem)).toBeUndefined();
    });

    test.each(wrongs)('%s', (_, spoil, message) => {
      expect(compare(right, { ...right, ...spoil(right, problem) }, problem)).toMatch(message);
    });
  });

  test('a clustering of an outside peer may be another one, not a wrong one', async () => {
    const one = kmeansRun(points, 12);
    const problem = one.problem(folder);
    const compare = one.compare(folder);
    const right = await ours(problem, await getKernels('js'));
    const kernels = { kmeans: mlKmeans } as Kernels;
    const found = { ...(await ours(problem, kernels)), outside: true };
    expect(found.arrays.labels).not.toEqual(right.arrays.labels);
    expect(compare(right, found, problem)).toBeUndefined();
    expect(compare(right, { ...found, ...oneCluster(found, problem) }, problem)).toMatch(/from its center 0/);
  });

  test('of many rows some are looked at, spread over all of them', () => {
    const [rows, clusters] = [200_000, 4000];
    const data = Float32Array.from({ length: rows }, (_, i) => i % clusters);
    const arrays = {
      labels: Int32Array.from(data, (x, i) => (i < 3 * (rows / 4) ? x : 0)),
      centers: Float32Array.from({ length: clusters }, (_, k) => k),
    };
    const inertia = data.reduce((sum, x, i) => sum + (x - arrays.labels[i]) ** 2, 0);
    const args = { rows, dim: 1, clusters };
    const found = outputs(arrays, { inertia }, true);
    expect(honestClustering(() => data)(found, found, { ...problem, args })).toMatch(/^row 15\d{4} is/);
  });
});
