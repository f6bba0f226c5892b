import { resolve } from 'node:path';
import { AlfamixError } from '../errors.js';
import { readCsvMatrix } from '../formats/csv-matrix.js';
import { allocate } from '../formats/file-io.js';
import { type Ids, indexIds } from '../formats/ids.js';
import { readParquetMatrix } from '../formats/parquet.js';
import { describeExtension, openTensor, parseSpec, readTensorData } from '../formats/tensor-file.js';
import type { EmbeddingDType, FileRows, FileSegment, RowSource } from '../kernels/kernels.js';
import { readBlocks } from './read-blocks.js';

/** One file of a pool. */
export interface PoolFile {
  /** As given, with its `#name`. */
  readonly spec: string;
  /** Absolute. */
  readonly path: string;
  readonly rows: number;
}

/** A file opened, or several joined. */
export interface OpenedRows {
  readonly files: readonly PoolFile[];
  readonly rows: number;
  readonly dim: number;
  readonly source: RowSource;
  readonly ids: Ids | undefined;
}

type Shard = Omit<OpenedRows, 'files'> & { readonly texts: readonly string[] | undefined };

/**
 * Opens files and joins their rows, in their order. Files on disk stay there; where some are in memory all become one
 * float32 array. Ids are kept when every file has them, and must differ across all.
 */
export async function openShards(
  specs: readonly string[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<OpenedRows> {
  const shards: Shard[] = [];
  for (const spec of specs) {
    const shard = await openShard(spec, signal);
    if (shards.length > 0 && shard.dim !== shards[0].dim) {
      throw new AlfamixError(
        'SHAPE_MISMATCH',
        `expected dimension ${shards[0].dim}, that of ${specs[0]}, for ${spec}, got ${shard.dim}`,
        { details: { path: spec, expected: shards[0].dim, got: shard.dim } },
      );
    }
    shards.push(shard);
  }
  const files = shards.map(({ rows }, i) => ({
    spec: specs[i],
    path: resolve(parseSpec(specs[i]).path),
    rows,
  }));
  if (shards.length === 1) return { ...shards[0], files };
  const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
  const { dim } = shards[0];
  const segments = shards.flatMap(({ source }) => ('segments' in source ? source.segments : []));
  const onDisk = shards.every(({ source }) => 'segments' in source);
  const source = onDisk ? { segments } : await intoMemory(shards, rows, dim, name, signal);
  return { files, rows, dim, source, ids: joinIds(shards, specs, name) };
}

async function intoMemory(
  shards: readonly Shard[],
  rows: number,
  dim: number,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const data = allocate(Float32Array, rows * dim, name);
  let first = 0;
  for (const shard of shards) {
    for await (const block of readBlocks(shard.source, shard.rows, dim, { signal }))
      data.set(block.data, (first + block.start) * dim);
    first += shard.rows;
  }
  return data;
}

function joinIds(shards: readonly Shard[], specs: readonly string[], name: string): Ids | undefined {
  if (!shards.every(({ texts }) => texts !== undefined)) return undefined;
  const ids = shards.flatMap(({ texts = [] }) => texts);
  const nameOf = (row: number) => {
    let first = 0;
    let at = 0;
    while (row >= first + shards[at].rows) first += shards[at++].rows;
    return `row ${row - first} of ${specs[at]}`;
  };
  return { ids, rowOf: indexIds(ids, nameOf, name) };
}

async function openShard(spec: string, signal: AbortSignal | undefined): Promise<Shard> {
  const { extension } = parseSpec(spec);
  const read = OPENERS[extension];
  if (read !== undefined) return read(spec, signal);
  throw new AlfamixError(
    'FORMAT',
    `expected a .npy, .npz, .safetensors, .parquet or .csv file for the pool, got ${describeExtension(extension)} (${spec})`,
    { details: { path: spec } },
  );
}

const OPENERS: Readonly<Record<string, (spec: string, signal?: AbortSignal) => Promise<Shard>>> = {
  '.npy': openMatrix,
  '.npz': openMatrix,
  '.safetensors': openMatrix,
  '.parquet': openParquet,
  '.csv': openCsv,
};

async function openMatrix(spec: string, signal?: AbortSignal): Promise<Shard> {
  const tensor = await openTensor(spec, { dtype: 'float', rank: 2 }, { signal });
  const { path, shape, offset, stamp, shown, bytes } = tensor;
  const [rows, dim] = shape;
  assertNotEmpty(rows, dim, shown);
  if (bytes !== undefined) return inMemory(rows, dim, await inflated(tensor.dtype, bytes, tensor));
  const dtype = tensor.dtype as EmbeddingDType;
  const segment: FileSegment = { path, offset, rows, stamp, dtype };
  return { rows, dim, source: { segments: [segment] } satisfies FileRows, ids: undefined, texts: undefined };
}

/** An array that was compressed, as kernels read it: not widened. */
async function inflated(
  dtype: string,
  bytes: Uint8Array<ArrayBuffer>,
  tensor: Parameters<typeof readTensorData>[0],
): Promise<RowSource> {
  if (dtype === 'float16') return { dtype, values: new Uint16Array(bytes.buffer) };
  const data = await readTensorData(tensor);
  return data instanceof Float64Array ? { dtype: 'float64', values: data } : data;
}

/** Columns of a table of features that aren't one. */
const NOT_FEATURES = ['id', 'label'];

async function openCsv(spec: string, signal?: AbortSignal): Promise<Shard> {
  const { path, tensor } = parseSpec(spec);
  if (tensor !== undefined) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected ${path} without #${tensor}: a .csv file holds one table`,
    );
  }
  const { rows, dim, data, text, lineOf } = await readCsvMatrix(path, {
    textColumns: NOT_FEATURES,
    signal,
  });
  assertNotEmpty(rows, dim, path);
  const ids = text.get('id');
  const rowOf = ids && indexIds(ids, (row) => `line ${lineOf(row)}`, path);
  return { rows, dim, source: data, ids: ids && rowOf && { ids, rowOf }, texts: ids };
}

async function openParquet(spec: string, signal?: AbortSignal): Promise<Shard> {
  const { path, tensor } = parseSpec(spec);
  const { rows, dim, data, ids } = await readParquetMatrix(path, tensor, { signal });
  assertNotEmpty(rows, dim, spec);
  const found = ids && { ids, rowOf: indexIds(ids, (row) => `row ${row}`, path) };
  return { ...inMemory(rows, dim, data), ids: found, texts: ids };
}

const inMemory = (rows: number, dim: number, source: RowSource): Shard => ({
  rows,
  dim,
  source,
  ids: undefined,
  texts: undefined,
});

function assertNotEmpty(rows: number, dim: number, shown: string): void {
  if (rows > 0 && dim > 0) return;
  const what = rows === 0 ? 'empty pool: expected at least 1 row' : 'expected at least 1 column of numbers';
  throw new AlfamixError('SHAPE_MISMATCH', `${what} in ${shown}, got ${rows} × ${dim}`, {
    details: { path: shown, rows, dim },
  });
}
