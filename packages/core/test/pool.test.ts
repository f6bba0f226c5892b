import { closeSync, ftruncateSync, openSync, readdirSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { open as openHandle } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { FileRows } from '../src/kernels/kernels.js';
import { Pool } from '../src/pool/pool.js';
import { readBlocks } from '../src/pool/read-blocks.js';
import { fails, floats, npy, testFolder } from './support/files.js';

const { path: folder, put } = testFolder();
const filePool = (rows: number, dim: number, name = 'pool.npy') =>
  Pool.open(put(name, npy(floats(rows * dim), [rows, dim])));
const openFiles = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

describe('Pool.fromArray', () => {
  test('uses the array in place, views and shared memory included', async () => {
    const data = floats(12);
    for (const array of [data, data.subarray(4), new Float32Array(new SharedArrayBuffer(32))]) {
      const pool = Pool.fromArray(array, { rows: array.length / 4, dim: 4 });
      expect(pool.source).toBe(array);
      expect(await pool.toArray()).toBe(array);
      expect([pool.name, pool.dtype, pool.ids]).toEqual(['array', 'float32', undefined]);
    }
    const pool = Pool.fromArray(data.subarray(4), { rows: 2, dim: 4 });
    expect(await pool.gather([1, 0, 1])).toEqual(
      Float32Array.of(...data.subarray(8), ...data.subarray(4, 8), ...data.subarray(8)),
    );
    for await (const { data: block } of pool.blocks({ blockRows: 1 })) expect(block.buffer).toBe(data.buffer);
  });

  test('ids name rows', () => {
    const pool = Pool.fromArray(floats(4), { rows: 2, dim: 2, ids: ['a', 'b'] });
    expect([pool.idOf(1), pool.rowOf('a'), pool.rowOf('c'), pool.ids]).toEqual([
      'b',
      0,
      undefined,
      ['a', 'b'],
    ]);
    const plain = Pool.fromArray(floats(4), { rows: 2, dim: 2 });
    expect([plain.idOf(0), plain.rowOf('a')]).toEqual(['', undefined]);
  });

  test('bad arguments', async () => {
    const from = (data: unknown, options: object) => () =>
      Pool.fromArray(data as Float32Array, { rows: 2, dim: 2, ...options });
    await fails(
      from([1, 2, 3, 4], {}),
      'INVALID_ARGUMENT',
      /^expected a Float32Array, Float64Array or .* for data, got an array of 4$/,
    );
    await fails(
      from(new Int32Array(4), {}),
      'INVALID_ARGUMENT',
      /^expected .* for data, got Int32Array\(4\)$/,
    );
    await fails(from(floats(5), {}), 'SHAPE_MISMATCH', /^expected 2 × 2 = 4 values for data, got 5$/);
    for (const rows of [1.5, -1, Number.NaN, '2', undefined]) {
      await fails(
        from(floats(4), { rows }),
        'INVALID_ARGUMENT',
        /^expected a positive integer for rows, got /,
      );
    }
    await fails(
      from(floats(4), { dim: 2.5 }),
      'INVALID_ARGUMENT',
      /^expected a positive integer for dim, got 2\.5$/,
    );
    await fails(
      from(floats(0), { rows: 0 }),
      'SHAPE_MISMATCH',
      /^empty pool: expected at least 1 for rows, got 0$/,
    );
    await fails(from(floats(0), { dim: 0 }), 'SHAPE_MISMATCH', /^expected at least 1 for dim, got 0$/);
    const detached = floats(4);
    structuredClone(detached.buffer, { transfer: [detached.buffer as ArrayBuffer] });
    await fails(
      from(detached, {}),
      'INVALID_ARGUMENT',
      /^expected an attached buffer for data, got a detached one$/,
    );
    for (const [Buffer, option] of [
      [ArrayBuffer, 'maxByteLength'],
      [SharedArrayBuffer, 'maxByteLength'],
    ] as const) {
      const resizable = Reflect.construct(Buffer, [16, { [option]: 32 }]) as ArrayBuffer;
      await fails(
        from(new Float32Array(resizable), {}),
        'INVALID_ARGUMENT',
        /expected a buffer of fixed length for data, got a resizable or growable one/,
      );
    }
  });

  test('bad ids', async () => {
    const from = (ids: unknown) => () => Pool.fromArray(floats(4), { rows: 2, dim: 2, ids: ids as string[] });
    await fails(from(['a']), 'SHAPE_MISMATCH', /^expected 2 ids, one a row of the pool, got 1$/);
    await fails(
      from(['a', 'a']),
      'INVALID_ARGUMENT',
      /^expected different ids in ids, got "a" at row 0 and row 1$/,
    );
    await fails(from(['a', ' ']), 'INVALID_ARGUMENT', /^expected an id at row 1 of ids, got a blank$/);
    await fails(from(['a', 3]), 'INVALID_ARGUMENT', /^expected an id at row 1 of ids, got 3$/);
    await fails(from('ab'), 'INVALID_ARGUMENT', /^expected an array of strings for ids, got "ab"$/);
  });

  test('an array detached later is noticed', async () => {
    const data = floats(4);
    const pool = Pool.fromArray(data, { rows: 2, dim: 2 });
    structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
    const message = /^expected 4 values for the pool's array, got 0: its buffer was detached$/;
    await fails(() => pool.toArray(), 'INVALID_ARGUMENT', message);
    await fails(() => pool.gather([0]), 'INVALID_ARGUMENT', message);
    await fails(() => pool.blocks().next(), 'INVALID_ARGUMENT', message);
  });
});

describe('a pool on disk', () => {
  test('stays there: its source is a range of the file', async () => {
    const pool = await filePool(7, 3);
    expect(pool.source).toEqual({
      segments: [
        { path: join(folder, 'pool.npy'), offset: 128, rows: 7, dtype: 'float32', stamp: expect.any(String) },
      ],
    });
    expect(pool.name).toBe(join(folder, 'pool.npy'));
  });

  test('blocks cover all rows in order, whatever their size and however the file is cut', async () => {
    const file = put('raw.bin', new Uint8Array(floats(60).buffer));
    const source: FileRows = {
      segments: [
        { path: file, offset: 24, rows: 5 },
        { path: file, offset: 120, rows: 1 },
        { path: file, offset: 0, rows: 8 },
      ],
    };
    const all = [
      ...floats(60).subarray(6, 21),
      ...floats(60).subarray(30, 33),
      ...floats(60).subarray(0, 24),
    ];
    for (const blockRows of [1, 2, 3, 5, 100, undefined]) {
      const seen: number[] = [];
      for await (const block of readBlocks(source, 14, 3, { blockRows })) {
        expect([block.start, block.data.length]).toEqual([seen.length / 3, block.rows * 3]);
        seen.push(...block.data);
      }
      expect(seen).toEqual(all);
    }
    await fails(
      () => readBlocks(source, 14, 3, { blockRows: 0 }).next(),
      'INVALID_ARGUMENT',
      /positive integer for blockRows, got 0/,
    );
  });

  test('gather equals picking from the whole, over any segments', async () => {
    const data = floats(400);
    const file = put('gather.bin', new Uint8Array(data.buffer));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(99), { maxLength: 30 }),
        fc.integer({ min: 1, max: 99 }),
        async (rows, cut) => {
          const source = {
            segments: [
              { path: file, offset: 0, rows: cut },
              { path: file, offset: cut * 16, rows: 100 - cut },
            ],
          };
          const { gatherRows } = await import('../src/pool/gather.js');
          const expected = Float32Array.from(rows.flatMap((row) => [...data.subarray(row * 4, row * 4 + 4)]));
          expect(await gatherRows(source, 100, 4, rows)).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('gather reads nearby rows together and far ones apart', async () => {
    const pool = await filePool(3000, 256);
    const handle = await openHandle(put('x', 'x'));
    const read = vi.spyOn(Object.getPrototypeOf(handle), 'read');
    await handle.close();
    try {
      expect(await pool.gather([30, 0, 10, 2999, 2990])).toEqual(
        Float32Array.from(
          [30, 0, 10, 2999, 2990].flatMap((row) => [
            ...floats(3000 * 256).subarray(row * 256, row * 256 + 256),
          ]),
        ),
      );
      expect(read).toHaveBeenCalledTimes(2);
      read.mockClear();
      await pool.gather(Array.from({ length: 3000 }, (_, i) => i));
      expect(read).toHaveBeenCalledTimes(3);
    } finally {
      read.mockRestore();
    }
  });

  test('rows out of the pool', async () => {
    const pool = await filePool(7, 3);
    for (const row of [7, -1, 0.5, Number.NaN]) {
      await fails(
        () => pool.gather([0, row]),
        'INVALID_ARGUMENT',
        /^expected a row of the pool, 0 to 6, for rows\[1\], got /,
      );
    }
    expect(await pool.gather([])).toEqual(new Float32Array(0));
  });

  test('a file that shrank or went away', async () => {
    const pool = await filePool(7, 3, 'shrinks.npy');
    truncateSync(join(folder, 'shrinks.npy'), 150);
    const message = /^expected .*shrinks\.npy to stay as it was when it was opened, got a changed file$/;
    await fails(() => pool.toArray(), 'IO', message);
    await fails(() => pool.gather([6]), 'IO', message);
    rmSync(join(folder, 'shrinks.npy'));
    await fails(() => pool.toArray(), 'IO', /^can't read .*shrinks\.npy: there is no such file or folder$/);
  });

  test('files are closed after an end, an error, an early return and an abort', async () => {
    const pool = await filePool(50, 3, 'closes.npy');
    const before = openFiles();
    await pool.toArray();
    for await (const _ of pool.blocks({ blockRows: 1 })) break;
    const controller = new AbortController();
    const abort = async () => {
      for await (const _ of pool.blocks({ blockRows: 1, signal: controller.signal }))
        controller.abort('enough');
    };
    expect((await fails(abort, 'ABORTED', /aborted/)).cause).toBe('enough');
    await fails(() => pool.gather([1], { signal: controller.signal }), 'ABORTED', /aborted/);
    await fails(() => Pool.open(pool.name, { signal: controller.signal }), 'ABORTED', /aborted/);
    truncateSync(join(folder, 'closes.npy'), 150);
    await fails(() => pool.toArray(), 'IO', /got a changed file/);
    await fails(() => Pool.open(pool.name), 'FORMAT', /is truncated/);
    expect(openFiles()).toBe(before);
  });

  test('more than 4 GiB', async () => {
    const [rows, dim] = [1_400_000, 1024];
    const file = join(folder, 'large.npy');
    const header = npy(new Float32Array(0), [rows, dim]);
    const fd = openSync(file, 'w');
    writeSync(fd, header);
    ftruncateSync(fd, header.length + rows * dim * 4);
    const last = floats(dim);
    writeSync(fd, new Uint8Array(last.buffer), 0, dim * 4, header.length + (rows - 1) * dim * 4);
    closeSync(fd);
    const pool = await Pool.open(file);
    expect(await pool.gather([rows - 1, 0])).toEqual(Float32Array.of(...last, ...new Float32Array(dim)));
    const offset = header.length + (rows - 2) * dim * 4;
    for await (const { data } of readBlocks({ segments: [{ path: file, offset, rows: 2 }] }, 2, dim)) {
      expect(data.subarray(dim)).toEqual(last);
    }
    rmSync(file);
  });
});

test('a closed pool refuses to be read', async () => {
  const pools = [await filePool(7, 3), Pool.fromArray(floats(4), { rows: 2, dim: 2 })];
  for (const pool of pools) {
    pool.close();
    pool[Symbol.dispose]();
    const message = /^expected an open pool, got .*(pool\.npy|array), which is closed$/;
    await fails(() => pool.source, 'INVALID_ARGUMENT', message);
    await fails(() => pool.blocks(), 'INVALID_ARGUMENT', message);
    await fails(() => pool.gather([0]), 'INVALID_ARGUMENT', message);
    await fails(() => pool.toArray(), 'INVALID_ARGUMENT', message);
    expect(pool.rows).toBeGreaterThan(0);
  }
});

test('Pool.open wants a string', async () => {
  await fails(
    () => Pool.open(3 as unknown as string),
    'INVALID_ARGUMENT',
    /^expected a path, or an array of them, for pool, got 3$/,
  );
});
