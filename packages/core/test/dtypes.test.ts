import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { widen } from '../src/formats/widen.js';
import { type EmbeddingDType, LabeledSet, LinearHead, Pool, score, select } from '../src/index.js';
import type { Kernels, RowSource } from '../src/kernels/kernels.js';
import { computeAnchors } from '../src/labels/anchors.js';
import { assertBuilt } from './support/built.js';
import { fails, npy, testFolder } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});
const folder = testFolder();
const { put } = folder;

/** IEEE 754 binary16, by its definition; of a NaN only that it is one. */
function halfValue(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The nearest float16 of a number, its bits; ties to even. */
function toHalf(x: number): number {
  if (x === 0) return Object.is(x, -0) ? 0x8000 : 0;
  const sign = x < 0 ? 0x8000 : 0;
  const size = Math.abs(x);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = size / 2 ** (exponent - 10);
  const low = Math.floor(steps);
  const up = steps - low > 0.5 || (steps - low === 0.5 && low % 2 === 1) ? low + 1 : low;
  return sign | (((exponent + 14) << 10) + up);
}

const toBfloat = (x: number) => {
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0];
  return (bits + 0x7fff + ((bits >> 16) & 1)) >>> 16;
};
const bfloatValue = (bits: number) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0];

/** Rows stored as a type, and the same rows as float32. */
function stored(
  data: Float32Array,
  dtype: EmbeddingDType,
): { values: Uint16Array | Float64Array; wide: Float32Array } {
  if (dtype === 'float64') {
    // Not already float32: a third of the last place more.
    const values = Float64Array.from(data, (x) => x * (1 + 2 ** -26));
    return { values, wide: Float32Array.from(values) };
  }
  const [to, back] = dtype === 'float16' ? [toHalf, halfValue] : [toBfloat, bfloatValue];
  const values = Uint16Array.from(data, to);
  return { values, wide: Float32Array.from(values, back) };
}

const dtypes = ['float16', 'bfloat16', 'float64'] as const;
const npyDescr = { float16: "'<f2'", float64: "'<f8'" } as const;
const safetensorsName = { float16: 'F16', bfloat16: 'BF16', float64: 'F64' } as const;

function safetensors(
  name: string,
  dtype: (typeof dtypes)[number],
  shape: number[],
  data: ArrayBufferView,
): string {
  const header = JSON.stringify({
    emb: { dtype: safetensorsName[dtype], shape, data_offsets: [0, data.byteLength] },
  });
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(header.length));
  const body = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return put(name, Buffer.concat([head, Buffer.from(header), body]));
}

describe('widening', () => {
  test('all 65,536 float16 and bfloat16, in TypeScript', () => {
    const all = Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits);
    const halves = widen(all, 'float16', new Float32Array(1 << 16));
    const bfloats = widen(all, 'bfloat16', new Float32Array(1 << 16));
    expect(all.filter((bits) => !Object.is(halves[bits], halfValue(bits)))).toEqual(new Uint16Array());
    expect(all.filter((bits) => !Object.is(bfloats[bits], bfloatValue(bits)))).toEqual(new Uint16Array());
  });

  // Through the flip search, whose logits are then the values: every finite pattern, at every level, in memory.
  test.each(['float16', 'bfloat16'] as const)(
    'every finite %s gives the scores of its float32',
    async (dtype) => {
      const back = dtype === 'float16' ? halfValue : bfloatValue;
      const bits = Uint16Array.from({ length: 1 << 16 }, (_, i) => i).filter((b) => Number.isFinite(back(b)));
      const rows = bits.length;
      // Values of a bfloat16 run to 1e38; the head keeps the logits finite.
      const head = {
        weight: Float32Array.of(dtype === 'float16' ? 1 : 2 ** -10, 0),
        bias: Float32Array.of(0, 1e-3),
      };
      const args = { rows, dim: 1, ...head, classes: 2, anchors: Float32Array.of(0.25) };
      const wide = Float32Array.from(bits, back);
      for (const kernels of makers) {
        const expected = await kernels.flipSearch({ ...args, data: wide });
        expect(await kernels.flipSearch({ ...args, data: { dtype, values: bits } }), kernels.level).toEqual(
          expected,
        );
      }
    },
  );
});

describe('pools of another type decide as the same pool in float32', () => {
  const { pool, labeled, head } = goldenCase(digitsEntries[0]);
  const { rows, dim } = pool;
  const { weight, bias, classes } = head;
  const anchors = computeAnchors(labeled, classes);

  test.each(dtypes)(
    '%s: in memory, shared memory, views, safetensors and npy, at any number of threads',
    async (dtype) => {
      const data = pool.source as Float32Array;
      const { values, wide } = stored(data, dtype);
      const shared = new (values.constructor as typeof Uint16Array)(new SharedArrayBuffer(values.byteLength));
      shared.set(values as Uint16Array);
      const longer = new (values.constructor as typeof Uint16Array)(values.length + 3);
      longer.set(values as Uint16Array, 3);
      const asDtype = dtype === 'float64' ? {} : { dtype };
      const pools = [values, shared, longer.subarray(3)].map((array) =>
        Pool.fromArray(array as Uint16Array, { rows, dim, ...asDtype }),
      );
      pools.push(await Pool.open(safetensors(`${dtype}.safetensors`, dtype, [rows, dim], values)));
      if (dtype !== 'bfloat16')
        pools.push(
          await Pool.open(put(`${dtype}.npy`, npy(values, [rows, dim], { descr: npyDescr[dtype] }))),
        );
      for (const kernels of makers) {
        const head = { rows, dim, weight, bias, classes };
        const expected = await kernels.flipSearch({ ...head, anchors, data: wide });
        const scores = await kernels.scoreUncertainty({ ...head, data: wide });
        for (const other of pools) {
          expect(other.dtype).toBe(dtype);
          for (const threads of [1, 2, 5]) {
            const found = await kernels.flipSearch({ ...head, anchors, data: other.source, threads });
            expect(found, `${kernels.level}, ${other.name}`).toEqual(expected);
          }
          expect(await kernels.scoreUncertainty({ ...head, data: other.source })).toEqual(scores);
        }
      }
      for (const other of pools) {
        expect(await other.toArray()).toEqual(wide);
        expect(await other.gather([7, 3, 7])).toEqual(
          Float32Array.from([7, 3, 7].flatMap((row) => [...wide.subarray(row * dim, (row + 1) * dim)])),
        );
        const plain = Pool.fromArray(wide, { rows, dim });
        for (const strategy of ['alfa-mix', 'coreset', 'margin']) {
          const [a, b] = await Promise.all(
            [plain, other].map((p) =>
              select({ pool: p, labeled, head, budget: 40, strategy, exclude: [1, 2] }),
            ),
          );
          expect(b.picks, strategy).toEqual(a.picks);
        }
      }
    },
  );

  test('parts of several types in one source, across their borders', async () => {
    const data = (pool.source as Float32Array).slice(0, 90 * dim);
    const parts = (['float64', 'float16', 'bfloat16'] as const).map((dtype, i) => {
      const { values, wide } = stored(data.slice(i * 30 * dim, (i + 1) * 30 * dim), dtype);
      const path = put(`part-${dtype}.bin`, Buffer.concat([Buffer.alloc(3), Buffer.from(values.buffer)]));
      return { segment: { path, offset: 3, rows: 30, dtype }, wide };
    });
    const wide = Float32Array.from(parts.flatMap((part) => [...part.wide]));
    const source: RowSource = { segments: parts.map(({ segment }) => segment) };
    const head = { rows: 90, dim, weight, bias, classes, anchors };
    for (const kernels of makers) {
      const expected = await kernels.flipSearch({ ...head, data: wide });
      expect(await kernels.flipSearch({ ...head, data: source }), kernels.level).toEqual(expected);
    }
  });
});

describe('what goes wrong', () => {
  const head = LinearHead.from({
    weight: Float32Array.of(1, 0, 0, 1),
    bias: new Float32Array(2),
    classes: 2,
    dim: 2,
  });
  const labeled = LabeledSet.from({
    embeddings: [
      [1, 0],
      [0, 1],
    ],
    labels: [0, 1],
  });

  test('infinities, NaN and what float32 can’t hold name the lowest row', async () => {
    const bad: [Uint16Array | Float64Array, EmbeddingDType | undefined, RegExp][] = [
      [Uint16Array.of(0, 0, 0x7c00, 0, 0xfc01, 0), 'float16', /row 1 .*got NaN or infinity$/],
      [Uint16Array.of(0, 0, 0, 0x7f80, 0, 0), 'bfloat16', /row 1 /],
      [Float64Array.of(0, 0, 0, 1e39, Number.NaN, 0), undefined, /row 1 .* beyond float32/],
    ];
    for (const [values, dtype, message] of bad) {
      const pool = Pool.fromArray(values, { rows: 3, dim: 2, ...(dtype && { dtype }) });
      for (const kernels of makers) {
        const error = await fails(() => score({ pool, labeled, head, kernels }), 'NON_FINITE', message);
        expect(error.details.row).toBe(1);
      }
    }
  });

  test('wrong tags and lengths', async () => {
    const shape = { rows: 1, dim: 2 };
    await fails(
      () => Pool.fromArray(new Uint16Array(2), shape),
      'INVALID_ARGUMENT',
      /float16 or bfloat16.* for dtype, got/,
    );
    await fails(
      () => Pool.fromArray(new Float32Array(2), { ...shape, dtype: 'float16' }),
      'INVALID_ARGUMENT',
      /^expected float32 for dtype, got "float16"$/,
    );
    await fails(() => Pool.fromArray(new Int32Array(2) as never, shape), 'INVALID_ARGUMENT', /Float64Array/);
    await fails(() => Pool.fromArray(new Float64Array(3), shape), 'SHAPE_MISMATCH', /1 × 2 = 2 values/);
    const args = { rows: 1, dim: 2, weight: new Float32Array(4), bias: new Float32Array(2), classes: 2 };
    for (const kernels of makers) {
      const call = (data: unknown) => () => kernels.scoreUncertainty({ ...args, data: data as RowSource });
      await fails(
        call({ dtype: 'float8', values: new Uint16Array(2) }),
        'INVALID_ARGUMENT',
        /for data\.dtype/,
      );
      await fails(
        call({ dtype: 'float16', values: new Float64Array(2) }),
        'INVALID_ARGUMENT',
        /Uint16Array for data\.values/,
      );
      await fails(call({ dtype: 'float64', values: new Float64Array(3) }), 'SHAPE_MISMATCH', /2 values/);
      await fails(
        call({ segments: [{ path: 'x', offset: 0, rows: 1, dtype: 'int8' }] }),
        'INVALID_ARGUMENT',
        /for segments\[0\]\.dtype, got "int8"$/,
      );
    }
  });

  test.each(dtypes)('a %s file cut short', async (dtype) => {
    const { values } = stored(new Float32Array(400).fill(0.5), dtype);
    const path = safetensors(`cut-${dtype}.safetensors`, dtype, [200, 2], values);
    const pool = await Pool.open(path);
    truncateSync(path, 300);
    await fails(() => Pool.open(path), 'FORMAT', /./);
    const segments = (pool.source as { segments: object[] }).segments.map((s) => ({
      ...s,
      stamp: undefined,
    }));
    for (const kernels of makers) {
      const { weight, bias } = head;
      const args = {
        rows: 200,
        dim: 2,
        weight,
        bias,
        classes: 2,
        data: { segments } as unknown as RowSource,
      };
      await fails(() => kernels.scoreUncertainty(args), 'IO', /cut-/);
    }
  });
});

test('labelled embeddings and heads of any float type', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...dtypes), fc.integer({ min: 0, max: 99 }), async (dtype, seed) => {
      const data = Float32Array.from({ length: 12 }, (_, i) => Math.fround(Math.sin(i + seed)));
      const { values, wide } = stored(data, dtype);
      const bias = stored(Float32Array.of(0.5, 0.25), dtype).values;
      const body = Buffer.concat([Buffer.from(values.buffer), Buffer.from(bias.buffer)]);
      const header = JSON.stringify({
        weight: { dtype: safetensorsName[dtype], shape: [2, 6], data_offsets: [0, values.byteLength] },
        bias: { dtype: safetensorsName[dtype], shape: [2], data_offsets: [values.byteLength, body.length] },
      });
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      const path = put('head.safetensors', Buffer.concat([length, Buffer.from(header), body]));
      expect((await LinearHead.open(path)).weight).toEqual(wide);
    }),
    { numRuns: 20 },
  );
});

// A widened copy of this pool would be 128 MiB; what a scan may keep is its blocks and its results.
test.each(['cpu', 'js'])('a scan of a float16 file doesn’t widen it as a whole: %s', (backend) => {
  if (backend === 'cpu' && makers.length === 1) return;
  assertBuilt();
  const [rows, dim] = [65_536, 512];
  const path = join(folder.path, 'large.npy');
  const head = npy(new Uint16Array(0), [rows, dim], { descr: "'<f2'" });
  const file = openSync(path, 'w');
  writeSync(file, head);
  ftruncateSync(file, head.length + rows * dim * 2);
  closeSync(file);
  const script = `
    import { getKernels, Pool } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const pool = await Pool.open(${JSON.stringify(path)});
    const kernels = await getKernels(${JSON.stringify(backend)});
    const weight = new Float32Array(2 * pool.dim).fill(1, pool.dim), bias = new Float32Array(2);
    const args = { dim: pool.dim, weight, bias, classes: 2 };
    await kernels.scoreUncertainty({ ...args, rows: 1, data: new Float32Array(pool.dim) });
    const before = process.resourceUsage().maxRSS;
    await kernels.scoreUncertainty({ ...args, rows: pool.rows, data: pool.source });
    console.log(process.resourceUsage().maxRSS - before);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(Number(stdout)).toBeGreaterThan(0);
  expect(Number(stdout)).toBeLessThan(64 * 1024);
});
