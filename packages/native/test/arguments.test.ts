import { describe, expect, it } from 'vitest';
import { addon, errorOf, hasAddon, options } from './addon.js';

const rows = 3;
const dim = 2;
const floats = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i + 1));

/** A good call of each method; tests spoil one field at a time. */
const good: Record<string, () => Record<string, unknown>> = {
  flipSearch: () => ({
    ...options,
    data: floats(rows * dim),
    rows,
    dim,
    weight: floats(2 * dim),
    bias: floats(2),
    classes: 2,
    anchors: floats(2 * dim),
    anchorCount: 2,
  }),
  kmeans: () => ({
    ...options,
    data: floats(rows * dim),
    rows,
    dim,
    clusters: 2,
    seed: 0,
    initialCenters: floats(2 * dim),
    nInit: 1,
    maxIterations: 10,
  }),
  nearestMembers: () => ({
    ...options,
    data: floats(rows * dim),
    rows,
    dim,
    centers: floats(2 * dim),
    clusters: 2,
    labels: Int32Array.of(0, 1, 0),
    tolerance: 1e-5,
  }),
  normalizeRows: () => ({ ...options, data: floats(rows * dim), rows, dim }),
  fitSoftmax: () => ({
    ...options,
    data: Float64Array.from(floats(4 * dim)),
    rows: 4,
    dim,
    labels: Int32Array.of(0, 1, 0, 1),
    classes: 2,
    ridges: Float64Array.of(1),
    ridgeCount: 1,
    folds: Int32Array.of(-1, -1, 0, -1),
    foldCount: 1,
  }),
};

const hostile: unknown[] = [
  undefined,
  null,
  'x',
  '',
  true,
  {},
  [],
  [1, 2, 3, 4, 5, 6],
  () => 1,
  Symbol('x'),
  10n,
  -1,
  -0.5,
  0.5,
  1e300,
  -(2 ** 63),
  2 ** 53,
  2 ** 64,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  new Date(),
  new Float32Array(0),
  new Float32Array(5),
  new Float64Array(6),
  new Int32Array(6),
  new Uint8ClampedArray(24),
  new BigInt64Array(3),
  new DataView(new ArrayBuffer(24)),
  new ArrayBuffer(24),
  new Proxy({}, {}),
  new Proxy(new Float32Array(6), {}),
  Object.create(Float32Array.prototype),
  { length: 6, buffer: new ArrayBuffer(24), byteOffset: 0 },
  { valueOf: () => 3 },
];

/** Values on the list that a field does take. */
const fits = (field: string, value: unknown) =>
  (['initialCenters', 'folds', 'onProgress'].includes(field) && (value === undefined || value === null)) ||
  (field === 'onProgress' && typeof value === 'function') ||
  (field === 'tolerance' && typeof value === 'number' && value >= 0 && value < Infinity);

type Method = (args: unknown) => { promise: Promise<unknown> };
const codes = ['INVALID_ARGUMENT', 'SHAPE_MISMATCH', 'OUT_OF_MEMORY'];

describe.skipIf(!hasAddon)('hostile arguments', () => {
  for (const [name, args] of Object.entries(good)) {
    const method = () => addon[name as 'kmeans'] as unknown as Method;

    it(`${name} takes the good call`, async () => {
      await expect(method()(args()).promise).resolves.toBeDefined();
    });

    for (const field of [...Object.keys(args()), 'onProgress']) {
      it(`${name} refuses a bad ${field}`, async () => {
        for (const value of hostile) {
          if (fits(field, value)) continue;
          let job: { promise: Promise<unknown> };
          try {
            job = method()({ ...args(), [field]: value });
          } catch (error) {
            expect(codes).toContain((error as { code?: string }).code);
            expect((error as Error).message).toMatch(/^expected [^\n]*$/);
            continue;
          }
          // Nothing on the list is a good value, so a promise can only mean a failure that the kernel found.
          await expect(
            job.promise,
            `${field} = ${String(Object.prototype.toString.call(value))}`,
          ).rejects.toThrow();
        }
      });
    }

    it(`${name} passes on what a getter throws`, () => {
      for (const field of Object.keys(args())) {
        for (const thrown of [new RangeError('mine'), 7, undefined, null]) {
          const spoiled = Object.defineProperty(args(), field, {
            get() {
              throw thrown;
            },
          });
          let caught: unknown = 'nothing';
          try {
            method()(spoiled);
          } catch (error) {
            caught = error;
          }
          expect(caught).toBe(thrown);
        }
      }
    });

    it(`${name} isn't fooled by a getter that detaches an array read before`, () => {
      for (const field of Object.keys(args())) {
        if (field === 'data') continue;
        const spoiled = args();
        const value = spoiled[field];
        Object.defineProperty(spoiled, field, {
          get() {
            const { data } = spoiled as { data: Float32Array };
            if (data.buffer.byteLength > 0) {
              structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
            }
            return value;
          },
        });
        expect(errorOf(() => method()(spoiled))).toMatchObject({ code: 'INVALID_ARGUMENT' });
      }
    });
  }

  it('answers OUT_OF_MEMORY or SHAPE_MISMATCH where n x d overflows', () => {
    for (const [r, d] of [
      [2 ** 53 - 1, 2 ** 31 - 1],
      [2 ** 40, 2 ** 20],
      [2 ** 32, 1],
    ]) {
      const call = { ...good.normalizeRows?.(), rows: r, dim: d };
      expect(codes).toContain(errorOf(() => addon.normalizeRows(call as never)).code);
    }
  });

  it('refuses results that no memory holds', () => {
    const segments = [{ path: '/nowhere', offset: 0, rows: 2 ** 45 }];
    const call = { ...good.flipSearch?.(), data: undefined, segments, rows: 2 ** 45 };
    expect(errorOf(() => addon.flipSearch(call as never))).toMatchObject({ code: 'OUT_OF_MEMORY' });
  });
});

describe.skipIf(!hasAddon)('hostile segments', () => {
  const call = (segments: unknown) => ({ ...good.flipSearch?.(), data: undefined, segments }) as never;
  const part = { path: '/nowhere.bin', offset: 0, rows };

  it('wants data or segments, not both and not none', () => {
    const both = { ...good.flipSearch?.(), segments: [part] } as never;
    expect(errorOf(() => addon.flipSearch(both)).message).toBe('expected exactly one of data and segments');
    expect(errorOf(() => addon.flipSearch(call(undefined))).code).toBe('INVALID_ARGUMENT');
  });

  it.each([
    ['no array', 'x'],
    ['an empty array', []],
    ['a hole', new Array(1)],
    ['a path with a NUL', [{ ...part, path: '/a\0b' }]],
    ['an empty path', [{ ...part, path: '' }]],
    ['a path of 1 MB', [{ ...part, path: 'x'.repeat(1 << 20) }]],
    ['a number as a path', [{ ...part, path: 3 }]],
    ['a negative offset', [{ ...part, offset: -1 }]],
    ['a fractional offset', [{ ...part, offset: 0.5 }]],
    ['too few rows', [{ ...part, rows: 2 }]],
    ['too many rows', [part, part]],
    ['rows that overflow', Array.from({ length: 4096 }, () => ({ ...part, rows: 2 ** 53 - 1 }))],
    ['a proxy that lies about its length', new Proxy([], { get: () => 2 ** 32 - 1 })],
  ])('refuses %s', (_name, segments) => {
    expect(codes).toContain(errorOf(() => addon.flipSearch(call(segments))).code);
  });

  it('takes an array that shrinks while it is read', () => {
    const parts: unknown[] = [
      { ...part, rows: 1 },
      { ...part, rows: 1 },
      { ...part, rows: 1 },
    ];
    Object.defineProperty(parts[0] as object, 'path', {
      get() {
        parts.length = 1;
        return '/nowhere.bin';
      },
    });
    expect(errorOf(() => addon.flipSearch(call(parts))).code).toBe('INVALID_ARGUMENT');
  });

  it('rejects with IO for a file that is missing', async () => {
    await expect(addon.flipSearch(call([part])).promise).rejects.toMatchObject({ code: 'IO' });
  });
});
