import { describe, expect, test } from 'vitest';
import type { FlipSearchArgs, KMeansArgs, NearestMembersArgs } from '../src/kernels/kernels.js';
import { validateFlipSearch, validateNormalizeRows } from '../src/kernels/validate.js';
import { validateKMeans, validateNearestMembers } from '../src/kernels/validate-kmeans.js';
import { fails } from './support/files.js';

const flip = (): FlipSearchArgs => ({
  data: new Float32Array(12),
  rows: 4,
  dim: 3,
  weight: new Float32Array(6),
  bias: new Float32Array(2),
  classes: 2,
  anchors: new Float32Array(6),
});

const kmeans = (): KMeansArgs => ({ data: new Float32Array(12), rows: 4, dim: 3, clusters: 2 });

const nearest = (): NearestMembersArgs => ({
  ...kmeans(),
  centers: new Float32Array(6),
  labels: Int32Array.of(0, 1, 0, 1),
});

function detached(): Float32Array {
  const data = new Float32Array(12);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  return data;
}

function resizable(): Float32Array {
  // The option came with ES2024; Node 20 has it.
  const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Float32Array(new Resizable(48, { maxByteLength: 96 }));
}

describe('validateFlipSearch', () => {
  test('takes typed arrays, views, shared memory, files, and no anchors', () => {
    validateFlipSearch(flip());
    validateFlipSearch({ ...flip(), data: new Float32Array(20).subarray(3, 15) });
    validateFlipSearch({ ...flip(), data: new Float32Array(new SharedArrayBuffer(48)) });
    validateFlipSearch({ ...flip(), data: { segments: [{ path: 'a.npy', offset: 80, rows: 4 }] } });
    validateFlipSearch({ ...flip(), anchors: new Float32Array(0) });
    validateFlipSearch({
      ...flip(),
      threads: 256,
      onProgress: () => {},
      signal: new AbortController().signal,
    });
  });

  test.each<[string, object, RegExp]>([
    ['a plain array', { data: [1, 2, 3] }, /^expected a Float32Array for data, got an array of 3$/],
    [
      'another type',
      { weight: new Float64Array(6) },
      /^expected a Float32Array for weight, got Float64Array\(6\)$/,
    ],
    ['nothing', { data: undefined }, /^expected a Float32Array for data, got undefined$/],
    ['a detached buffer', { data: detached() }, /^expected a Float32Array for data, got a detached one$/],
    ['a resizable buffer', { data: resizable() }, /fixed-length buffer for data, got a resizable one$/],
    ['rows 0', { rows: 0 }, /^expected a positive integer for rows, got 0$/],
    ['a fraction', { dim: 1.5 }, /for dim, got 1.5$/],
    ['NaN', { rows: Number.NaN }, /for rows, got NaN$/],
    ['one class', { classes: 1 }, /^expected an integer from 2 to \d+ for classes, got 1$/],
    ['no threads', { threads: 0 }, /^expected an integer from 1 to 256 for threads, got 0$/],
    ['many threads', { threads: 257 }, /for threads, got 257$/],
    ['a signal that is none', { signal: {} }, /^expected an AbortSignal for signal/],
    ['progress that is no function', { onProgress: 1 }, /^expected a function for onProgress, got 1$/],
    ['a segment without path', { data: { segments: [{ offset: 0, rows: 4 }] } }, /for segments\[0\]\.path/],
    ['a null segment', { data: { segments: [null] } }, /for segments\[0\]\.path/],
  ])('refuses %s', async (_, change, message) => {
    await fails(
      () => validateFlipSearch({ ...flip(), ...change } as FlipSearchArgs),
      'INVALID_ARGUMENT',
      message,
    );
  });

  test.each<[string, object, RegExp]>([
    ['data', { data: new Float32Array(11) }, /^expected 12 values \(4 x 3\) for data, got 11$/],
    ['weight', { weight: new Float32Array(5) }, /^expected 6 values \(2 x 3\) for weight, got 5$/],
    ['bias', { bias: new Float32Array(3) }, /^expected 2 values \(2 x 1\) for bias, got 3$/],
    ['anchors', { anchors: new Float32Array(4) }, /^expected a multiple of dim 3 values for anchors, got 4$/],
    [
      'segments',
      { data: { segments: [{ path: 'a', offset: 0, rows: 3 }] } },
      /4 rows in all for segments, got 3$/,
    ],
  ])('refuses a wrong length of %s', async (_, change, message) => {
    await fails(
      () => validateFlipSearch({ ...flip(), ...change } as FlipSearchArgs),
      'SHAPE_MISMATCH',
      message,
    );
  });

  test('names the place of a NaN', async () => {
    const weight = new Float32Array(6);
    weight[4] = Number.NaN;
    const message = /^expected finite values for weight, got NaN at row 1, column 1$/;
    const error = await fails(() => validateFlipSearch({ ...flip(), weight }), 'NON_FINITE', message);
    expect(error.details).toMatchObject({ row: 1, column: 1 });
  });

  test('an aborted signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const error = await fails(() => validateFlipSearch({ ...flip(), signal }), 'ABORTED', /aborted/);
    expect(error.cause).toEqual(new Error('enough'));
  });
});

describe('validateKMeans', () => {
  test.each<[object, RegExp]>([
    [{ clusters: 5 }, /^expected an integer from 1 to 4 for clusters, got 5$/],
    [{ clusters: 0 }, /for clusters, got 0$/],
    [{ seed: -1 }, /^expected an integer of at least 0 for seed, got -1$/],
    [{ seed: 2 ** 53 }, /for seed/],
    [{ nInit: 0 }, /for nInit, got 0$/],
    [{ maxIterations: 0 }, /for maxIterations, got 0$/],
    [{ algorithm: 'elkan' }, /^expected lloyd or hartigan for algorithm, got "elkan"$/],
    [{ index: Int32Array.of(0, 1, 2, 4) }, /^expected a row from 0 to 3 for index\[3\], got 4$/],
    [{ index: Int32Array.of(-1, 1, 2, 3) }, /^expected a row from 0 to 3 for index\[0\], got -1$/],
    [{ index: [0, 1, 2, 3] }, /Int32Array for index/],
  ])('refuses %o', async (change, message) => {
    await fails(() => validateKMeans({ ...kmeans(), ...change }), 'INVALID_ARGUMENT', message);
  });

  test('checks index and scale against rows', async () => {
    validateKMeans({ ...kmeans(), data: new Float32Array(30), index: Int32Array.of(9, 0, 0, 5) });
    validateKMeans({ ...kmeans(), scale: new Float32Array(4) });
    await fails(
      () => validateKMeans({ ...kmeans(), index: Int32Array.of(0) }),
      'SHAPE_MISMATCH',
      /^expected 4 values, one a row, for index, got 1$/,
    );
    await fails(
      () => validateKMeans({ ...kmeans(), data: new Float32Array(13), index: new Int32Array(4) }),
      'SHAPE_MISMATCH',
      /^expected a multiple of dim 3 values for data, got 13$/,
    );
    await fails(
      () => validateKMeans({ ...kmeans(), scale: new Float32Array(3) }),
      'SHAPE_MISMATCH',
      /for scale, got 3$/,
    );
    await fails(
      () => validateKMeans({ ...kmeans(), scale: Float32Array.of(1, Number.NaN, 1, 1) }),
      'NON_FINITE',
      /got NaN at row 1, column 0$/,
    );
  });

  test('checks initial centers', async () => {
    validateKMeans({ ...kmeans(), initialCenters: new Float32Array(6) });
    const short = new Float32Array(3);
    await fails(
      () => validateKMeans({ ...kmeans(), initialCenters: short }),
      'SHAPE_MISMATCH',
      /initialCenters, got 3$/,
    );
    const bad = new Float32Array(6).fill(Number.POSITIVE_INFINITY);
    await fails(
      () => validateKMeans({ ...kmeans(), initialCenters: bad }),
      'NON_FINITE',
      /got Infinity at row 0, column 0$/,
    );
  });
});

describe('validateNearestMembers and validateNormalizeRows', () => {
  test('refuse what does not fit', async () => {
    validateNearestMembers(nearest());
    await fails(
      () => validateNearestMembers({ ...nearest(), labels: Int32Array.of(0, 1, 2, 0) }),
      'INVALID_ARGUMENT',
      /^expected a cluster from 0 to 1 for labels\[2\], got 2$/,
    );
    await fails(
      () => validateNearestMembers({ ...nearest(), labels: Int32Array.of(0) }),
      'SHAPE_MISMATCH',
      /^expected 4 values, one a row, for labels, got 1$/,
    );
    await fails(
      () => validateNearestMembers({ ...nearest(), tolerance: -1 }),
      'INVALID_ARGUMENT',
      /for tolerance, got -1$/,
    );
    validateNormalizeRows({ data: new Float32Array(6), rows: 2, dim: 3 });
    await fails(
      () => validateNormalizeRows({ data: new Float32Array(5), rows: 2, dim: 3 }),
      'SHAPE_MISMATCH',
      /^expected 6 values \(2 x 3\) for data, got 5$/,
    );
  });
});
