import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { holdOut, makeDataset, openDataset, scaleFeatures, takeRows } from '../src/index.js';
import { fails, npy, testFolder } from './support/files.js';
import { zip } from './support/zip.js';

const { path, put } = testFolder();

/** An IDX file of bytes. */
function idx(shape: readonly number[], bytes: readonly number[], type = 8): Uint8Array {
  const file = new Uint8Array(4 + 4 * shape.length + bytes.length);
  file.set([0, 0, type, shape.length]);
  shape.forEach((size, i) => {
    new DataView(file.buffer).setUint32(4 + 4 * i, size);
  });
  file.set(bytes, 4 + 4 * shape.length);
  return file;
}

function folder(name: string, files: Record<string, Uint8Array>): string {
  mkdirSync(join(path, name));
  for (const [file, bytes] of Object.entries(files)) put(join(name, file), bytes);
  return join(path, name);
}

const images = idx([3, 2, 2], [0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
const labels = idx([3], [7, 3, 7]);
const mnist = folder('mnist', {
  't10k-images-idx3-ubyte.gz': gzipSync(images),
  't10k-labels-idx1-ubyte': labels,
});

describe('idx:', () => {
  test('gzipped or not; classes in order of their numbers', async () => {
    const set = await openDataset(`idx:${mnist}`);
    expect(set).toMatchObject({ rows: 3, dim: 4, classNames: ['3', '7'] });
    expect([...set.labels]).toEqual([1, 0, 1]);
    expect([...set.features]).toEqual([0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(set.features.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test('a slice of rows, and the pool’s classes for the test rows', async () => {
    const pool = await openDataset(`idx:${mnist}[0:2]`);
    expect([...pool.labels]).toEqual([1, 0]);
    const last = await openDataset(`idx:${mnist}[2:]`, { classNames: pool.classNames });
    expect([...last.features]).toEqual([7, 8, 9, 10]);
    expect([...last.labels]).toEqual([1]);
    await fails(
      () => openDataset(`idx:${mnist}[2:]`, { classNames: ['1', '2'] }),
      'INVALID_ARGUMENT',
      /^expected one of the 2 classes of the pool for row 0 of .*, got "7"$/,
    );
    for (const slice of ['[a:b]', '[5]', '[-2:]', '[0:2:1]', '[]']) {
      const got = await fails(
        () => openDataset(`idx:${mnist}${slice}`),
        'INVALID_ARGUMENT',
        /^expected a slice of rows, \[from:to\], for idx:/,
      );
      expect(got.message).toContain(`${slice}, got "${slice}"`);
    }
    for (const slice of ['[0:4]', '[2:2]', '[3:]', '[2:1]'])
      await fails(() => openDataset(`idx:${mnist}${slice}`), 'INVALID_ARGUMENT', /slice within 3 rows/);
  });

  test('of several sets one is named', async () => {
    const both = folder('both', {
      'train-images-idx3-ubyte': images,
      'train-labels-idx1-ubyte': labels,
      't10k-images-idx3-ubyte': idx([1, 2, 2], [1, 2, 3, 4]),
      't10k-labels-idx1-ubyte': idx([1], [0]),
    });
    await fails(() => openDataset(`idx:${both}`), 'INVALID_ARGUMENT', /one set of IDX images .*idx:.*t10k$/);
    expect((await openDataset(`idx:${both}/train`)).rows).toBe(3);
    expect((await openDataset(`idx:${both}/t10k`)).rows).toBe(1);
    await fails(() => openDataset(`idx:${both}/val`), 'INVALID_ARGUMENT', /found none/);
    await fails(() => openDataset(`idx:${both}/no/train`), 'IO', /no such file or folder/);
  });

  test.each([
    ['short', idx([3, 2, 2], [1, 2, 3]), /expected 12 bytes of data for shape \(3, 2, 2\), got 3/],
    ['long', idx([1, 2], [1, 2, 3]), /expected 2 bytes of data/],
    ['huge', idx([0xffffffff, 0xffffffff], [1]), /expected 1844674406\d* bytes|bytes of data/],
    ['float', idx([3], [1, 2, 3], 13), /unsigned bytes \(type 8\), got type 13/],
    ['text', new TextEncoder().encode('no idx'), /expected an IDX file/],
    ['header', new Uint8Array([0, 0, 8, 3, 0]), /header ends at byte 5/],
    ['broken-gzip', gzipSync(images).subarray(0, 20), /gzip data can't be read/],
  ])('%s', async (name, bytes, message) => {
    const bad = folder(`bad-${name}`, { 'images-idx3-ubyte': bytes, 'labels-idx1-ubyte': labels });
    await fails(() => openDataset(`idx:${bad}`), 'FORMAT', message);
  });

  test('labels of another number', async () => {
    const bad = folder('uneven', { 'images-idx3-ubyte': images, 'labels-idx1-ubyte': idx([2], [1, 2]) });
    await fails(
      () => openDataset(`idx:${bad}`),
      'FORMAT',
      /expected 3 labels, one an image of images-idx3-ubyte/,
    );
  });
});

describe('csv: and tensors', () => {
  test('a CSV with a label column, wherever it is', async () => {
    const file = put('rows.csv', 'id,a,label,b\nx,1,dog,2\ny,3,"cat, big",4\n');
    for (const spec of [`csv:${file}`, file]) {
      const set = await openDataset(spec);
      expect(set).toMatchObject({ rows: 2, dim: 2, classNames: ['cat, big', 'dog'] });
      expect([...set.labels]).toEqual([1, 0]);
      expect([...set.features]).toEqual([1, 2, 3, 4]);
    }
    const named = put('other.csv', 'kind,a\n1,5\n10,6\n2,7\n');
    expect((await openDataset(named, { labelName: 'kind' })).classNames).toEqual(['1', '2', '10']);
    await fails(() => openDataset(named), 'INVALID_ARGUMENT', /column "label" with the labels/);
    const blank = put('blank.csv', 'label,a\nx,1\n,2\n');
    await fails(() => openDataset(blank), 'FORMAT', /line 3: expected a label/);
    await fails(() => openDataset(put('bare.csv', 'label\nx\n')), 'FORMAT', /features beside the labels/);
  });

  test('npz: embeddings and labels by their names or kinds', async () => {
    const members = [
      { name: 'emb.npy', data: npy(Float32Array.of(1, 2, 3, 4), [2, 2]) },
      { name: 'y.npy', data: npy(BigInt64Array.of(5n, 3n), [2], { descr: "'<i8'" }) },
      { name: 'other.npy', data: npy(BigInt64Array.of(1n), [1], { descr: "'<i8'" }) },
    ];
    const file = put('set.npz', zip(members));
    const set = await openDataset(file);
    expect([...set.labels]).toEqual([1, 0]);
    expect(set.classNames).toEqual(['3', '5']);
    await fails(() => openDataset(file, { labelName: 'other' }), 'SHAPE_MISMATCH', /expected 2 labels/);
    await fails(() => openDataset(file, { labelName: 'none' }), 'INVALID_ARGUMENT', /none/);
  });

  test.each(['digits', 'csv', 'rows.npy', '', 'idx'])('%j is no data', async (spec) => {
    await fails(() => openDataset(spec), 'INVALID_ARGUMENT', /^expected csv:FILE, idx:DIR/);
  });
});

const small = (features: number[], classes: string[]) =>
  makeDataset('small', {
    features: Float32Array.from(features),
    rows: classes.length,
    dim: features.length / classes.length,
    labels: classes,
  });

describe('scale', () => {
  test('by what the pool says, the test rows alike', () => {
    const sets = () => [small([0, 5, 2, 5, 4, 5], ['a', 'b', 'a']), small([6, 10], ['a'])] as const;
    const scaled = (scale: 'none' | 'standard' | 'max' | 'mnist') => {
      const [pool, other] = sets();
      scaleFeatures(scale, pool, other);
      return [[...pool.features], [...other.features]];
    };
    expect(scaled('none')).toEqual([
      [0, 5, 2, 5, 4, 5],
      [6, 10],
    ]);
    const root = Math.fround(2 / Math.sqrt(8 / 3));
    expect(scaled('standard')).toEqual([
      [-root, 0, 0, 0, root, 0],
      [Math.fround(4 / Math.sqrt(8 / 3)), 0],
    ]);
    expect(scaled('max')[1]).toEqual([Math.fround(6 / 5), 2]);
    expect(scaled('mnist')[0][0]).toBeCloseTo(-0.1307 / 0.3081, 6);
    expect(scaled('mnist')[0][1]).toBeCloseTo((5 / 255 - 0.1307) / 0.3081, 6);
  });
});

describe('holdOut', () => {
  test('a fifth of the rows, by the seed, nothing twice', () => {
    const labels = Array.from({ length: 50 }, (_, i) => String(i % 3));
    const set = small(
      labels.map((_, i) => i),
      labels,
    );
    const { pool, test: held } = holdOut(set, 3);
    expect([pool.rows, held.rows]).toEqual([40, 10]);
    expect([...pool.features, ...held.features].sort((a, b) => a - b)).toEqual([...set.features]);
    for (const part of [pool, held]) expect([...part.labels]).toEqual([...part.features].map((i) => i % 3));
    expect(holdOut(set, 3).test.features).toEqual(held.features);
    expect(holdOut(set, 4).test.features).not.toEqual(held.features);
  });

  test('rows taken are copies', () => {
    const set = small([1, 2, 3, 4], ['a', 'b']);
    const taken = takeRows(set, [1]);
    taken.features[0] = 9;
    expect([...set.features]).toEqual([1, 2, 3, 4]);
  });
});

test('features that are not finite', async () => {
  expect(() => small([1, Number.NaN], ['a', 'b'])).toThrow(/finite features for row 1 of small, got NaN/);
});
