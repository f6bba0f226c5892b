import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AlfamixError } from '../src/errors.js';
import { csvField, readCsv } from '../src/formats/csv.js';
import { readCsvMatrix } from '../src/formats/csv-matrix.js';
import { parseDecimal, parseFloat32 } from '../src/formats/number.js';
import { Pool } from '../src/pool/pool.js';
import { damage, fails, floats, readsOrFailsCleanly, testFolder } from './support/files.js';

const { path: folder, put } = testFolder();
const open = (text: string | Uint8Array) => Pool.open(put('t.csv', text));
const records = async (text: string) => {
  const found: { fields: readonly string[]; line: number }[] = [];
  for await (const record of readCsv(put('r.csv', text))) found.push(record);
  return found;
};

describe('numbers', () => {
  test('decimal, exact, rounded once', () => {
    expect(['0', '-1.5', '+2', '.5', '5.', '1e3', ' 7 ', '1E-3'].map(parseDecimal)).toEqual([
      0, -1.5, 2, 0.5, 5, 1000, 7, 0.001,
    ]);
    expect(parseFloat32('0.1')).toBe(Math.fround(0.1));
    expect(Object.is(parseFloat32('-0'), -0)).toBe(true);
    expect(parseFloat32('3.4028235e38')).toBe(3.4028234663852886e38);
  });

  test.each([
    ['', 'blank'],
    [' ', 'blank'],
    ['0x10', 'text'],
    ['0b1', 'text'],
    ['0o7', 'text'],
    ['1e', 'text'],
    ['abc', 'text'],
    ['1 2', 'text'],
    ['1_000', 'text'],
    ['1,5', 'text'],
    ['nan', 'non-finite'],
    ['-Infinity', 'non-finite'],
    ['inf', 'non-finite'],
    ['3.5e38', 'overflow'],
    ['-1e999', 'overflow'],
  ])('%j is bad: %s', (text, why) => {
    expect(parseFloat32(text)).toBe(why);
  });
});

describe('records', () => {
  test('lines are counted as an editor does', async () => {
    const text = 'a,b\r\n"x\r\ny",2\r\n\n3,4\r"5\n\n",6\n\n\n';
    await fails(
      () => records(text),
      'FORMAT',
      /r\.csv, line 4: expected 2 fields as in the first line, got 1$/,
    );
    expect(await records(text.replace('\r\n\n', '\r\n'))).toEqual([
      { fields: ['a', 'b'], line: 1 },
      { fields: ['x\r\ny', '2'], line: 2 },
      { fields: ['3', '4'], line: 4 },
      { fields: ['5\n\n', '6'], line: 5 },
    ]);
  });

  test('broken quotes', async () => {
    await fails(
      () => records('a,b\n"x\n",2\n1,"2\n'),
      'FORMAT',
      /r\.csv, line 4: a quote that is opened is never closed$/,
    );
    await fails(
      () => records('a,b\n1,"2"x\n'),
      'FORMAT',
      /line 2: expected a comma or the end of the line after a closing quote$/,
    );
    await fails(
      () => records('a,b\n1,x"2"\n'),
      'FORMAT',
      /line 2: expected a quote only at the beginning of a field$/,
    );
  });

  test('empty files', async () => {
    await fails(() => records(''), 'FORMAT', /r\.csv is empty \(0 bytes\), expected a \.csv file$/);
    await fails(
      () => records('\n \n\r\n'),
      'FORMAT',
      /r\.csv is empty: expected at least one line that isn't blank$/,
    );
    await fails(() => records('\uFEFF'), 'FORMAT', /r\.csv is empty/);
  });

  test('an abort stops the reading and closes the file', async () => {
    put('long.csv', '1,2\n'.repeat(100_000));
    const before = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
    const controller = new AbortController();
    const read = async () => {
      for await (const _ of readCsv(join(folder, 'long.csv'), { signal: controller.signal }))
        controller.abort('why');
    };
    expect((await fails(read, 'ABORTED', /aborted/)).cause).toBe('why');
    for await (const _ of readCsv(join(folder, 'long.csv'))) break;
    await fails(
      () => Pool.open(join(folder, 'gone.csv')),
      'IO',
      /can't read .*gone\.csv: there is no such file/,
    );
    await new Promise((done) => setTimeout(done, 50));
    if (process.platform === 'linux') expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describe('a CSV pool', () => {
  test('with and without a header, BOM, CRLF, quotes', async () => {
    for (const text of [
      '1,2.5\n3,4\n',
      'a,b\n1,2.5\n3,4',
      '\uFEFFa,"b"\r\n"1","2.5"\r\n3, 4\r\n\r\n',
      '"x, y",z\n1,2.5\n3,4\n',
    ]) {
      const pool = await open(text);
      expect([pool.rows, pool.dim, pool.ids]).toEqual([2, 2, undefined]);
      expect(pool.source).toEqual(Float32Array.of(1, 2.5, 3, 4));
    }
  });

  test('an id column becomes the ids', async () => {
    const pool = await open('x,ID ,y\n1,a,2\n3,"b, c",4\n');
    expect([pool.dim, pool.ids, pool.rowOf('b, c')]).toEqual([2, ['a', 'b, c'], 1]);
    expect(pool.source).toEqual(Float32Array.of(1, 2, 3, 4));
    await fails(
      () => open('id,x\na,1\n"b\nb",2\na,3\n'),
      'FORMAT',
      /^expected different ids in .*t\.csv, got "a" at line 2 and line 5$/,
    );
    await fails(
      () => open('id,x\na,1\n,2\n'),
      'FORMAT',
      /^expected an id at line 3 of .*t\.csv, got a blank$/,
    );
    await fails(
      () => open('id,x,id\na,1,b\n'),
      'FORMAT',
      /expected one column "id" in the header of .*t\.csv, got two/,
    );
  });

  test('other text columns on request', async () => {
    const { data, dim, text } = await readCsvMatrix(put('d.csv', 'p0,p1,label\n1,2,cat\n3,4,dog\n'), {
      textColumns: ['label', 'id'],
    });
    expect([dim, [...data], [...text]]).toEqual([2, [1, 2, 3, 4], [['label', ['cat', 'dog']]]]);
  });

  test('bad fields name file, line and column', async () => {
    await fails(
      () => open('a,b\n1,2\n3,abc\n'),
      'FORMAT',
      /t\.csv, line 3, column 2 \("b"\): expected a number, got "abc"$/,
    );
    await fails(
      () => open('1,2\n3,\n'),
      'FORMAT',
      /t\.csv, line 2, column 2: expected a number, got a blank$/,
    );
    await fails(
      () => open('1,\n3,4\n'),
      'FORMAT',
      /t\.csv, line 1, column 2: expected a number, got a blank$/,
    );
    await fails(
      () => open('1,2\nNaN,4\n'),
      'NON_FINITE',
      /t\.csv, line 2, column 1: expected a finite number, got "NaN"$/,
    );
    await fails(
      () => open('1,-inf\n3,4\n'),
      'NON_FINITE',
      /line 1, column 2: expected a finite number, got "-inf"$/,
    );
    await fails(
      () => open('1,2\n3,1e39\n'),
      'NON_FINITE',
      /line 2, column 2: expected a number that float32 can hold, got "1e39"$/,
    );
    await fails(
      () => open('1,2\n3,4,5\n'),
      'FORMAT',
      /t\.csv, line 2: expected 2 fields as in the first line, got 3$/,
    );
    await fails(
      () => open('1\n2,3\n'),
      'FORMAT',
      /t\.csv, line 2: expected 1 field as in the first line, got 2$/,
    );
    await fails(
      () => open('1\n\n2\n'),
      'FORMAT',
      /t\.csv, line 2, column 1: expected a number, got a blank$/,
    );
  });

  test('nothing to read', async () => {
    await fails(() => open(''), 'FORMAT', /t\.csv is empty \(0 bytes\)/);
    await fails(
      () => open('a,b\n'),
      'SHAPE_MISMATCH',
      /^empty pool: expected at least 1 row in .*t\.csv, got 0 × 2$/,
    );
    await fails(
      () => open('id\na\n'),
      'SHAPE_MISMATCH',
      /^expected at least 1 column of numbers in .*t\.csv, got 1 × 0$/,
    );
    await fails(
      () => Pool.open(`${put('t.csv', '1,2')}#x`),
      'INVALID_ARGUMENT',
      /expected .*t\.csv without #x: a \.csv file holds one table$/,
    );
    // As a folder of shards, of which the last one was made above.
    await fails(() => Pool.open(join(folder, 'none')), 'FORMAT', /expected a \.npy, .* or \.csv file/);
  });

  test('more values than one block', async () => {
    const data = floats(300_000);
    const lines: string[] = [];
    for (let i = 0; i < 3000; i++) lines.push(data.subarray(i * 100, i * 100 + 100).join(','));
    expect((await open(lines.join('\n'))).source).toEqual(data);
  });

  test('float32 survives a round trip through csvField', async () => {
    const value = fc.float({ noNaN: true, noDefaultInfinity: true });
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 1, max: 5 })
          .chain((dim) =>
            fc.array(fc.array(value, { minLength: dim, maxLength: dim }), { minLength: 1, maxLength: 8 }),
          ),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        async (rows, end, header) => {
          const lines = rows.map((row) => row.map((x) => (Object.is(x, -0) ? '-0' : csvField(x))).join(','));
          if (header) lines.unshift(rows[0].map((_, i) => `x${i}`).join(','));
          const pool = await open(lines.join(end));
          expect([pool.rows, pool.dim]).toEqual([rows.length, rows[0].length]);
          expect(pool.source).toEqual(Float32Array.from(rows.flat()));
        },
      ),
      { numRuns: 80 },
    );
  });

  test('any text survives csvField', async () => {
    const word = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é', '\t', '0'),
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 5 }), async (rows) => {
        const text = rows.map((row) => row.map(csvField).join(',')).join('\n');
        expect((await records(`h,h\n${text}\n`)).slice(1).map(({ fields }) => fields)).toEqual(rows);
      }),
      { numRuns: 80 },
    );
    expect([Infinity, -Infinity, Number.NaN, undefined, 3n, 0.1].map(csvField)).toEqual([
      'inf',
      '-inf',
      'nan',
      '',
      '3',
      '0.1',
    ]);
  });

  test('a damaged file reads or fails with one sentence', async () => {
    const whole = Buffer.from('id,x,"y"\r\na,1.5,2\r\n"b ""q""",-3e2,4\r\nc,5,6\r\n');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length), fc.nat(255)), { maxLength: 4 }),
        fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
        async (edits, keep) => readsOrFailsCleanly(() => open(damage(whole, edits, keep))),
      ),
      { numRuns: 300 },
    );
  });
});

test('blank lines without end are refused, not gathered', async () => {
  const message = /blank\.csv, line 65538: expected at most 65536 blank lines in a row$/;
  const read = async (text: string) => {
    let count = 0;
    for await (const _ of readCsv(put('blank.csv', text))) count++;
    return count;
  };
  expect(await read(`1,2\n${'\n'.repeat(65_536)}`)).toBe(1);
  await fails(() => read(`1,2\n${'\n'.repeat(65_537)}`), 'FORMAT', message);
});

test('what a message quotes can neither steer a terminal nor fill it', async () => {
  const file = put('escape.csv', `\u001b[2J\u202e\u009b31m,${'x'.repeat(5000)}\n1,2\na,1\n`);
  const error = await fails(() => readCsvMatrix(file), 'FORMAT', /got "a"$/);
  expect(error.message).toContain('"\\u001b[2J\\u202e\\u009b31m"');
  expect(new AlfamixError('FORMAT', 'x'.repeat(1e6)).message.length).toBeLessThan(1001);
});
