import { AlfamixError, type ArgumentNames, expected, requireArguments, throwIfAborted } from '../errors.js';
import { allocate } from '../formats/file-io.js';
import { type Ids, indexIds, readIds } from '../formats/ids.js';
import type { EmbeddingDType, RowSource } from '../kernels/kernels.js';
import { checkArray, type PoolArray } from './check-array.js';
import { gatherRows } from './gather.js';
import { openShards, type PoolFile } from './open-shards.js';
import { assertAttached, type Block, type BlockOptions, readBlocks } from './read-blocks.js';
import { shardSpecs } from './shards.js';

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

const ARRAY_OPTIONS: ArgumentNames<PoolArrayOptions> = { rows: true, dim: true, ids: true, dtype: true };
const OPEN_OPTIONS: ArgumentNames<PoolOpenOptions> = { ids: true, signal: true };

interface PoolParts {
  files: readonly PoolFile[];
  rows: number;
  dim: number;
  name: string;
  source: RowSource;
  ids: Ids | undefined;
}

/**
 * The embeddings to choose from: N×D, a handle on a typed array or on a file that stays on disk and is read in blocks.
 * Everything is computed on float32; what is stored as another type is converted a block at a time. Only strategies that
 * need all rows for each pick (coreset, badge, k-means, typiclust) copy those that may be picked, as float32.
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
  /** The files it was opened from, in the order of their rows; empty for an array. */
  readonly files: readonly PoolFile[];
  readonly #rowOfId: ReadonlyMap<string, number> | undefined;
  #source: RowSource | undefined;

  private constructor({ rows, dim, name, files, source, ids }: PoolParts) {
    this.files = files;
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
    requireArguments(options, 'the options of Pool.fromArray', ARRAY_OPTIONS);
    const source = checkArray(data, options);
    const { rows, dim, ids } = options;
    return new Pool({ rows, dim, name: 'array', files: [], source, ids: ids && indexArray(ids, rows) });
  }

  /**
   * Opens `file.npy`, `file.npz#array`, `file.safetensors#tensor` (without a name: the only 2-D float one),
   * `file.parquet#column` (see readParquetMatrix) or `file.csv`; or several of them as one pool, rows in their order: a
   * folder of files of one format, a glob (`'emb/shard-*.npy'`), or an array of specs. The first three stay on disk
   * (compressed arrays apart); Parquet and CSV are read into memory, a column `id` becoming the ids.
   *
   * @throws IO, FORMAT, SHAPE_MISMATCH, NON_FINITE (CSV only), INVALID_ARGUMENT, ABORTED
   */
  static async open(spec: string | readonly string[], options: PoolOpenOptions = {}): Promise<Pool> {
    requireArguments(options, 'the options of Pool.open', OPEN_OPTIONS);
    const { ids: given, signal } = options;
    const specs = typeof spec === 'string' ? [spec] : spec;
    if (!Array.isArray(specs) || specs.length === 0 || !specs.every((each) => typeof each === 'string'))
      throw expected('a path, or an array of them,', 'pool', spec);
    throwIfAborted(signal);
    const name = specs.join(', ');
    const files = (await Promise.all(specs.map(shardSpecs))).flat();
    const found = await openShards(files, name, signal);
    if (given === undefined) return new Pool({ ...found, name });
    throwIfAborted(signal);
    const ids =
      typeof given === 'string'
        ? await readIds(given, found.rows, { signal })
        : indexArray(given, found.rows);
    return new Pool({ ...found, name, ids });
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
