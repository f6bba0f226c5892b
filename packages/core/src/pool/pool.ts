import { AlfamixError, expected, throwIfAborted } from '../errors.js';
import { readCsvMatrix } from '../formats/csv-matrix.js';
import { allocate } from '../formats/file-io.js';
import { type Ids, indexIds, readIds } from '../formats/ids.js';
import { describeExtension, openTensor, parseSpec } from '../formats/tensor-file.js';
import type { EmbeddingDType, RowSource } from '../kernels/kernels.js';
import { checkArray, type PoolArray } from './check-array.js';
import { gatherRows } from './gather.js';
import { assertAttached, type Block, type BlockOptions, readBlocks } from './read-blocks.js';

export interface PoolArrayOptions {
  /** N, at least 1. */
  rows: number;
  /** D, at least 1. */
  dim: number;
  /** One a row, all different. */
  ids?: readonly string[];
  /** What a Uint16Array holds: `float16` or `bfloat16`. Other arrays say it themselves. */
  dtype?: EmbeddingDType;
}

export interface PoolOpenOptions {
  /** One id a row; or the path of a CSV with an `id` column (else its first column), or of a list, one id a line. */
  ids?: readonly string[] | string;
  signal?: AbortSignal;
}

interface PoolParts {
  rows: number;
  dim: number;
  name: string;
  source: RowSource;
  ids: Ids | undefined;
}

/**
 * The embeddings to choose from: N×D, a handle on a typed array or on a file that stays on disk and is read in blocks.
 * Everything is computed on float32; what is stored as another type is converted a block at a time, never as a whole.
 *
 * @example
 * using pool = await Pool.open('pool.npy', { ids: 'ids.csv' });
 * for await (const { start, rows, data } of pool.blocks()) …
 */
export class Pool implements Disposable {
  /** N. */
  readonly rows: number;
  /** D. */
  readonly dim: number;
  /** How the embeddings are stored; of parts of several types the first's. */
  readonly dtype: EmbeddingDType;
  /** One a row, undefined when the pool has none. */
  readonly ids: readonly string[] | undefined;
  /** For messages and manifests: the spec it was opened with, or 'array'. */
  readonly name: string;
  readonly #rowOfId: ReadonlyMap<string, number> | undefined;
  #source: RowSource | undefined;

  private constructor({ rows, dim, name, source, ids }: PoolParts) {
    this.rows = rows;
    this.dim = dim;
    this.name = name;
    this.ids = ids?.ids;
    this.#rowOfId = ids?.rowOf;
    this.#source = source;
    const stored = 'segments' in source ? source.segments[0] : source;
    this.dtype = ('dtype' in stored && stored.dtype) || 'float32';
  }

  /**
   * A pool over a typed array, used in place: subarray views and SharedArrayBuffer are fine. NaN and infinity are
   * found when the rows are read.
   *
   * @param data N×D, row-major: float32, float64, or 16-bit floats as a Uint16Array of their bits with `dtype`
   * @throws INVALID_ARGUMENT (wrong type, detached or resizable buffer, ids not all different), SHAPE_MISMATCH
   * @example
   * const pool = Pool.fromArray(new Float32Array([0, 1, 1, 0]), { rows: 2, dim: 2 });
   */
  static fromArray(data: PoolArray, options: PoolArrayOptions): Pool {
    const source = checkArray(data, options);
    const { rows, dim, ids } = options;
    return new Pool({ rows, dim, name: 'array', source, ids: ids && indexArray(ids, rows) });
  }

  /**
   * Opens `file.npy`, `file.safetensors#tensor` (without a name: its only 2-D float tensor) or `file.csv`. The first
   * two stay on disk; a CSV is read into memory, its `id` column, if the header has one, becoming the ids.
   *
   * @throws IO, FORMAT, SHAPE_MISMATCH, NON_FINITE (CSV only), INVALID_ARGUMENT, ABORTED
   */
  static async open(spec: string, options: PoolOpenOptions = {}): Promise<Pool> {
    const { ids: given, signal } = options;
    if (typeof spec !== 'string') throw expected('a path', 'pool', spec);
    throwIfAborted(signal);
    const { extension } = parseSpec(spec);
    const read = OPENERS[extension];
    if (read === undefined) {
      throw new AlfamixError(
        'FORMAT',
        `expected a .npy, .safetensors or .csv file for the pool, got ${describeExtension(extension)} (${spec})`,
        { details: { path: spec } },
      );
    }
    const found = await read(spec, signal);
    if (given === undefined) return new Pool({ ...found, name: spec });
    throwIfAborted(signal);
    const ids =
      typeof given === 'string'
        ? await readIds(given, found.rows, { signal })
        : indexArray(given, found.rows);
    return new Pool({ ...found, name: spec, ids });
  }

  /**
   * What kernels read: the array itself, or ranges of files.
   * @throws INVALID_ARGUMENT when the pool is closed
   */
  get source(): RowSource {
    if (this.#source === undefined) {
      throw new AlfamixError('INVALID_ARGUMENT', `expected an open pool, got ${this.name}, which is closed`);
    }
    return this.#source;
  }

  /** The id of a row, '' for a pool without ids. */
  idOf(row: number): string {
    return this.ids?.[row] ?? '';
  }

  /** The row of an id, undefined when no row has it. */
  rowOf(id: string): number | undefined {
    return this.#rowOfId?.get(id);
  }

  /** The rows in order, in blocks of about 1 MiB. See readBlocks. */
  blocks(options: BlockOptions = {}): AsyncGenerator<Block, void, undefined> {
    return readBlocks(this.source, this.rows, this.dim, options);
  }

  /**
   * Copies rows, in the order given, into an array of rows.length × dim. Nearby rows of a file are read together.
   * @throws INVALID_ARGUMENT for a row out of the pool; IO; ABORTED
   */
  async gather(rows: ArrayLike<number>, options: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    return gatherRows(this.source, this.rows, this.dim, rows, options.signal);
  }

  /**
   * All rows, N×D: the pool's own array, not a copy, when it is float32 in memory.
   * @throws OUT_OF_MEMORY when they don't fit; IO; ABORTED
   */
  async toArray(options: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    const source = this.source;
    if (source instanceof Float32Array) {
      assertAttached(source, this.rows, this.dim);
      return source;
    }
    const out = allocate(Float32Array, this.rows * this.dim, this.name);
    for await (const { start, data } of this.blocks(options)) out.set(data, start * this.dim);
    return out;
  }

  /** Lets go of the data; `source`, `blocks`, `gather` and `toArray` throw from then on. May be called twice. */
  close(): void {
    this.#source = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

type Opened = Omit<PoolParts, 'name'>;

const OPENERS: Readonly<Record<string, (spec: string, signal?: AbortSignal) => Promise<Opened>>> = {
  '.npy': openMatrix,
  '.safetensors': openMatrix,
  '.csv': openCsv,
};

async function openMatrix(spec: string): Promise<Opened> {
  const { path, shape, offset, stamp, shown, dtype } = await openTensor(spec, { dtype: 'float', rank: 2 });
  const [rows, dim] = shape;
  assertNotEmpty(rows, dim, shown);
  return {
    rows,
    dim,
    source: { segments: [{ path, offset, rows, stamp, dtype: dtype as EmbeddingDType }] },
    ids: undefined,
  };
}

async function openCsv(spec: string, signal?: AbortSignal): Promise<Opened> {
  const { path, tensor } = parseSpec(spec);
  if (tensor !== undefined) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected ${path} without #${tensor}: a .csv file holds one table`,
    );
  }
  const { rows, dim, data, text, lineOf } = await readCsvMatrix(path, { signal });
  assertNotEmpty(rows, dim, path);
  const ids = text.get('id');
  const rowOf = ids && indexIds(ids, (row) => `line ${lineOf(row)}`, path);
  return { rows, dim, source: data, ids: ids && rowOf && { ids, rowOf } };
}

function assertNotEmpty(rows: number, dim: number, shown: string): void {
  if (rows > 0 && dim > 0) return;
  const what = rows === 0 ? 'empty pool: expected at least 1 row' : 'expected at least 1 column of numbers';
  throw new AlfamixError('SHAPE_MISMATCH', `${what} in ${shown}, got ${rows} × ${dim}`, {
    details: { path: shown, rows, dim },
  });
}

function indexArray(ids: readonly string[], rows: number): Ids {
  if (!Array.isArray(ids)) throw expected('an array of strings', 'ids', ids);
  if (ids.length !== rows) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${rows} ids, one a row of the pool, got ${ids.length}`,
      { details: { expected: rows, ids: ids.length } },
    );
  }
  return { ids: [...ids], rowOf: indexIds(ids, (row) => `row ${row}`, 'ids', 'INVALID_ARGUMENT') };
}
