import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSafetensorsHeader } from '../src/formats/safetensors.js';
import { type SafetensorsTensor, writeSafetensors } from '../src/formats/safetensors-writer.js';
import { openTensor, readTensor, readTensorData, tensorOf } from '../src/formats/tensor-file.js';
import { Pool } from '../src/pool/pool.js';
import { damage, fails, floats, readsOrFailsCleanly, safetensors, testFolder } from './support/files.js';

const { path: folder, put } = testFolder();
const golden = join(import.meta.dirname, 'golden/edge-offset.safetensors');
const bytesOf = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const matrix = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] };
const data16 = bytesOf(floats(4));
const open =
  (header: unknown, data = data16, claimed?: bigint) =>
  () =>
    Pool.open(put('t.safetensors', safetensors(header, data, claimed)));

describe('.safetensors', () => {
  test('a file written by another program', async () => {
    const header = await readSafetensorsHeader(golden);
    expect(header.tensors.get('unlabeled')).toMatchObject({ dtype: 'F32', shape: [40, 8], byteLength: 1280 });
    const pool = await Pool.open(`${golden}#unlabeled`);
    expect([pool.rows, pool.dim]).toEqual([40, 8]);
    const raw = readFileSync(golden);
    const offset = header.tensors.get('unlabeled')!.offset;
    expect(await pool.toArray()).toEqual(
      Float32Array.from({ length: 320 }, (_, i) => raw.readFloatLE(offset + 4 * i)),
    );
    const labels = await readTensor(`${golden}#labels`, { dtype: 'int', rank: 1 });
    expect(labels.shape).toEqual([12]);
    expect(Math.max(...labels.data)).toBe(3);
    const caps = await readTensor(`${golden}#expect_flip_cap`, { dtype: 'float' });
    expect(caps.data).toBeInstanceOf(Float64Array);
    const bias = await readTensorData(tensorOf(header, header.tensors.get('bias')!));
    expect(bias).toHaveLength(4);
  });

  test('the only 2-D float tensor is taken, others listed', async () => {
    const file = join(folder, 'one.safetensors');
    await writeSafetensors(file, {
      ids: {
        dtype: 'I64',
        shape: [3, 1],
        data: BigInt64Array.of(1n, 2n, 3n),
      },
      bias: { dtype: 'F32', shape: [2], data: floats(2) },
      emb: { dtype: 'F32', shape: [3, 2], data: floats(6) },
    });
    expect(await (await Pool.open(file)).toArray()).toEqual(floats(6));
    await fails(
      () => Pool.open(golden),
      'INVALID_ARGUMENT',
      /^expected one 2-D float tensor in .*edge-offset\.safetensors, got expect_anchors F64 \(4, 8\), labeled F32 \(12, 8\), unlabeled F32 \(40, 8\), weight F32 \(4, 8\); name one, as in .*edge-offset\.safetensors#expect_anchors$/,
    );
    await fails(
      () => readTensor(file, { dtype: 'int', rank: 1 }),
      'INVALID_ARGUMENT',
      /^expected a 1-D integer tensor in .*, got ids I64 \(3, 1\), bias F32 \(2,\), emb F32 \(3, 2\)$/,
    );
    await fails(
      () => Pool.open(`${file}#embed`),
      'INVALID_ARGUMENT',
      /^expected the name of a tensor in .*one\.safetensors \(.*emb F32 \(3, 2\).*\), got "embed"$/,
    );
    await fails(
      () => Pool.open(`${file}#ids`),
      'FORMAT',
      /^expected a float type for .*one\.safetensors#ids, got int64; convert it: array\.astype\('float32'\)/,
    );
    await fails(
      () => Pool.open(`${file}#bias`),
      'SHAPE_MISMATCH',
      /^expected 2 dimensions for .*#bias, got shape \(2,\)$/,
    );
    await fails(
      open({}, new Uint8Array()),
      'INVALID_ARGUMENT',
      /expected a 2-D float tensor in .*, got no tensors$/,
    );
    await fails(
      open({ a: { dtype: 'F8_E4M3', shape: [4, 4], data_offsets: [0, 16] } }),
      'INVALID_ARGUMENT',
      /expected a 2-D float/,
    );
    await fails(
      () =>
        Pool.open(
          `${put('f8.safetensors', safetensors({ a: { dtype: 'F8_E4M3', shape: [4, 4], data_offsets: [0, 16] } }, data16))}#a`,
        ),
      'FORMAT',
      /expected a known dtype such as F32 for .*f8\.safetensors#a, got "F8_E4M3"/,
    );
  });

  test('empty pools', async () => {
    await fails(
      open({ a: { dtype: 'F32', shape: [0, 4], data_offsets: [0, 0] } }, new Uint8Array()),
      'SHAPE_MISMATCH',
      /^empty pool: .*#a, got 0 × 4/,
    );
    await fails(
      open({ a: { dtype: 'F32', shape: [4, 0], data_offsets: [0, 0] } }, new Uint8Array()),
      'SHAPE_MISMATCH',
      /at least 1 column of numbers in .*#a, got 4 × 0/,
    );
  });

  test('what is written is read back, names and metadata included', async () => {
    const file = join(folder, 'round.safetensors');
    const tensor = fc
      .integer({ min: 0, max: 12 })
      .chain((n) =>
        fc.constantFrom<SafetensorsTensor>(
          { dtype: 'F32', shape: [n], data: floats(n) },
          { dtype: 'F64', shape: [1, n], data: Float64Array.from(floats(n)) },
          { dtype: 'I32', shape: [n, 1], data: Int32Array.from({ length: n }, (_, i) => i - 5) },
          { dtype: 'I64', shape: [n], data: Float64Array.from({ length: n }, (_, i) => 2 ** 40 - i) },
          { dtype: 'I64', shape: [n], data: BigInt64Array.from({ length: n }, (_, i) => BigInt(-i)) },
          { dtype: 'U8', shape: [n], data: Uint8Array.from({ length: n }, (_, i) => 255 - i) },
        ),
      );
    const name = fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text !== '__metadata__');
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, tensor, { maxKeys: 6, noNullPrototype: true }),
        fc.dictionary(name, name, { maxKeys: 3, noNullPrototype: true }),
        async (tensors, metadata) => {
          await writeSafetensors(file, tensors, metadata);
          const header = await readSafetensorsHeader(file);
          expect([...header.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
          expect(Object.entries(header.metadata).sort()).toEqual(Object.entries(metadata).sort());
          for (const [key, { shape, data }] of Object.entries(tensors)) {
            const entry = header.tensors.get(key)!;
            expect(entry.shape).toEqual(shape);
            const read = await readTensorData(tensorOf(header, entry));
            expect(Array.from(read)).toEqual(Array.from(data as ArrayLike<number | bigint>, Number));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('every tensor written is aligned', async () => {
    const file = join(folder, 'aligned.safetensors');
    await writeSafetensors(file, {
      a: { dtype: 'U8', shape: [3], data: new Uint8Array(3) },
      b: { dtype: 'F32', shape: [1], data: new Float32Array(1) },
      c: { dtype: 'F64', shape: [1], data: new Float64Array(1) },
    });
    const { tensors } = await readSafetensorsHeader(file);
    expect([...tensors.keys()]).toEqual(['c', 'b', 'a']);
    expect(tensors.get('c')!.offset % 8).toBe(0);
    expect(tensors.get('b')!.offset % 4).toBe(0);
  });

  test('a damaged file reads or fails with one sentence', async () => {
    const whole = safetensors(
      { __metadata__: { a: 'b' }, x: matrix, y: { dtype: 'U8', shape: [3], data_offsets: [16, 19] } },
      Buffer.concat([data16, Buffer.alloc(3)]),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length), fc.nat(255)), { maxLength: 4 }),
        fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
        async (edits, keep) => {
          const file = put('damaged.safetensors', damage(whole, edits, keep));
          await readsOrFailsCleanly(async () => (await Pool.open(file)).toArray());
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('.safetensors whose header lies', () => {
  const entry = (change: object) => open({ x: { ...matrix, ...change } });

  test('about its own length', async () => {
    await fails(
      () => Pool.open(put('n.safetensors', '')),
      'FORMAT',
      /n\.safetensors is empty \(0 bytes\), expected a \.safetensors file/,
    );
    await fails(
      () => Pool.open(put('n.safetensors', 'abcdefg')),
      'FORMAT',
      /is truncated: expected at least 10 bytes for a \.safetensors file, got 7/,
    );
    await fails(
      open({ x: matrix }, data16, 1n << 62n),
      'FORMAT',
      /is truncated or not a \.safetensors file: its header claims 4611686018427387904 bytes, expected at most the \d+ that follow/,
    );
    await fails(
      open({ x: matrix }, data16, 0n),
      'FORMAT',
      /expected a header of 2 to 100000000 bytes, got 0/,
    );
  });

  test('about its JSON', async () => {
    await fails(
      open('{"x": '),
      'FORMAT',
      /t\.safetensors is not a \.safetensors file: its header is not valid JSON/,
    );
    await fails(
      open('[1, 2]'),
      'FORMAT',
      /expected a JSON object for the \.safetensors header, got an array of 2/,
    );
    await fails(open({ x: 3 }), 'FORMAT', /^expected an object for tensor "x" in .*, got 3$/);
    await fails(entry({ dtype: 4 }), 'FORMAT', /expected a string for dtype of tensor "x" in .*, got 4$/);
    for (const shape of ['2x2', [2, -2], [2, 0.5], [2, 2 ** 60], [null], Array(65).fill(1)]) {
      await fails(
        entry({ shape }),
        'FORMAT',
        /expected an array of sizes for shape of tensor "x" in .*t\.safetensors, got /,
      );
    }
    for (const data_offsets of [[0], [16, 0], [-4, 12], 'ab', undefined, [0, 2 ** 60]]) {
      await fails(
        entry({ data_offsets }),
        'FORMAT',
        /expected \[begin, end\] with begin <= end for data_offsets of tensor "x" in .*, got /,
      );
    }
    await fails(
      open({ __metadata__: 3, x: matrix }),
      'FORMAT',
      /expected an object for __metadata__ in .*, got 3/,
    );
    await fails(
      open({ __metadata__: { k: 3 }, x: matrix }),
      'FORMAT',
      /expected a string for "k" of __metadata__ in .*, got 3/,
    );
  });

  test('about the tensors', async () => {
    await fails(
      entry({ shape: [2, 3] }),
      'FORMAT',
      /^expected 24 bytes for tensor "x" in .*, of shape \(2, 3\) and type F32, got 16$/,
    );
    await fails(
      entry({ shape: [2 ** 50, 2 ** 50] }),
      'FORMAT',
      /^expected 5070602400912917605986812821504 bytes for tensor "x"/,
    );
    await fails(
      open({ x: matrix }, data16.subarray(0, 12)),
      'FORMAT',
      /t\.safetensors is truncated: its header describes \d+ bytes, got a file of \d+$/,
    );
    await fails(
      open({ x: matrix }, Buffer.concat([data16, data16])),
      'FORMAT',
      /holds 16 bytes that no tensor describes/,
    );
    await fails(
      open({ x: matrix, y: { dtype: 'F32', shape: [2], data_offsets: [8, 16] } }),
      'FORMAT',
      /^tensor "y" in .* overlaps the tensor before it: expected its data at byte \d+, got \d+$/,
    );
    await fails(
      open({ x: { ...matrix, shape: [1, 2], data_offsets: [8, 16] } }),
      'FORMAT',
      /^tensor "x" in .* leaves a hole before it: expected its data at byte \d+, got \d+$/,
    );
  });
});

describe('writing .safetensors', () => {
  const file = join(folder, 'bad.safetensors');
  const write = (tensor: object) => () => writeSafetensors(file, { x: tensor as SafetensorsTensor });

  test('bad tensors are refused', async () => {
    await fails(
      write({ dtype: 'F16', shape: [1], data: floats(1) }),
      'INVALID_ARGUMENT',
      /expected F32, F64, I32, I64 or U8 for dtype of tensor "x", got "F16"/,
    );
    await fails(
      write({ dtype: 'F32', shape: [1], data: new Float64Array(1) }),
      'INVALID_ARGUMENT',
      /expected a Float32Array for data of tensor "x", got Float64Array\(1\)/,
    );
    await fails(
      write({ dtype: 'F32', shape: [2], data: floats(1) }),
      'SHAPE_MISMATCH',
      /expected 2 values for tensor "x" of shape \(2,\), got 1/,
    );
    await fails(
      write({ dtype: 'F32', shape: [-1], data: floats(1) }),
      'INVALID_ARGUMENT',
      /expected whole sizes for shape of tensor "x"/,
    );
    await fails(
      write({ dtype: 'I64', shape: [2], data: Float64Array.of(1, 0.5) }),
      'INVALID_ARGUMENT',
      /expected whole numbers within 2\^53 for element 1 of tensor "x", got 0\.5/,
    );
    await fails(
      () => writeSafetensors(file, { __metadata__: { dtype: 'F32', shape: [1], data: floats(1) } }),
      'INVALID_ARGUMENT',
      /a name other than __metadata__/,
    );
    await fails(
      () => writeSafetensors(file, {}, { k: 3 as unknown as string }),
      'INVALID_ARGUMENT',
      /expected a string for "k" of metadata, got 3/,
    );
    await fails(() => openTensor(file, { dtype: 'int' }), 'IO', /no such file/);
  });

  test('more than one chunk, from a view', async () => {
    const data = floats(300_001).subarray(1);
    await writeSafetensors(join(folder, 'chunks.safetensors'), {
      x: { dtype: 'F32', shape: [1000, 300], data },
    });
    expect(await (await Pool.open(join(folder, 'chunks.safetensors'))).toArray()).toEqual(data);
  });
});
