import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { thriftEnd } from '../src/formats/parquet/thrift.js';
import { Pool, readTable } from '../src/index.js';
import { fails, testFolder } from './support/files.js';

const { path: folder, put } = testFolder();
type Options = Parameters<typeof parquetWriteBuffer>[0];
const encode = (options: object) => new Uint8Array(parquetWriteBuffer(options as Options));

const ROWS = 3000;
const range = <T>(value: (i: number) => T) => Array.from({ length: ROWS }, (_, i) => value(i));
const nullable = <T>(value: (i: number) => T) => range((i) => (i % 7 === 3 ? null : value(i)));
const column = (name: string, type: string, encoding: string, data: unknown[]) => ({
  name: `${name} ${encoding}`,
  type,
  encoding,
  data,
});

/** Every encoding of every type that the writer knows. */
const COLUMNS = [
  ...['PLAIN', 'BYTE_STREAM_SPLIT', 'RLE_DICTIONARY'].flatMap((encoding) => [
    column(
      'float',
      'FLOAT',
      encoding,
      range((i) => Math.fround(Math.sin(i % 90))),
    ),
    column(
      'double',
      'DOUBLE',
      encoding,
      nullable((i) => Math.sin(i % 90)),
    ),
  ]),
  ...['PLAIN', 'DELTA_BINARY_PACKED', 'RLE_DICTIONARY'].flatMap((encoding) => [
    column(
      'int',
      'INT32',
      encoding,
      range((i) => ((i * 7919) % 1000) - 500),
    ),
    column(
      'long',
      'INT64',
      encoding,
      nullable((i) => BigInt((i * 7919) % 1000) * 2n ** 33n),
    ),
  ]),
  ...['PLAIN', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY', 'RLE_DICTIONARY'].map((encoding) =>
    column(
      'text',
      'STRING',
      encoding,
      nullable((i) => `image ${i % 400} ü`),
    ),
  ),
  column(
    'flag',
    'BOOLEAN',
    'PLAIN',
    nullable((i) => i % 3 === 0),
  ),
  column(
    'flag',
    'BOOLEAN',
    'RLE',
    range((i) => i % 30 < 11),
  ),
  column(
    'day',
    'TIMESTAMP',
    'PLAIN',
    range((i) => new Date(i * 86_400_000)),
  ),
];

describe('what hyparquet reads', () => {
  const codecs = {
    SNAPPY: undefined,
    UNCOMPRESSED: undefined,
    GZIP: (bytes: Uint8Array) => gzipSync(bytes),
    BROTLI: (bytes: Uint8Array) => brotliCompressSync(bytes),
  };
  test.each(Object.entries(codecs))('every type and encoding, %s', async (codec, compress) => {
    const bytes = encode({
      columnData: COLUMNS,
      rowGroupSize: 1300,
      pageSize: 2000,
      codec,
      ...(compress && { compressors: { [codec]: compress } }),
    });
    const wanted = await parquetReadObjects({ file: bytes.slice().buffer, compressors });
    const names = COLUMNS.map(({ name }) => name);
    const records: string[][] = [];
    for await (const { fields } of readTable(put(`all-${codec}.parquet`, bytes))) records.push([...fields]);
    expect(records[0]).toEqual(names);
    const shown = (value: unknown) =>
      value === null || value === undefined
        ? ''
        : value instanceof Date
          ? value.toISOString()
          : String(value);
    expect(records.slice(1)).toEqual(wanted.map((row) => names.map((name) => shown(row[name]))));
  });
});

describe('what a file claims is checked before memory is taken', () => {
  // Found by damaging footers: these took the process with them when hyparquet read them.
  const base64 = {
    'levels of a kind of page that has none':
      'UEFSMRUGFSIVJlwVBhUAFQYVABUEFQAAAAMHDzgBAAAAYQEAAABiAQAAAGMVBhUcFSBcFQYVABWGFQAVBBUAAAADBwwsAACAPwAAAEAAAEBAFQYVNBUwXBUGFQAVBhUAFQQVAAAAAwcYAAAFAQTwPwUHKAAAQAAAAAAAAAhAFQQZTEgEcm9vdBUGABUMJQIYAmlkJQAAFQglAhgBeAAVCiUCGAF5ABYGGRwZPCYIHBUMGRUAGRgCaWQVAhYGFkwWUCYIPDYAKAFjGAFhABkcFQYVABUCAAAAJlgcFQgZFQAZGAF4FQIWBhZGFkomWDw2ACgEAABAQBgEAACAPzYAABkcFQYVABUCAAAAJqIBHBUKGRUAGRgBeRUCFgYWXhZaJqIBPDYAKAgAAAAAAAAIQBgIAAAAAAAA8D82AAAZHBUGFQAVAgAAABbwARYGNvQBACgJaHlwYXJxdWV0GTwcAAAcAAAcAAAA6gAAAFBBUjE=',
    'an offset that is a structure':
      'UEFSMRUGFSIVJlwVBhUAFQYVABUEFQAAAAMHDzgBAAAAYQEAAABiAQAAAGMVBhUcFSBcFQYVABUGFQAVBBUAAAADBwwsAACAPwAAAEAAAEBAFQYVNBUwXBUGFQAVBhUAFQQVAAAAAwcYAAAFAQTwPwUHKAAAQAAAAAAAAAhAFQQZTEgEcm9vdBUGgBUMJQIYAmlkJQAAFQglAhgBeAAVCiUCGAF5ABYGGRwZPCYIHBUMGRUAGRgCaWQVAhYGFkwWUCYILDYAKAFjGAFhABkcFQYVABUCAAAAJlgcFQgZFQAZGAF4FQIWBhZGFkomWDw2ACgEAABAQBgEAACAPzYAABkcFQYVABUCAAAAJqIBHBUKGRUAGRgBeRUCFgYWXhZaJqIBPDYAKAgAAAAAAAAIQBgIAGsAAAAA8D82AAAZHBUGFQAVAgAAABbwARYGNvQBACgJaHlwYXJxdWV0GTwcAAAcAAAcAAAA6gAAAFBBUjE=',
    'a hundred million rows':
      'UEFSMRUGFRwVIFwVBhUAFQYVABUEFQAAAAMHDCwAAIA/AAAAQAAAQEAVBhUcFSBcFQYVABUGFQAVBBUAAAADBwwsAACAPwAAAEAAAEBAFQQZPEgEcm9vdBUEABUIJQIYAXgAFQglAhgBeQAWgISvXxkcGSwmCBwVCBkVABkYAXgVAhaAhK9fFkYWSiYIPDYAKAQAAEBAGAQAAIA/ABkcFQYVABUCAAAAJlIcFQgZFQAZGAF5FQIWgISvXxZGFkomUjw2ACgEAABAQBgEAACAPwAZHBUGFQAVAgAAABaMARaAhK9fNpQBACgJaHlwYXJxdWV0GSwcAAAcAAAArgAAALIAAABQQVIx',
  };
  test.each(Object.entries(base64))('%s', async (name, text) => {
    const path = put(`${name}.parquet`, Buffer.from(text, 'base64'));
    const before = process.memoryUsage().rss;
    await fails(() => Pool.open(path), 'FORMAT', /is not a sound \.parquet file/);
    await fails(
      async () => {
        for await (const _ of readTable(path));
      },
      'FORMAT',
      /is not a sound \.parquet file/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(128 << 20);
  });

  test('lists in lists of Thrift, each of millions', () => {
    const deep = Buffer.from([0x19, ...Array.from({ length: 50 }, () => [0xf9, 0xff, 0xff, 0x07]).flat(), 0]);
    expect(() => thriftEnd(new DataView(deep.buffer, deep.byteOffset, deep.length), 0)).toThrow(
      /list of 131071 runs over the end/,
    );
    const nested = Buffer.alloc(1000, 0x1c);
    expect(() => thriftEnd(new DataView(nested.buffer, nested.byteOffset, nested.length), 0)).toThrow(
      /deeper than 64/,
    );
  });
});

test('an abort ends the reading within 50 ms, and the thread does not hold the event loop', async () => {
  const path = join(folder, 'large.parquet');
  const data = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i));
  const columnData = Array.from({ length: 12 }, (_, j) => ({ name: `f${j}`, type: 'FLOAT', data }));
  writeFileSync(path, encode({ columnData }));
  const late: number[] = [];
  for (const wait of [0, 20, 60]) {
    const controller = new AbortController();
    const opened = fails(() => Pool.open(path, { signal: controller.signal }), 'ABORTED', /aborted/);
    await setTimeout(wait);
    const start = performance.now();
    controller.abort();
    await opened;
    late.push(performance.now() - start);
  }
  expect(Math.max(...late)).toBeLessThan(50);
  const pool = await Pool.open(path);
  expect([pool.rows, pool.dim]).toEqual([200_000, 12]);
});
