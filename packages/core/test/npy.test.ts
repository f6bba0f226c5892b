import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openTensor, parseSpec, readTensor } from '../src/formats/tensor-file.js';
import { Pool } from '../src/pool/pool.js';
import { damage, fails, floats, npy, readsOrFailsCleanly, testFolder } from './support/files.js';

const { path: folder, put } = testFolder();
const matrix = (rows: number, dim: number, options = {}) => npy(floats(rows * dim), [rows, dim], options);
const open = (name: string, bytes: Uint8Array) => () => Pool.open(put(name, bytes));

describe('.npy', () => {
  test.each([1, 2, 3] as const)('format version %i', async (version) => {
    const pool = await Pool.open(put(`v${version}.npy`, matrix(5, 3, { version })));
    expect([pool.rows, pool.dim, pool.dtype, pool.ids]).toEqual([5, 3, 'float32', undefined]);
    expect(await pool.toArray()).toEqual(floats(15));
  });

  test('the extension may be upper case, and the header written in another way', async () => {
    const header = `{"shape": (2L, 2L),"fortran_order":False,"descr":"<f4"}`;
    const pool = await Pool.open(put('upper.NPY', npy(floats(4), [], { header })));
    expect(await pool.toArray()).toEqual(floats(4));
  });

  test('data that starts at any byte', async () => {
    for (let shift = 0; shift < 4; shift++) {
      const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }`;
      const text = Buffer.from(`${header}${' '.repeat(shift)}\n`);
      const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]);
      const pool = await Pool.open(
        put('shift.npy', Buffer.concat([head, text, Buffer.from(floats(8).buffer)])),
      );
      expect(await pool.toArray()).toEqual(floats(8));
      expect(await pool.gather([3, 0])).toEqual(
        Float32Array.of(...floats(8).subarray(6), ...floats(8).subarray(0, 2)),
      );
    }
  });

  test('integers of every type become doubles', async () => {
    const cases: [string, ArrayBufferView][] = [
      ["'|i1'", Int8Array.of(-1, 2)],
      ["'|u1'", Uint8Array.of(255, 2)],
      ["'<i2'", Int16Array.of(-300, 2)],
      ["'<u2'", Uint16Array.of(65535, 2)],
      ["'<i4'", Int32Array.of(-70000, 2)],
      ["'<u4'", Uint32Array.of(4294967295, 2)],
      ["'<i8'", BigInt64Array.of(-9007199254740991n, 2n)],
      ["'<u8'", BigUint64Array.of(9007199254740991n, 2n)],
    ];
    for (const [descr, data] of cases) {
      const { data: read, shape } = await readTensor(put('ints.npy', npy(data, [2], { descr })), {
        dtype: 'int',
        rank: 1,
      });
      expect(shape).toEqual([2]);
      expect(read).toEqual(Float64Array.from(data as unknown as ArrayLike<number | bigint>, Number));
    }
    const far = npy(BigInt64Array.of(1n, 1n << 60n), [2], { descr: "'<i8'" });
    await fails(
      () => readTensor(put('far.npy', far), { dtype: 'int' }),
      'FORMAT',
      /^expected an integer within 2\^53 for element 1 of .*far\.npy, got 1152921504606846976$/,
    );
  });

  test('round trip of any shape', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(1, 2, 3),
        async (rows, dim, version) => {
          const pool = await Pool.open(put('round.npy', matrix(rows, dim, { version })));
          expect([pool.rows, pool.dim]).toEqual([rows, dim]);
          expect(await pool.toArray()).toEqual(floats(rows * dim));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a damaged file reads or fails with one sentence', async () => {
    const whole = matrix(6, 4);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(140), fc.nat(255)), { maxLength: 4 }),
        fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
        async (edits, keep) => {
          const file = put('damaged.npy', damage(whole, edits, keep));
          await readsOrFailsCleanly(async () => (await Pool.open(file)).toArray());
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('.npy that is not what it says', () => {
  test('wrong contents', async () => {
    await fails(
      open('none.npy', new Uint8Array()),
      'FORMAT',
      /none\.npy is empty \(0 bytes\), expected a \.npy file$/,
    );
    await fails(
      open('zip.npy', Buffer.from('PK\x03\x04 and so on')),
      'FORMAT',
      /zip\.npy is not a \.npy file: expected it to begin with bytes 93 4e 55 4d 50 59, got 50 4b 03 04 20 61$/,
    );
    await fails(
      open('short.npy', matrix(2, 2).subarray(0, 8)),
      'FORMAT',
      /short\.npy is truncated: expected at least 12 bytes for a \.npy file, got 8/,
    );
    const version4 = matrix(2, 2);
    version4[6] = 4;
    await fails(
      open('v4.npy', version4),
      'FORMAT',
      /expected \.npy format version 1\.0, 2\.0 or 3\.0 for .*v4\.npy, got 4\.0/,
    );
    await fails(
      open('cut.npy', matrix(2, 2).subarray(0, 140)),
      'FORMAT',
      /cut\.npy is truncated: expected 16 bytes of data for shape \(2, 2\) of float32, got 12$/,
    );
    await fails(
      open('long.npy', Buffer.concat([matrix(2, 2), Buffer.alloc(4)])),
      'FORMAT',
      /long\.npy is longer than its header says: expected 16 bytes of data for shape \(2, 2\) of float32, got 20$/,
    );
  });

  test('wrong kinds of data', async () => {
    const bent = (options: object) => open('bent.npy', npy(floats(4), [2, 2], options));
    await fails(
      bent({ descr: "'>f4'" }),
      'FORMAT',
      /expected little-endian data \('<f4'\) for .*bent\.npy, got big-endian float32 \('>f4'\)$/,
    );
    await fails(bent({ descr: "'=f4'" }), 'FORMAT', /got float32 of unknown byte order/);
    await fails(
      bent({ descr: "'<c8'" }),
      'FORMAT',
      /expected a float \('<f4'\) or integer type for .*bent\.npy, got "<c8"$/,
    );
    await fails(
      bent({ descr: "[('a', '<f4')]" }),
      'FORMAT',
      /expected a plain type such as '<f4' for descr of .*, got a structured type$/,
    );
    await fails(
      bent({ fortran: 'True' }),
      'FORMAT',
      /expected C order \(fortran_order False\) for .*bent\.npy, got Fortran order/,
    );
    await fails(bent({ fortran: '3' }), 'FORMAT', /expected True or False for fortran_order of .*, got 3$/);
    await fails(
      () =>
        openTensor(put('int.npy', npy(new Int32Array(2), [2], { descr: "'<i4'" })), {
          dtype: 'float',
          rank: 2,
        }),
      'FORMAT',
      /expected a float type for .*int\.npy, got int32; convert it: array\.astype\('float32'\) in NumPy, tensor\.to\(torch\.float32\) in PyTorch$/,
    );
    await fails(
      () => openTensor(put('fl.npy', npy(floats(2), [2])), { dtype: 'int', rank: 1 }),
      'FORMAT',
      /expected an integer type for .*fl\.npy, got float32/,
    );
  });

  test('wrong shapes', async () => {
    const shaped = (shape: string) => open('shape.npy', npy(floats(4), [], { shape }));
    await fails(
      shaped('(4,)'),
      'SHAPE_MISMATCH',
      /expected 2 dimensions for .*shape\.npy, got shape \(4,\)$/,
    );
    await fails(shaped('(1, 2, 2)'), 'SHAPE_MISMATCH', /expected 2 dimensions .* got shape \(1, 2, 2\)$/);
    await fails(shaped('(2, -2)'), 'FORMAT', /expected a tuple of sizes for shape of .*, got \(2, -2\)$/);
    await fails(shaped('None'), 'FORMAT', /expected a tuple of sizes for shape of .*, got null$/);
    await fails(shaped(`(${'1, '.repeat(70)})`), 'FORMAT', /expected a tuple of sizes/);
    await fails(
      shaped('(1152921504606846976, 16)'),
      'FORMAT',
      /is truncated: expected 73786976294838206464 bytes of data for shape \(1152921504606846976, 16\)/,
    );
    await fails(
      () =>
        openTensor(put('big0.npy', npy(floats(0), [], { shape: '(0, 1152921504606846976)' })), {
          dtype: 'float',
        }),
      'FORMAT',
      /expected sizes below 2\^53 for shape/,
    );
    await fails(
      open('e.npy', npy(floats(0), [0, 3])),
      'SHAPE_MISMATCH',
      /^empty pool: expected at least 1 row in .*e\.npy, got 0 × 3$/,
    );
    await fails(
      open('e.npy', npy(floats(0), [3, 0])),
      'SHAPE_MISMATCH',
      /^expected at least 1 column of numbers in .*e\.npy, got 3 × 0$/,
    );
  });

  test('a header that is no Python dict, or lies about its length', async () => {
    for (const header of [
      '',
      'hello',
      '(1, 2)',
      "{'descr': '<f4'",
      "{'descr': '<f4' 'shape': ()}",
      '{{{{',
      '['.repeat(99),
    ]) {
      await fails(
        open('dict.npy', npy(floats(4), [], { header })),
        'FORMAT',
        /dict\.npy: expected a Python dict with descr, fortran_order and shape for the \.npy header$/,
      );
    }
    await fails(
      open('no.npy', npy(floats(4), [], { header: '{}' })),
      'FORMAT',
      /for descr of .*, got nothing$/,
    );
    const lying = Buffer.from(matrix(2, 2, { version: 2 }));
    lying.writeUInt32LE(4294967295, 8);
    await fails(
      open('lying.npy', lying),
      'FORMAT',
      /lying\.npy is truncated: its header claims 4294967295 bytes, expected at most the 132 that follow/,
    );
    const wide = Buffer.alloc(3 << 20);
    wide.set(lying.subarray(0, 12));
    wide.writeUInt32LE(2 << 20, 8);
    await fails(
      open('wide.npy', wide),
      'FORMAT',
      /expected a header of at most 1048576 bytes for .*wide\.npy, got 2097152/,
    );
  });

  test('not a file to read', async () => {
    await fails(
      () => Pool.open(join(folder, 'gone.npy')),
      'IO',
      /^can't read .*gone\.npy: there is no such file or folder$/,
    );
    mkdirSync(join(folder, 'folder.npy'), { recursive: true });
    await fails(
      () => Pool.open(join(folder, 'folder.npy')),
      'FORMAT',
      /expected \.npy.* files in the folder .*folder\.npy, got none/,
    );
    await fails(
      () => Pool.open('/dev/null/x.npy'),
      'IO',
      /can't read .*x\.npy: a part of its path is not a folder/,
    );
    await fails(
      () => Pool.open(put('x.bin', 'abc')),
      'FORMAT',
      /expected a \.npy, .* or \.csv file for the pool, got a \.bin file \(.*x\.bin\)$/,
    );
    await fails(() => Pool.open('pool'), 'FORMAT', /got a name without an extension \(pool\)$/);
    await fails(
      () => openTensor('x.csv', { dtype: 'int' }),
      'FORMAT',
      /expected a \.npy, \.npz or \.safetensors file for x\.csv, got a \.csv file/,
    );
    await fails(
      () => Pool.open(`${put('t.npy', matrix(2, 2))}#emb`),
      'INVALID_ARGUMENT',
      /expected .*t\.npy without #emb: a \.npy file holds one tensor/,
    );
  });
});

test('a spec is split at the # after its extension', () => {
  expect(parseSpec('a/b.safetensors#x.weight')).toEqual({
    path: 'a/b.safetensors',
    tensor: 'x.weight',
    extension: '.safetensors',
  });
  expect(parseSpec('a#1/b.npy')).toEqual({ path: 'a#1/b.npy', tensor: undefined, extension: '.npy' });
  expect(parseSpec('v1.2#3.SAFETENSORS')).toEqual({
    path: 'v1.2#3.SAFETENSORS',
    tensor: undefined,
    extension: '.safetensors',
  });
  expect(parseSpec('a.bin#t')).toEqual({ path: 'a.bin', tensor: 't', extension: '.bin' });
  expect(parseSpec('b.safetensors#')).toEqual({
    path: 'b.safetensors',
    tensor: '',
    extension: '.safetensors',
  });
});
