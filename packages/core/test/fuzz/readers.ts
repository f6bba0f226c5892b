import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { readCsv } from '../../src/formats/csv.js';
import { readCsvMatrix } from '../../src/formats/csv-matrix.js';
import { readIds } from '../../src/formats/ids.js';
import { readTable as readTableFile } from '../../src/formats/table.js';
import { readTensor } from '../../src/formats/tensor-file.js';
import { LinearHead } from '../../src/head/linear-head.js';
import { Pool } from '../../src/pool/pool.js';
import { floats, npy, safetensors } from '../support/files.js';
import { zip } from '../support/zip.js';

/** A reader under fuzz. A new one is one line in `readers`. */
export interface FuzzedReader {
  name: string;
  /** The file's name, whose extension says how it is read. */
  file: string;
  /** Whole files to damage; not all need be valid. */
  seeds: readonly Uint8Array[];
  /** Opens, reads everything, and throws a plain Error (not an AlfamixError) where the result breaks its promise. */
  read: (path: string, size: number) => Promise<void>;
}

const text = (...files: string[]) => files.map((file) => Buffer.from(file));
const bytes = (count: number) => new Uint8Array(floats(count).buffer);
const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

const npySeeds = [
  ...([1, 2, 3] as const).map((version) => npy(floats(12), [4, 3], { version })),
  npy(floats(12), [4, 3], { fortran: 'True' }),
  npy(floats(12), [4, 3], { descr: "'>f4'" }),
  npy(floats(12), [4, 3], { descr: "[('a', '<f4'), ('b', '<i8', (2,))]" }),
  npy(new BigInt64Array(5), [5], { descr: "'<i8'" }),
  npy(new Float64Array(6), [6], { descr: "'<f8'" }),
  npy(floats(0), [0, 3]),
];

const safetensorsSeeds = [
  safetensors({ __metadata__: { format: 'pt' }, emb: f32([4, 3], 0, 48) }, bytes(12)),
  safetensors(`${JSON.stringify({ emb: f32([4, 3], 0, 48) })}      `, bytes(12)),
  safetensors({ b: f32([3], 48, 60), a: f32([4, 3], 0, 48), none: f32([0, 7], 60, 60) }, bytes(15)),
  safetensors({ a: f32([4, 3], 0, 48), b: f32([4, 3], 24, 72) }, bytes(18)),
  safetensors({ a: f32([4, 3], 8, 56) }, bytes(14)),
  safetensors({ labels: { dtype: 'I64', shape: [5], data_offsets: [0, 40] } }, bytes(10)),
];

/** Stored, and deflated, laid out as NumPy's savez does. */
const npzSeeds = [false, true].map((deflate) =>
  zip([{ name: 'emb.npy', data: npySeeds[0], deflate, zip64: deflate }]),
);

const parquetSeeds = [
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: ['a', 'b', 'c'], type: 'STRING' },
        { name: 'x', data: [1, 2, 3], type: 'FLOAT' },
        { name: 'y', data: [1, 2, 3], type: 'DOUBLE' },
      ],
    }),
  ),
  new Uint8Array(
    parquetWriteBuffer({
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'emb', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
      ],
      columnData: [
        { name: 'id', data: ['a', undefined, 'a', 'a'], encoding: 'RLE_DICTIONARY' },
        { name: 'emb', data: [0, 1, 2, 3].map((i) => [i, -i, 0.5]) },
      ],
      rowGroupSize: 3,
      codec: 'UNCOMPRESSED',
    } as never),
  ),
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'id', data: ['aa', 'ab', 'b'], type: 'STRING', encoding: 'DELTA_BYTE_ARRAY' },
        { name: 'x', data: [1, 2, 3], type: 'INT32', encoding: 'DELTA_BINARY_PACKED' },
        { name: 'y', data: [1, 2, 3], type: 'FLOAT', encoding: 'BYTE_STREAM_SPLIT' },
      ],
    } as never),
  ),
];

const headSeeds = [
  safetensors(
    { __metadata__: { classes: '["a","b"]' }, weight: f32([2, 3], 0, 24), bias: f32([2], 24, 32) },
    bytes(8),
  ),
  safetensors({ 'fc.weight': f32([1, 4], 0, 16), 'fc.bias': f32([1], 16, 20) }, bytes(5)),
];

const csvSeeds = text(
  'id,x,y\na,1,2\nb,3,4\n"c ""d""",-0.5,1e-3\n',
  '1,2,3\r\n4,5,6\r\n\r\n',
  '\ufeffx\n1\n\n2\n',
  'id\na\nb\nc\n',
  'row,label\n0,cat\n1,"dog, big"\n',
);

function promise(kept: boolean, what: string): void {
  if (!kept) throw new Error(`broken promise: ${what}`);
}

async function readPool(path: string, size: number): Promise<void> {
  const pool = await Pool.open(path);
  promise(pool.rows > 0 && pool.dim > 0, 'rows and dim are positive');
  if (!path.endsWith('.csv')) promise(pool.rows * pool.dim * 4 <= size, 'the rows lie within the file');
  const data = await pool.toArray();
  promise(data.length === pool.rows * pool.dim, 'rows x dim values');
  promise((await pool.gather([pool.rows - 1])).length === pool.dim, 'a row has dim values');
  promise(pool.ids === undefined || pool.ids.length === pool.rows, 'one id a row');
}

/** What was compressed may be larger than its file. */
async function readPacked(path: string): Promise<void> {
  const pool = await Pool.open(path);
  promise(pool.rows > 0 && pool.dim > 0, 'rows and dim are positive');
  promise((await pool.toArray()).length === pool.rows * pool.dim, 'rows x dim values');
}

async function readRecords(path: string): Promise<void> {
  let width: number | undefined;
  for await (const { fields } of readTableFile(path)) {
    width ??= fields.length;
    promise(fields.length === width, 'equal widths');
  }
}

async function readAnyTensor(path: string): Promise<void> {
  for (const dtype of ['float', 'int'] as const) {
    const { shape, data } = await readTensor(path, { dtype, rank: dtype === 'int' ? 1 : undefined });
    promise(data.length === shape.reduce((a, b) => a * b, 1), 'as many values as the shape says');
  }
}

async function readHead(path: string): Promise<void> {
  const head = await LinearHead.open(path);
  promise(head.weight.length === head.classes * head.dim, 'classes x dim weights');
  promise(head.bias.length === head.classes, 'one bias a class');
  promise([...head.weight, ...head.bias].every(Number.isFinite), 'a finite head');
}

async function readTable(path: string): Promise<void> {
  let width: number | undefined;
  let last = 0;
  for await (const { fields, line } of readCsv(path)) {
    width ??= fields.length;
    promise(fields.length === width && line > last, 'equal widths, growing lines');
    last = line;
  }
}

async function readMatrix(path: string): Promise<void> {
  const { rows, dim, data } = await readCsvMatrix(path);
  promise(data.length === rows * dim && data.every(Number.isFinite), 'rows x dim finite values');
}

async function readIdList(path: string): Promise<void> {
  const { ids, rowOf } = await readIds(path, 3);
  promise(ids.length === 3 && rowOf.size === 3, 'three different ids');
}

export const readers: readonly FuzzedReader[] = [
  { name: 'npy pool', file: 'pool.npy', seeds: npySeeds, read: readPool },
  { name: 'npy tensor', file: 'any.npy', seeds: npySeeds, read: readAnyTensor },
  { name: 'safetensors pool', file: 'pool.safetensors', seeds: safetensorsSeeds, read: readPool },
  { name: 'safetensors tensor', file: 'any.safetensors', seeds: safetensorsSeeds, read: readAnyTensor },
  { name: 'npz pool', file: 'pool.npz', seeds: npzSeeds, read: readPacked },
  { name: 'parquet pool', file: 'pool.parquet', seeds: parquetSeeds, read: readPacked },
  { name: 'parquet table', file: 'labels.parquet', seeds: parquetSeeds, read: readRecords },
  { name: 'head', file: 'head.safetensors', seeds: headSeeds, read: readHead },
  { name: 'csv pool', file: 'pool.csv', seeds: csvSeeds, read: readPool },
  { name: 'csv matrix', file: 'matrix.csv', seeds: csvSeeds, read: readMatrix },
  { name: 'csv table', file: 'labels.csv', seeds: csvSeeds, read: readTable },
  { name: 'ids', file: 'ids.csv', seeds: csvSeeds, read: readIdList },
];

export const pathIn = (folder: string, { file }: FuzzedReader): string => join(folder, file);
