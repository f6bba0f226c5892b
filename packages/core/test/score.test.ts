import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeSafetensors } from '../src/formats/safetensors-writer.js';
import { LabeledSet, LinearHead, Pool, type ScoreArgs, score } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails, testFolder } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';

const folder = testFolder();
const relu = digitsEntries[0];
let kernels: Kernels[] = [];
beforeAll(async () => {
  kernels = await everyKernels();
});

/** The agreement asked of per-row numbers. */
const inBand = (value: number, want: number) =>
  value === want || Math.abs(value - want) <= 1e-5 + 1e-4 * Math.abs(want);

describe('score', () => {
  test.each(digitsEntries)('$name: within the band of the golden file on every backend', async (entry) => {
    const { tensors, pool, labeled, head } = goldenCase(entry);
    const caps = tensors.f64('expect_flip_cap');
    for (const each of kernels) {
      const result = await score({ pool, labeled, head, kernels: each });
      expect([...result.pseudoLabel]).toEqual([...tensors.ints('expect_pseudo_label')]);
      for (const [i, cap] of caps.entries()) {
        expect(inBand(result.flipCap[i], cap), `flip cap of row ${i}`).toBe(true);
      }
      for (const name of ['entropy', 'margin', 'confidence'] as const) {
        const want = tensors.f64(`expect_${name}`);
        for (const [i, value] of result[name].entries()) {
          expect(inBand(value, want[i]), `${name} of row ${i}`).toBe(true);
        }
      }
    }
  });

  test('excluded rows, and labelled rows of the pool, do not appear', async () => {
    const { pool, head, labeled } = goldenCase(relu);
    const full = await score({ pool, labeled, head });
    expect(full.row).toEqual(Float64Array.from({ length: relu.n }, (_, i) => i));
    const own = await LabeledSet.fromPool(pool, { rows: [5, 9, 700], labels: [1, 2, 3] });
    const result = await score({ pool, labeled: own, head, exclude: [0, 9, 9, relu.n - 1] });
    expect(result.row).toHaveLength(relu.n - 5);
    for (const row of [0, 5, 9, 700, relu.n - 1]) expect(result.row).not.toContain(row);
    for (const [i, row] of result.row.entries()) {
      expect(result.pseudoLabel[i]).toBe(full.pseudoLabel[row]);
      expect(result.entropy[i]).toBe(full.entropy[row]);
    }
    expect(result.flipCap).toHaveLength(result.row.length);
  });

  test('fits a head when none is given, and says which backend did the work', async () => {
    const { pool, labeled } = goldenCase(relu);
    const stages = new Set<string>();
    const result = await score({ pool, labeled, backend: 'js', onProgress: (stage) => stages.add(stage) });
    expect(result.head.fitted?.crossValidation?.kind).toBe('leave-one-out');
    expect(result.backend).toEqual({ name: 'js', level: 'js', threads: 1 });
    expect(stages).toEqual(new Set(['fit', 'score']));
    expect(Object.keys(result.timings).sort()).toEqual(['fit', 'score']);
    expect(result.timings.score).toBeGreaterThan(0);
  });

  test('a pool on disk gives the same bytes', async () => {
    const { tensors, pool, labeled, head } = goldenCase(relu);
    const path = join(folder.path, 'pool.safetensors');
    const data = tensors.f32('unlabeled');
    await writeSafetensors(path, { emb: { dtype: 'F32', shape: [relu.n, relu.d], data } });
    using file = await Pool.open(path);
    for (const each of kernels) {
      const [a, b] = await Promise.all(
        [pool, file].map((p) => score({ pool: p, labeled, head, kernels: each })),
      );
      expect(b.flipCap).toEqual(a.flipCap);
      expect(b.entropy).toEqual(a.entropy);
    }
  });

  test('a NaN is named by row, id and pool', async () => {
    const { tensors, labeled, head } = goldenCase(relu);
    const data = tensors.f32('unlabeled');
    data[40 * 64 + 3] = Number.NaN;
    const ids = Array.from({ length: relu.n }, (_, i) => `img-${i}`);
    const shape = { rows: relu.n, dim: 64 };
    for (const each of kernels) {
      await fails(
        () => score({ pool: Pool.fromArray(data, shape), labeled, head, kernels: each }),
        'NON_FINITE',
        /^expected finite numbers for row 40 of the pool \(array\), got NaN or infinity$/,
      );
      const error = await fails(
        () => score({ pool: Pool.fromArray(data, { ...shape, ids }), labeled, head, kernels: each }),
        'NON_FINITE',
        /for row 40 \(id "img-40"\) of the pool \(array\)/,
      );
      expect(error.details).toMatchObject({ row: 40, id: 'img-40', pool: 'array' });
    }
  });

  test('an abort', async () => {
    const { pool, labeled, head } = goldenCase(relu);
    for (const each of kernels) {
      const controller = new AbortController();
      const scoring = score({ pool, labeled, head, kernels: each, signal: controller.signal });
      controller.abort('now');
      // A native job may be done before it hears of the abort.
      const outcome = await scoring.then(
        () => undefined,
        (error: Error) => error.cause,
      );
      if (each.backend === 'js') expect(outcome).toBe('now');
    }
    await fails(() => score({ pool, labeled, head, signal: AbortSignal.abort() }), 'ABORTED', /aborted/);
  });

  const parts = goldenCase(relu);
  const otherDim = LinearHead.from({ weight: new Float32Array(20), classes: 10, dim: 2 });
  const few = LinearHead.from({ weight: new Float32Array(3 * 64), classes: 3, dim: 64 });
  test.each<[string, object, string, RegExp]>([
    ['no pool', { pool: undefined }, 'INVALID_ARGUMENT', /^expected a Pool for pool, got undefined$/],
    [
      'an array as pool',
      { pool: new Float32Array(4) },
      'INVALID_ARGUMENT',
      /^expected a Pool for pool, got Float32Array\(4\)$/,
    ],
    [
      'no labels',
      { labeled: undefined },
      'INVALID_ARGUMENT',
      /^expected a LabeledSet for labeled, got undefined$/,
    ],
    ['labels of another kind', { labeled: {} }, 'INVALID_ARGUMENT', /^expected a LabeledSet for labeled/],
    ['a head of another kind', { head: {} }, 'INVALID_ARGUMENT', /^expected a LinearHead for head/],
    [
      'a head of another dim',
      { head: otherDim },
      'SHAPE_MISMATCH',
      /^expected dimension 64, that of the pool \(array\), for the head, got 2$/,
    ],
    [
      'labels of another dim',
      { labeled: LabeledSet.from({ embeddings: [[1], [2]], labels: [0, 1] }) },
      'SHAPE_MISMATCH',
      /for the labelled embeddings, got 1$/,
    ],
    [
      'labels beyond the head',
      { head: few },
      'INVALID_ARGUMENT',
      /^expected a class index below 3, the number of the head's classes, for labels\[\d+\], got \d$/,
    ],
    [
      'an excluded row beyond the pool',
      { exclude: [0, relu.n] },
      'INVALID_ARGUMENT',
      /^expected a row of the pool, 0 to 1449, for exclude\[1\], got 1450$/,
    ],
    ['an excluded fraction', { exclude: [0.5] }, 'INVALID_ARGUMENT', /for exclude\[0\], got 0\.5$/],
    [
      'exclude of another kind',
      { exclude: 3 },
      'INVALID_ARGUMENT',
      /^expected an array of rows for exclude, got 3$/,
    ],
    ['an unknown backend', { backend: 'tpu' }, 'INVALID_ARGUMENT', /for backend, got "tpu"$/],
    ['kernels of another kind', { kernels: {} }, 'INVALID_ARGUMENT', /^expected Kernels for kernels/],
    ['threads 0', { threads: 0 }, 'INVALID_ARGUMENT', /for threads, got 0$/],
    [
      'progress of another kind',
      { onProgress: 'x' },
      'INVALID_ARGUMENT',
      /^expected a function for onProgress, got "x"$/,
    ],
    ['a bad seed', { seed: 1.5 }, 'INVALID_ARGUMENT', /for seed, got 1\.5$/],
  ])('refuses %s', async (_, change, code, message) => {
    await fails(() => score({ ...parts, ...change } as ScoreArgs), code as 'FORMAT', message);
  });

  test('class names that differ from the head', async () => {
    const named = (classNames: string[]) =>
      LinearHead.from({ weight: new Float32Array(4), classes: 2, dim: 2, classNames });
    const pool = Pool.fromArray(new Float32Array(4), { rows: 2, dim: 2 });
    const labeled = LabeledSet.from({
      embeddings: [
        [0, 1],
        [1, 0],
      ],
      labels: [0, 1],
      classNames: ['cat', 'dog'],
    });
    await fails(
      () => score({ pool, labeled, head: named(['dog', 'cat']) }),
      'INVALID_ARGUMENT',
      /^expected "dog", as the head has it, for class name 0 of the labels, got "cat"$/,
    );
    expect((await score({ pool, labeled, head: named(['cat', 'dog']) })).row).toHaveLength(2);
  });

  test('a closed pool', async () => {
    const { pool, labeled, head } = goldenCase(relu);
    pool.close();
    await fails(() => score({ pool, labeled, head }), 'INVALID_ARGUMENT', /closed/);
  });
});
