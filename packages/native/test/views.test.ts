import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { addon, errorOf, hasAddon, options } from './addon.js';

const rows = 2;
const dim = 2;
const values = [3, 4, 0, 5];
const units = [3 / 5, 4 / 5, 0, 1].map(Math.fround);
const normalize = (data: Float32Array) => addon.normalizeRows({ ...options, data, rows, dim }).promise;

describe.skipIf(!hasAddon)('typed arrays as inputs', () => {
  it('are read from their byte offset', async () => {
    const whole = Float32Array.of(9, 9, 9, ...values, 9);
    expect(Array.from(await normalize(whole.subarray(3, 7)))).toEqual(units);
    expect(Array.from(whole)).toEqual([9, 9, 9, ...values, 9]);
  });

  it('may share a SharedArrayBuffer', async () => {
    const data = new Float32Array(new SharedArrayBuffer(24), 4, 4);
    data.set(values);
    expect(Array.from(await normalize(data))).toEqual(units);
    const labels = new Int32Array(new SharedArrayBuffer(8));
    labels.set([0, 1]);
    const centers = new Float32Array(new SharedArrayBuffer(16));
    const call = { ...options, data, rows, dim, centers, clusters: 2, labels, tolerance: 0 };
    expect(Array.from(await addon.nearestMembers(call).promise)).toEqual([0, 1]);
  });

  it('may share a growable SharedArrayBuffer, which never shrinks', async () => {
    const buffer: SharedArrayBuffer = Reflect.construct(SharedArrayBuffer, [16, { maxByteLength: 64 }]);
    const data = new Float32Array(buffer);
    data.set(values);
    expect(Array.from(await normalize(data))).toEqual(units);
  });

  it('may come from another realm', async () => {
    const data: Float32Array = runInNewContext('Float32Array.of(3, 4, 0, 5)');
    expect(data).not.toBeInstanceOf(Float32Array);
    expect(Array.from(await normalize(data))).toEqual(units);
  });

  it('may be small enough to live inside the JavaScript heap', async () => {
    const results = await Promise.all(
      Array.from({ length: 200 }, () => normalize(Float32Array.from(values))),
    );
    for (const result of results) expect(Array.from(result)).toEqual(units);
  });

  it('are refused when detached', () => {
    const data = Float32Array.from(values);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    const error = errorOf(() => normalize(data));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toBe(
      'expected a Float32Array on a buffer of fixed length for data, got a detached one',
    );
  });

  it('are refused on a resizable buffer, whose memory may go away', () => {
    const buffer: ArrayBuffer = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]);
    for (const data of [new Float32Array(buffer), new Float32Array(buffer, 0, 4)]) {
      const error = errorOf(() => normalize(data));
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(error.message).toContain('got a resizable one');
    }
  });

  it('are refused on a resizable buffer that says it is none', () => {
    const buffer: ArrayBuffer = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]);
    Object.defineProperty(buffer, 'resizable', { value: false });
    expect(errorOf(() => normalize(new Float32Array(buffer))).code).toBe('INVALID_ARGUMENT');
  });

  it('name the expected and the given length', () => {
    const error = errorOf(() => normalize(new Float32Array(5)));
    expect(error).toMatchObject({ code: 'SHAPE_MISMATCH', message: 'expected 2 x 2 values for data, got 5' });
  });
});

describe.skipIf(!hasAddon)('results', () => {
  it('are ordinary arrays of their own', async () => {
    const data = Float32Array.from(values);
    const result = await normalize(data);
    expect(result).toBeInstanceOf(Float32Array);
    expect(result.byteOffset).toBe(0);
    expect(result.buffer).not.toBe(data.buffer);
    structuredClone(result.buffer, { transfer: [result.buffer as ArrayBuffer] });
  });

  it("aren't caught by setters on Object.prototype", async () => {
    Object.defineProperty(Object.prototype, 'centers', { configurable: true, set() {} });
    try {
      const data = Float32Array.from(values);
      const call = { ...options, data, rows, dim, clusters: 1, seed: 0, nInit: 1, maxIterations: 5 };
      const result = await addon.kmeans(call).promise;
      expect(Object.keys(result)).toEqual(['labels', 'centers', 'inertia', 'iterations', 'converged']);
      expect(Array.from(result.centers)).toEqual([1.5, 4.5]);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'centers');
    }
  });

  it('of the four methods have the shapes of binding.ts', async () => {
    const data = Float32Array.from(values);
    const weight = Float32Array.of(1, 0, 0, 1);
    const head = { weight, bias: new Float32Array(2), classes: 2, anchors: weight, anchorCount: 2 };
    const flips = await addon.flipSearch({ ...options, data, rows, dim, ...head }).promise;
    expect(
      Object.entries(flips).map(([name, column]) => [name, column.constructor.name, column.length]),
    ).toEqual([
      ['pseudoLabel', 'Int32Array', 2],
      ['confidence', 'Float32Array', 2],
      ['margin', 'Float32Array', 2],
      ['entropy', 'Float32Array', 2],
      ['flipCap', 'Float32Array', 2],
      ['flipAnchor', 'Int32Array', 2],
      ['flipTo', 'Int32Array', 2],
    ]);
  });
});
