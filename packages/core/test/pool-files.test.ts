import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { Pool, readTable, writeParquet } from '../src/index.js';
import { fails, npy, testFolder } from './support/files.js';
import { zip } from './support/zip.js';

const folder = testFolder();
const { put } = folder;

const matrix = (rows: number, dim: number, first = 0) =>
  Float32Array.from({ length: rows * dim }, (_, i) => first + i / 4);

describe('.npz', () => {
  const data = matrix(6, 3);
  const emb = { name: 'emb.npy', data: npy(data, [6, 3]) };
  const labels = { name: 'labels.npy', data: npy(Int32Array.of(1, 2), [2], { descr: "'<i4'" }) };

  test.each([
    ['stored', {}],
    ['zip64, as numpy writes it', { zip64: true }],
    ['deflated', { deflate: true }],
    ['deflated zip64', { deflate: true, zip64: true }],
  ])('%s: by name or as the only matrix', async (_, options) => {
    const path = put(
      'a.npz',
      zip([
        { ...labels, ...options },
        { ...emb, ...options },
      ]),
    );
    for (const spec of [path, `${path}#emb`, `${path}#emb.npy`]) {
      const pool = await Pool.open(spec);
      expect([pool.rows, pool.dim, pool.dtype]).toEqual([6, 3, 'float32']);
      expect('segments' in pool.source).toBe(!('deflate' in options));
      expect(await pool.toArray()).toEqual(data);
    }
  });

  test('float16 stays 16 bits, also inflated', async () => {
    const half = { name: 'h.npy', data: npy(Uint16Array.of(0x3c00, 0x4000), [1, 2], { descr: "'<f2'" }) };
    for (const deflate of [false, true]) {
      const pool = await Pool.open(put('half.npz', zip([{ ...half, deflate }])));
      expect(pool.dtype).toBe('float16');
      expect(await pool.toArray()).toEqual(Float32Array.of(1, 2));
    }
  });

  test('what goes wrong', async () => {
    const open =
      (name: string, content: Uint8Array, array = '') =>
      () =>
        Pool.open(put(name, content) + array);
    const two = [emb, { ...emb, name: 'other.npy' }];
    await fails(
      open('two.npz', zip(two)),
      'INVALID_ARGUMENT',
      /expected one fitting array in .*name one, as in .*#emb$/,
    );
    await fails(open('two.npz', zip(two), '#embed'), 'INVALID_ARGUMENT', /\(emb, other\), got "embed"$/);
    await fails(
      open('none.npz', zip([labels])),
      'INVALID_ARGUMENT',
      /expected a fitting array .*labels int32 \(2,\)$/,
    );
    await fails(open('crc.npz', zip([{ ...emb, deflate: true, crc: 7 }])), 'FORMAT', /checksum is wrong$/);
    await fails(
      open('big.npz', zip([{ ...emb, deflate: true, size: 2 ** 31 }])),
      'FORMAT',
      /longer than its header says|more than deflate can hold/,
    );
    await fails(
      open('long.npz', zip([{ ...emb, deflate: true, size: emb.data.length - 1 }])),
      'FORMAT',
      /longer than its header|inflated|truncated/,
    );
    await fails(open('not.npz', Buffer.from('no zip at all')), 'FORMAT', /is not a .npz file/);
    const whole = zip([emb]);
    for (const length of [0, 10, 60, whole.length - 30]) {
      const cut = Buffer.concat([whole.subarray(0, length), whole.subarray(whole.length - 22)]);
      await expect(open('cut.npz', cut)()).rejects.toMatchObject({
        // A directory that is cut may name nothing that fits.
        code: expect.stringMatching(/^(FORMAT|INVALID_ARGUMENT)$/),
      });
    }
  });
});

describe('shards', () => {
  const dim = 2;
  const shard = (name: string, rows: number, first: number) => {
    put(name, npy(matrix(rows, dim, first), [rows, dim]));
  };
  const whole = Float32Array.from([...matrix(3, dim, 0), ...matrix(2, dim, 100), ...matrix(4, dim, 200)]);

  test('a folder, a glob or a list is one pool, in natural order', async () => {
    mkdirSync(join(folder.path, 'shards'));
    shard('shards/part-10.npy', 4, 200);
    shard('shards/part-1.npy', 3, 0);
    shard('shards/part-2.npy', 2, 100);
    put('shards/.hidden.npy', 'no');
    put('shards/README.md', 'no');
    put('shards/picks.csv', 'rank,row\n1,2\n');
    put('shards/picks.csv.manifest.json', '{}');
    const at = join(folder.path, 'shards');
    for (const spec of [
      at,
      `${at}/`,
      join(at, 'part-*.npy'),
      [1, 2, 10].map((n) => join(at, `part-${n}.npy`)),
    ]) {
      const pool = await Pool.open(spec);
      expect([pool.rows, pool.dim]).toEqual([9, 2]);
      expect(pool.files.map(({ path, rows }) => [path, rows])).toEqual([
        [join(at, 'part-1.npy'), 3],
        [join(at, 'part-2.npy'), 2],
        [join(at, 'part-10.npy'), 4],
      ]);
      expect('segments' in pool.source).toBe(true);
      expect(await pool.toArray()).toEqual(whole);
      expect(await pool.gather([8, 3, 0])).toEqual(
        Float32Array.from([8, 3, 0].flatMap((row) => [...whole.subarray(row * dim, (row + 1) * dim)])),
      );
    }
  });

  test('#name goes to every shard; a # in a file’s name is its own', async () => {
    mkdirSync(join(folder.path, 'npz'));
    for (const [n, first] of [
      [1, 0],
      [2, 100],
    ])
      put(
        `npz/${n}.npz`,
        zip([
          { name: 'e.npy', data: npy(matrix(2, 2, first), [2, 2]) },
          { name: 'f.npy', data: npy(matrix(2, 2), [2, 2]) },
        ]),
      );
    const at = join(folder.path, 'npz');
    for (const spec of [`${at}#e`, `${at}/*.npz#e`]) {
      const pool = await Pool.open(spec);
      expect(await pool.toArray()).toEqual(Float32Array.from([...matrix(2, 2, 0), ...matrix(2, 2, 100)]));
    }
    shard('odd[1].npy', 3, 0);
    expect((await Pool.open(join(folder.path, 'odd[1].npy'))).rows).toBe(3);
  });

  test('a label column is no feature, and an unnamed index is refused', async () => {
    const labelled = await Pool.open(put('labelled.csv', 'id,x,label,y\nu,1,7,2\nv,3,8,4\n'));
    expect(await labelled.toArray()).toEqual(Float32Array.of(1, 2, 3, 4));
    const pandas = put('pandas.csv', ',x,y\n0,1,2\n1,3,4\n');
    await fails(() => Pool.open(pandas), 'FORMAT', /expected a name for column 1 .*index=False/);
    const path = join(folder.path, 'labelled.parquet');
    const column = (name: string, ...data: number[]) => ({ name, type: 'FLOAT' as const, data });
    await writeParquet(path, [column('x', 1, 3), column('label', 7, 8), column('y', 2, 4)]);
    expect(await (await Pool.open(path)).toArray()).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test('CSV shards join in memory, their ids too', async () => {
    mkdirSync(join(folder.path, 'csv'));
    put('csv/a.csv', 'id,x,y\nu,1,2\n');
    put('csv/b.csv', 'id,x,y\nv,3,4\nw,5,6\n');
    const pool = await Pool.open(join(folder.path, 'csv'));
    expect(await pool.toArray()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(pool.ids).toEqual(['u', 'v', 'w']);
    put('csv/b.csv', 'id,x,y\nv,3,4\nu,5,6\n');
    await fails(
      () => Pool.open(join(folder.path, 'csv')),
      'FORMAT',
      /different ids .*"u" at row 0 of .*a\.csv and row 1 of .*b\.csv$/,
    );
  });

  test('what goes wrong', async () => {
    mkdirSync(join(folder.path, 'mixed'));
    const at = join(folder.path, 'mixed');
    await fails(() => Pool.open(at), 'FORMAT', /expected \.npy.* files in the folder .*, got none$/);
    shard('mixed/a.npy', 2, 0);
    put('mixed/b.csv', '1,2\n');
    await fails(() => Pool.open(at), 'FORMAT', /of one format in the folder .*, got \.npy, \.csv: name them/);
    await fails(
      () => Pool.open(join(at, '*.npz')),
      'INVALID_ARGUMENT',
      /expected files that match .*, got none$/,
    );
    put('mixed/c.npy', npy(matrix(2, 3), [2, 3]));
    await fails(
      () => Pool.open(join(at, '*.npy')),
      'SHAPE_MISMATCH',
      /expected dimension 2, that of .*a\.npy, for .*c\.npy, got 3$/,
    );
    await fails(() => Pool.open([]), 'INVALID_ARGUMENT', /for pool/);
  });
});

describe('.parquet', () => {
  const rows = 5000;
  const dim = 3;
  const data = Float32Array.from({ length: rows * dim }, (_, i) => Math.fround(Math.sin(i)));
  const lists = Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * dim, (i + 1) * dim)));
  const columns = Array.from({ length: dim }, (_, j) => ({
    name: `f${j}`,
    type: 'DOUBLE' as const,
    data: Array.from({ length: rows }, (_, i) => data[i * dim + j]),
  }));
  const ids = {
    name: 'id',
    type: 'STRING' as const,
    data: Array.from({ length: rows }, (_, i) => `img "${i}", ü`),
  };
  const label = {
    name: 'label',
    type: 'INT32' as const,
    data: Array.from({ length: rows }, (_, i) => i % 4),
  };
  const listSchema = (name: string) => [
    { name, repetition_type: 'OPTIONAL' as const, num_children: 1, converted_type: 'LIST' as const },
    { name: 'list', repetition_type: 'REPEATED' as const, num_children: 1 },
    { name: 'element', type: 'FLOAT' as const, repetition_type: 'OPTIONAL' as const },
  ];
  const withLists = (emb: unknown[]) =>
    new Uint8Array(
      parquetWriteBuffer({
        schema: [
          { name: 'root', num_children: 2 },
          { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
          ...listSchema('embedding'),
        ],
        columnData: [
          { name: 'id', data: ids.data.slice(0, emb.length) },
          { name: 'embedding', data: emb },
        ],
        rowGroupSize: 1000,
      }),
    );
  const write = (name: string, columnData: object[]) =>
    put(name, new Uint8Array(parquetWriteBuffer({ columnData: columnData as never, rowGroupSize: 700 })));

  test('a list column, by name or alone, with its ids', async () => {
    const path = put('lists.parquet', withLists(lists));
    for (const spec of [path, `${path}#embedding`]) {
      const pool = await Pool.open(spec);
      expect([pool.rows, pool.dim, pool.ids?.[7]]).toEqual([rows, dim, 'img "7", ü']);
      expect(await pool.toArray()).toEqual(data);
    }
  });

  test('columns of numbers, by names, by pattern, or all floats', async () => {
    const path = write('columns.parquet', [ids, ...columns, label]);
    for (const spec of [path, `${path}#f*`, `${path}#f0,f1,f2`]) {
      expect(await (await Pool.open(spec)).toArray(), spec).toEqual(data);
    }
    const two = await Pool.open(`${path}#f2,f0`);
    expect((await two.toArray()).subarray(0, 2)).toEqual(Float32Array.of(data[2], data[0]));
  });

  test('shards, and records as of a CSV', async () => {
    mkdirSync(join(folder.path, 'parquet'));
    writeFileSync(join(folder.path, 'parquet', 'a.parquet'), withLists(lists.slice(0, 10)));
    const pool = await Pool.open(join(folder.path, 'parquet'));
    expect(pool.rows).toBe(10);
    const path = put(
      'labels.parquet',
      new Uint8Array(parquetWriteBuffer({ columnData: [ids, label] as never })),
    );
    const records = [];
    for await (const { fields, line } of readTable(path)) records.push([...fields, line]);
    expect(records.slice(0, 3)).toEqual([
      ['id', 'label', 1],
      ['img "0", ü', '0', 2],
      ['img "1", ü', '1', 3],
    ]);
  });

  test('written and read back: types, nulls, infinity', async () => {
    const path = join(folder.path, 'out.parquet');
    await writeParquet(path, [
      { name: 'row', type: 'INT64', data: Float64Array.of(1, 2 ** 40) },
      { name: 'id', type: 'STRING', data: [undefined, 'a,"b"\n'] },
      { name: 'cap', type: 'FLOAT', data: Float32Array.of(Number.POSITIVE_INFINITY, 0.1) },
    ]);
    const records = [];
    for await (const { fields } of readTable(path)) records.push(fields);
    expect(records).toEqual([
      ['row', 'id', 'cap'],
      ['1', '', 'Infinity'],
      [String(2 ** 40), 'a,"b"\n', String(Math.fround(0.1))],
    ]);
  });

  test('what goes wrong', async () => {
    const open = (spec: string) => () => Pool.open(spec);
    const nulls = lists.slice(0, 5).map((list, i) => (i === 3 ? [1, null, 2] : list));
    await fails(
      open(put('null.parquet', withLists(nulls))),
      'FORMAT',
      /row 3: expected a number in embedding\[1\], got null/,
    );
    const missing = lists.slice(0, 5).map((list, i) => (i === 2 ? null : list));
    await fails(
      open(put('missing.parquet', withLists(missing))),
      'FORMAT',
      /row 2: expected numbers in embedding/,
    );
    const ragged = lists.slice(0, 5).map((list, i) => (i === 4 ? [1] : list));
    await fails(
      open(put('ragged.parquet', withLists(ragged))),
      'FORMAT',
      /row 4: expected 3 values in embedding, got 1$/,
    );
    const path = write('bad.parquet', [ids, label]);
    await fails(
      open(path),
      'INVALID_ARGUMENT',
      /expected a list column or columns of floats in .*, got id, label/,
    );
    await fails(open(`${path}#emb`), 'INVALID_ARGUMENT', /expected a column of .* \(id, label\), got "emb"$/);
    await fails(open(`${path}#id`), 'FORMAT', /row 0: expected a number in id, got "img/);
    await fails(open(put('text.parquet', 'PAR1 or not')), 'FORMAT', /is not a sound \.parquet file: /);
    await fails(open(put('empty.parquet', '')), 'FORMAT', /is empty/);
    const whole = withLists(lists);
    for (const cut of [
      whole.subarray(0, 1000),
      whole.subarray(500),
      Buffer.concat([whole.subarray(0, 5000), whole.subarray(9000)]),
    ])
      await fails(open(put('cut.parquet', cut)), 'FORMAT', /\.parquet/);
  });
});
