import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readIds } from '../src/formats/ids.js';
import { Pool } from '../src/pool/pool.js';
import { fails, floats, npy, testFolder } from './support/files.js';

const { path: folder, put } = testFolder();
const read = async (text: string, rows: number) => (await readIds(put('ids.csv', text), rows)).ids;

describe('an ids file', () => {
  test('a plain list, with or without a header', async () => {
    expect(await read('a\nb\nc\n', 3)).toEqual(['a', 'b', 'c']);
    expect(await read('id\na\nb\n', 2)).toEqual(['a', 'b']);
    expect(await read('name\r\na\r\nb', 2)).toEqual(['a', 'b']);
    expect(await read('7\n8\n', 2)).toEqual(['7', '8']);
  });

  test('a CSV: its id column, else the first', async () => {
    expect(await read('label,Id\n0,a\n1,b\n', 2)).toEqual(['a', 'b']);
    expect(await read('file,label\na,0\nb,1\n', 2)).toEqual(['a', 'b']);
    expect(await read('"a, 1",0\nb,1\n', 2)).toEqual(['a, 1', 'b']);
  });

  test('both ways', async () => {
    const { rowOf } = await readIds(put('two.csv', 'id\na\nb\n'), 2);
    expect([...rowOf]).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  test('bad files', async () => {
    await fails(
      () => read('a\nb\na\n', 3),
      'FORMAT',
      /^expected different ids in .*ids\.csv, got "a" at line 1 and line 3$/,
    );
    await fails(() => read('id\na\n"b\nb"\na\n', 3), 'FORMAT', /got "a" at line 2 and line 5$/);
    await fails(
      () => read('a\nb\n', 5),
      'SHAPE_MISMATCH',
      /^expected 5 ids in .*ids\.csv, one a row of the pool, got 2$/,
    );
    await fails(
      () => read('row,label\n1,a\n2,b\n', 4),
      'SHAPE_MISMATCH',
      /^expected 4 ids in .*ids\.csv, one a row of the pool, got 3, with no column id in its first line, "row,label"$/,
    );
    await fails(
      () => read('id\na\nb\n', 3),
      'SHAPE_MISMATCH',
      /expected 3 ids in .*, got 2 below the header$/,
    );
    await fails(() => read('a\n\nb\n', 3), 'FORMAT', /^expected an id at line 2 of .*ids\.csv, got a blank$/);
    await fails(
      () => read('a,1\nb\n', 2),
      'FORMAT',
      /ids\.csv, line 2: expected 2 fields as in the first line, got 1$/,
    );
    await fails(() => read('', 2), 'FORMAT', /ids\.csv is empty \(0 bytes\)/);
    await fails(
      () => readIds(join(folder, 'gone.csv'), 2),
      'IO',
      /can't read .*gone\.csv: there is no such file/,
    );
  });

  test('given to Pool.open, as a path or an array, before a CSV pool’s own', async () => {
    const file = put('p.npy', npy(floats(4), [2, 2]));
    const list = put('list.txt', 'a\nb\n');
    expect((await Pool.open(file, { ids: list })).rowOf('b')).toBe(1);
    expect((await Pool.open(file, { ids: ['x', 'y'] })).idOf(0)).toBe('x');
    const csv = put('p.csv', 'id,x\nq,1\nr,2\n');
    expect((await Pool.open(csv)).ids).toEqual(['q', 'r']);
    expect((await Pool.open(csv, { ids: list })).ids).toEqual(['a', 'b']);
    await fails(
      () => Pool.open(file, { ids: ['x'] }),
      'SHAPE_MISMATCH',
      /^expected 2 ids, one a row of the pool, got 1$/,
    );
    await fails(
      () => Pool.open(file, { ids: ['x', 'x'] }),
      'INVALID_ARGUMENT',
      /got "x" at row 0 and row 1$/,
    );
  });
});
