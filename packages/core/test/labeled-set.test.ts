import { describe, expect, test } from 'vitest';
import { LabeledSet, type LabeledSetArgs } from '../src/labels/labeled-set.js';
import { Pool } from '../src/pool/pool.js';
import { fails, floats, npy, testFolder } from './support/files.js';

const { put } = testFolder();

describe('LabeledSet.from', () => {
  const from = (args: object) => () =>
    LabeledSet.from({ embeddings: floats(6), labels: [0, 1, 2], ...args } as LabeledSetArgs);

  test('an array in place, or rows of numbers', () => {
    const embeddings = floats(6);
    const set = LabeledSet.from({
      embeddings,
      labels: BigInt64Array.of(0n, 2n, 0n),
      classNames: ['a', 'b', 'c'],
    });
    expect(set.embeddings).toBe(embeddings);
    expect([set.rows, set.dim, [...set.labels]]).toEqual([3, 2, [0, 2, 0]]);
    expect([set.pool, set.poolRows, set.classNames]).toEqual([undefined, undefined, ['a', 'b', 'c']]);
    const rows = LabeledSet.from({ embeddings: [[1, 2], Float64Array.of(3, 4)], labels: [1, 0], dim: 2 });
    expect(rows.embeddings).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test('labels', async () => {
    await fails(from({ labels: [] }), 'INVALID_ARGUMENT', /^expected at least one label, got none$/);
    for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '1', undefined]) {
      await fails(
        from({ labels: [0, bad, 1] }),
        'INVALID_ARGUMENT',
        /^expected a class index, 0 or a larger integer, for labels\[1\], got /,
      );
    }
    await fails(
      from({ classNames: ['a', 'b'] }),
      'INVALID_ARGUMENT',
      /^expected a class index below 2, the number of class names, for labels\[2\], got 2$/,
    );
    await fails(
      from({ classNames: [] }),
      'INVALID_ARGUMENT',
      /expected an array of at least one name for classNames/,
    );
    await fails(
      from({ classNames: ['a', 'b', 'a'] }),
      'INVALID_ARGUMENT',
      /expected different names for classNames, got "a" twice/,
    );
    await fails(
      from({ classNames: ['a', 3, 'b'] }),
      'INVALID_ARGUMENT',
      /expected an array of strings for classNames, got 3/,
    );
  });

  test('embeddings', async () => {
    await fails(
      from({ labels: [0, 1, 0, 1] }),
      'SHAPE_MISMATCH',
      /^expected a multiple of 4 values for embeddings, one row a label, got 6$/,
    );
    await fails(
      from({ dim: 3 }),
      'SHAPE_MISMATCH',
      /^expected 3 × 3 values for embeddings, one row a label, got 6$/,
    );
    await fails(from({ embeddings: floats(0) }), 'SHAPE_MISMATCH', /got 0$/);
    await fails(from({ embeddings: [] }), 'SHAPE_MISMATCH', /got 0$/);
    await fails(from({ dim: 0 }), 'INVALID_ARGUMENT', /^expected a positive integer for dim, got 0$/);
    await fails(
      from({ embeddings: [[1, 2], [3], [4, 5]] }),
      'SHAPE_MISMATCH',
      /^expected 2 values for embeddings\[1\], got 1$/,
    );
    await fails(
      from({
        embeddings: [
          [1, 2],
          [3, '4'],
          [4, 5],
        ],
      }),
      'INVALID_ARGUMENT',
      /^expected a number for embeddings\[1\]\[1\], got "4"$/,
    );
    await fails(
      from({ embeddings: [1, 2, 3] }),
      'INVALID_ARGUMENT',
      /^expected an array of numbers for embeddings\[0\], got 1$/,
    );
    await fails(
      from({ embeddings: 'abc' }),
      'INVALID_ARGUMENT',
      /^expected a Float32Array or an array of rows for embeddings, got "abc"$/,
    );
    await fails(from({ embeddings: new Float64Array(6) }), 'INVALID_ARGUMENT', /got Float64Array\(6\)$/);
    await fails(
      from({ embeddings: Float32Array.of(1, 2, 3, Number.NaN, 5, 6) }),
      'NON_FINITE',
      /^expected finite numbers for row 1 of embeddings, got NaN at column 1$/,
    );
    await fails(
      from({
        embeddings: [
          [1, 2],
          [3, 4],
          [1e39, 5],
        ],
      }),
      'NON_FINITE',
      /^expected finite numbers for row 2 of embeddings, got Infinity at column 0$/,
    );
  });
});

describe('LabeledSet.fromPool', () => {
  const pool = Pool.fromArray(floats(20), { rows: 10, dim: 2 });

  test('gathers the rows, repeats with one label merged', async () => {
    const set = await LabeledSet.fromPool(pool, { rows: [7, 2, 7, 0], labels: [1n, 0, 1, 3] });
    expect([...set.poolRows!]).toEqual([7, 2, 0]);
    expect([...set.labels]).toEqual([1, 0, 3]);
    expect(set.pool).toBe(pool);
    expect(set.embeddings).toEqual(await pool.gather([7, 2, 0]));
    const onDisk = await Pool.open(put('p.npy', npy(floats(20), [10, 2])));
    expect((await LabeledSet.fromPool(onDisk, { rows: [7, 2], labels: [1, 0] })).embeddings).toEqual(
      await pool.gather([7, 2]),
    );
  });

  test('bad input', async () => {
    const from = (rows: number[], labels: number[]) => () => LabeledSet.fromPool(pool, { rows, labels });
    await fails(from([1, 2], [0]), 'SHAPE_MISMATCH', /^expected one label a row, 2, for labels, got 1$/);
    await fails(from([], []), 'INVALID_ARGUMENT', /^expected at least one label, got none$/);
    await fails(
      from([1, 10], [0, 0]),
      'INVALID_ARGUMENT',
      /^expected a row of the pool, 0 to 9, for rows\[1\], got 10$/,
    );
    await fails(from([1, -1], [0, 0]), 'INVALID_ARGUMENT', /for rows\[1\], got -1$/);
    await fails(from([1, 2], [0, -3]), 'INVALID_ARGUMENT', /for labels\[1\], got -3$/);
    await fails(
      from([4, 2, 4], [3, 0, 5]),
      'INVALID_ARGUMENT',
      /^expected one label for row 4, got 3 \(position 0\) and 5 \(position 2\)$/,
    );
    const bad = Pool.fromArray(Float32Array.of(1, 2, 3, Number.NEGATIVE_INFINITY), { rows: 2, dim: 2 });
    await fails(
      () => LabeledSet.fromPool(bad, { rows: [1], labels: [0] }),
      'NON_FINITE',
      /^expected finite numbers for row 1 of the pool \(array\), got -Infinity at column 1$/,
    );
    const closed = Pool.fromArray(floats(4), { rows: 2, dim: 2 });
    closed.close();
    await fails(
      () => LabeledSet.fromPool(closed, { rows: [1], labels: [0] }),
      'INVALID_ARGUMENT',
      /which is closed$/,
    );
    await fails(
      () => LabeledSet.fromPool(pool, { rows: [1], labels: [0], signal: AbortSignal.abort('x') }),
      'ABORTED',
      /aborted/,
    );
  });
});
