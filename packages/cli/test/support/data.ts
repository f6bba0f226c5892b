import { writeFileSync } from 'node:fs';
import { Rng, type SafetensorsTensor, writeSafetensors } from '@alfamix/core';
import { Scratch } from './cli.js';

export const ROWS = 90;
export const DIM = 6;
export const CLASSES = 3;

/** Blobs around three corners that overlap enough for a head to be unsure: row i is of class i % 3. */
export function blobs(rows = ROWS, dim = DIM, seed = 1): Float32Array {
  const rng = new Rng(seed);
  return Float32Array.from({ length: rows * dim }, (_, i) => {
    const row = Math.floor(i / dim);
    const noise = rng.uniform() + rng.uniform() + rng.uniform() - 1.5;
    return (i % dim === row % CLASSES ? 0.9 : 0) + noise;
  });
}

/** The bytes of an .npy file, version 1.0. */
export function npy(shape: readonly number[], data: ArrayBufferView, descr = '<f4', order = 'False'): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`;
  const text = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8]);
  return Buffer.concat([
    start,
    Buffer.from(text),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
}

export const f32 = (shape: number[], data: Float32Array): SafetensorsTensor => ({
  dtype: 'F32',
  shape,
  data,
});
export const i64 = (values: readonly number[]): SafetensorsTensor => ({
  dtype: 'I64',
  shape: [values.length],
  data: Float64Array.from(values),
});

/** labels.csv for rows 0 … count − 1, `names` in turn. */
export function labelsCsv(count = 24, names: readonly string[] = ['0', '1', '2']): string {
  const lines = Array.from({ length: count }, (_, row) => `${row},${names[row % names.length]}`);
  return `row,label\n${lines.join('\n')}\n`;
}

/** Weight and bias that tell the blobs apart. */
export const HEAD_WEIGHT = Float32Array.from({ length: CLASSES * DIM }, (_, i) =>
  i % DIM === Math.floor(i / DIM) ? 2 : 0.1 * ((i % 5) - 2),
);

/** A folder with a pool in three formats, ids, labels, a head and the labelled rows apart. */
export async function scratchWithData(): Promise<Scratch> {
  const scratch = new Scratch();
  const data = blobs();
  const put = (name: string, content: string | Buffer) => writeFileSync(scratch.file(name), content);
  put('pool.npy', npy([ROWS, DIM], data));
  await writeSafetensors(scratch.file('pool.safetensors'), {
    emb: f32([ROWS, DIM], data),
    other: f32([ROWS, 2], blobs(ROWS, 2)),
  });
  const rows = Array.from({ length: ROWS }, (_, row) =>
    [...data.subarray(row * DIM, (row + 1) * DIM)].join(','),
  );
  put('pool.csv', `${Array.from({ length: DIM }, (_, j) => `x${j}`).join(',')}\n${rows.join('\n')}\n`);
  put('ids.csv', `id\n${Array.from({ length: ROWS }, (_, row) => `img ${row}`).join('\n')}\n`);
  put('labels.csv', labelsCsv());
  put('named.csv', labelsCsv(24, ['cat', 'dog', 'eel']));
  const idLines = Array.from(
    { length: 24 },
    (_, row) => `img ${row},${['cat', 'dog', 'eel'][row % CLASSES]}`,
  );
  put('by-id.csv', `id,label\n${idLines.join('\n')}\n`);
  const head = { weight: f32([CLASSES, DIM], HEAD_WEIGHT), bias: f32([CLASSES], new Float32Array(CLASSES)) };
  await writeSafetensors(scratch.file('head.safetensors'), head);
  await writeSafetensors(scratch.file('named-head.safetensors'), head, { classes: '["cat","dog","eel"]' });
  put('labeled.npy', npy([24, DIM], data.subarray(0, 24 * DIM)));
  await writeSafetensors(scratch.file('labeled.safetensors'), {
    emb: f32([24, DIM], data.slice(0, 24 * DIM)),
    labels: i64(Array.from({ length: 24 }, (_, i) => i % CLASSES)),
  });
  return scratch;
}
