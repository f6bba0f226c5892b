import { beforeAll, describe, expect, test } from 'vitest';
import {
  explain,
  getKernels,
  LabeledSet,
  LinearHead,
  openDataset,
  Pool,
  score,
  select,
  simulate,
} from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails, floats, testFolder } from './support/files.js';
import { flipJob } from './support/flip-job.js';
import { everyKernels } from './support/golden-cases.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

const pool = Pool.fromArray(floats(40), { rows: 20, dim: 2 });
const labeled = LabeledSet.from({
  embeddings: [
    [0, 1],
    [1, 0],
  ],
  labels: [0, 1],
});
const head = LinearHead.from({ weight: floats(4), classes: 2, dim: 2 });
// biome-ignore lint/suspicious/noExplicitAny: what JavaScript may pass
const any = (value?: unknown): any => value;
const { put } = testFolder();
const csv = put('rows.csv', 'x,label\n1,a\n2,b\n');
const notASignal = any({ aborted: false });

test.each<[string, (args: object) => unknown, object, string]>([
  [
    'select',
    (args) => select(any(args)),
    { pool, budget: 3, strategy: 'random' },
    'pool, labeled, head, model, ',
  ],
  ['score', (args) => score(any(args)), { pool, labeled, head }, 'pool, labeled, head, exclude, '],
  [
    'explain',
    (args) => explain(any(args)),
    { pool, labeled, head, picks: [] },
    'pool, labeled, head, picks, ',
  ],
  [
    'LinearHead.fit',
    (args) => LinearHead.fit(any(args)),
    { labeled, l2: 1 },
    'labeled, embeddings, labels, ',
  ],
  [
    'LinearHead.from',
    (args) => LinearHead.from(any(args)),
    { weight: floats(4), classes: 2, dim: 2 },
    'weight, bias, classes, ',
  ],
  [
    'LabeledSet.from',
    (args) => LabeledSet.from(any(args)),
    { embeddings: [[1]], labels: [0] },
    'embeddings, labels, ',
  ],
  [
    'LabeledSet.fromPool',
    (args) => LabeledSet.fromPool(pool, any(args)),
    { rows: [0], labels: [0] },
    'rows, labels, ',
  ],
  [
    'the options of Pool.fromArray',
    (args) => Pool.fromArray(floats(4), any(args)),
    { rows: 2, dim: 2 },
    'rows, dim, ',
  ],
  ['the options of Pool.open', (args) => Pool.open(csv, any(args)), {}, 'ids, '],
  ['the options of getKernels', (args) => getKernels('js', any(args)), { level: 'js' }, 'level'],
  ['the options of openDataset', (args) => openDataset(csv, any(args)), {}, 'labelName, '],
])('a misspelt argument of %s is refused, with those it takes', async (name, call, args, known) => {
  await call(args);
  const words = new RegExp(
    `^expected one of ${known}.* for ${name.startsWith('the ') ? '' : 'the arguments of '}${name}, got "budgte"$`,
  );
  await fails(() => call({ ...args, budgte: 3 }), 'INVALID_ARGUMENT', words);
});

test('a name without a value is no argument', async () => {
  const data = Float32Array.of(1, 2, 3, 4);
  const args = { rows: 2, dim: 2, budgte: undefined };
  expect(Pool.fromArray(data, args).rows).toBe(2);
});

test('a misspelt argument or setting of simulate is refused', async () => {
  const odd = /^expected one of folder, settings, .* for the arguments of simulate, got "job"$/;
  await fails(() => simulate(any({ settings: {}, job: 2 })), 'INVALID_ARGUMENT', odd);
  const setting = /^expected one of format, .* for the settings of simulate, got "seed"$/;
  await fails(() => simulate(any({ settings: { seed: 1 } })), 'INVALID_ARGUMENT', setting);
  await fails(() => simulate(any()), 'INVALID_ARGUMENT', /an object of named arguments for simulate/);
});

test.each<[string, () => unknown, RegExp]>([
  ['select()', () => select(any()), /an object of named arguments for select, got undefined/],
  ['score()', () => score(any()), /an object of named arguments for score, got undefined/],
  ['explain()', () => explain(any(null)), /an object of named arguments for explain, got null/],
  ['LinearHead.from()', () => LinearHead.from(any()), /arguments for LinearHead.from, got undefined/],
  ['LinearHead.fit()', () => LinearHead.fit(any()), /arguments for LinearHead.fit, got undefined/],
  [
    'Pool.fromArray(data)',
    () => Pool.fromArray(floats(4), any()),
    /the options of Pool.fromArray, got undefined/,
  ],
  ['gather()', () => pool.gather(any()), /an array of rows for rows, got undefined/],
  ['gather(3)', () => pool.gather(any(3)), /an array of rows for rows, got 3/],
  ['LabeledSet.from()', () => LabeledSet.from(any()), /arguments for LabeledSet.from, got undefined/],
  [
    'no labels',
    () => LabeledSet.from(any({ embeddings: [[1]] })),
    /an array of integers for labels, got undefined/,
  ],
  [
    'labels of a negative length',
    () => LabeledSet.from({ embeddings: [[1]], labels: { length: -1 } }),
    /an array of integers for labels, got an object/,
  ],
  ['a pool that is none', () => LabeledSet.fromPool(any(), { rows: [0], labels: [0] }), /a Pool for pool/],
  ['fromPool(pool)', () => LabeledSet.fromPool(pool, any()), /arguments for LabeledSet.fromPool/],
  [
    'no rows',
    () => LabeledSet.fromPool(pool, any({ labels: [1] })),
    /an array of integers for rows, got undefi/,
  ],
  [
    'no labels of rows',
    () => LabeledSet.fromPool(pool, any({ rows: [1] })),
    /an array of integers for labels, got/,
  ],
  [
    'a signal that is none, of fromPool',
    () => LabeledSet.fromPool(pool, { rows: [0], labels: [0], signal: notASignal }),
    /an AbortSignal for signal, got an object/,
  ],
  ['of gather', () => pool.gather([0], { signal: notASignal }), /an AbortSignal for signal, got an object/],
  ['of open', () => Pool.open('x.npy', { signal: notASignal }), /an AbortSignal for signal, got an object/],
  [
    'of select',
    () => select({ pool, labeled, head, budget: 1, signal: notASignal }),
    /an AbortSignal for signal, got an object/,
  ],
  ['of fit', () => LinearHead.fit({ labeled, signal: notASignal }), /an AbortSignal for signal, got an obj/],
])('%s is refused in the one wording', async (_, call, message) => {
  const error = await fails(call, 'INVALID_ARGUMENT', message);
  expect(error.message).toMatch(/^expected .* for .*, got /);
});

describe('clusters to explain', () => {
  const long = Object.defineProperty({}, 'length', { get: () => 1e9 });
  test.each([
    [true, 'INVALID_ARGUMENT', /^expected an array of rows for clusters.rows, got undefined/],
    [{}, 'INVALID_ARGUMENT', /clusters.rows, got undefined/],
    [{ rows: [1], labels: null }, 'INVALID_ARGUMENT', /clusters.labels, got null/],
    [{ rows: [1], labels: long }, 'INVALID_ARGUMENT', /clusters.labels, got an object/],
    [{ rows: long, labels: [1] }, 'INVALID_ARGUMENT', /clusters.rows, got an object/],
    [
      { rows: [1, 2, 3], labels: [0] },
      'SHAPE_MISMATCH',
      /^expected 3 values, one a row, for clusters.labels/,
    ],
    [{ rows: [99], labels: [0] }, 'INVALID_ARGUMENT', /a row of the pool, 0 to 19, for clusters.rows\[0\]/],
    [{ rows: [1.5], labels: [0] }, 'INVALID_ARGUMENT', /clusters.rows\[0\], got 1.5/],
    [{ rows: [1], labels: [-1] }, 'INVALID_ARGUMENT', /clusters.labels\[0\], got -1/],
  ] as const)('%o', async (clusters, code, message) => {
    const picks = [{ row: 1, cluster: 0 }];
    await fails(() => explain({ pool, labeled, head, picks, clusters: any(clusters) }), code, message);
  });
});

test('a detached buffer under labels is named', async () => {
  const detached = (use: (set: LabeledSet) => unknown) => async () => {
    const embeddings = floats(8);
    const set = LabeledSet.from({ embeddings, labels: [0, 1, 0, 1] });
    structuredClone(embeddings, { transfer: [embeddings.buffer as ArrayBuffer] });
    await use(set);
  };
  const message = /^expected 8 values for the labelled embeddings, got 0: their buffer was detached$/;
  const uses = [
    (set: LabeledSet) => LinearHead.fit({ labeled: set }),
    (set: LabeledSet) => select({ pool, labeled: set, head, budget: 1 }),
    (set: LabeledSet) => score({ pool, labeled: set, head }),
  ];
  for (const use of uses) await fails(detached(use), 'INVALID_ARGUMENT', message);
  const gone = floats(4);
  structuredClone(gone, { transfer: [gone.buffer as ArrayBuffer] });
  await fails(
    () => LabeledSet.from({ embeddings: gone, labels: [0] }),
    'INVALID_ARGUMENT',
    /^expected a Float32Array for embeddings, got a detached one$/,
  );
});

test('what onProgress throws is what the caller gets, of every backend', async () => {
  const mine = new RangeError('mine');
  const onProgress = () => {
    throw mine;
  };
  for (const kernels of makers) {
    const found = await kernels.flipSearch({ ...flipJob(2000, 16, 4), onProgress }).catch((error) => error);
    expect(found, kernels.level).toBe(mine);
  }
});

test('a signal shared by many calls carries one listener', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on('warning', warn);
  const calls = makers.flatMap((kernels) =>
    Array.from({ length: 15 }, () => kernels.flipSearch({ ...flipJob(3000, 32, 8), signal })),
  );
  const settled = await Promise.allSettled(calls);
  process.off('warning', warn);
  expect(warnings).toEqual([]);
  expect(settled.every(({ status }) => status === 'fulfilled')).toBe(true);
  const long = { ...flipJob(100_000, 32, 8), signal };
  const late = makers.map((kernels) => kernels.flipSearch(long));
  controller.abort();
  for (const { status } of await Promise.allSettled(late)) expect(status).toBe('rejected');
});
