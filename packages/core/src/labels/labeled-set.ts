import {
  AlfamixError,
  type ArgumentNames,
  describe,
  expected,
  requireArguments,
  requireList,
  throwIfAborted,
} from '../errors.js';
import { allocate } from '../formats/file-io.js';
import { requireTypedArray } from '../kernels/validate.js';
import { assertRow } from '../pool/gather.js';
import type { Pool } from '../pool/pool.js';

const MAX_LABEL = 2147483647;

export interface LabeledSetArgs {
  /** M×D, row-major, used in place; or M rows of D numbers, copied. */
  embeddings: Float32Array | readonly ArrayLike<number>[];
  /** M class indices, 0 … */
  labels: ArrayLike<number | bigint>;
  /** D; default: the number of embeddings over the number of labels. */
  dim?: number;
  /** The classes' names by index. */
  classNames?: readonly string[];
}

export interface PoolLabelsArgs {
  /** Rows of the pool. */
  rows: ArrayLike<number>;
  /** Their class indices, 0 … */
  labels: ArrayLike<number | bigint>;
  /** The classes' names by index. */
  classNames?: readonly string[];
  signal?: AbortSignal;
}

const SET_ARGUMENTS: ArgumentNames<LabeledSetArgs> = {
  embeddings: true,
  labels: true,
  dim: true,
  classNames: true,
};
const ROW_ARGUMENTS: ArgumentNames<PoolLabelsArgs> = {
  rows: true,
  labels: true,
  classNames: true,
  signal: true,
};

/** Labelled embeddings: the anchors of ALFA-Mix and the training set of a head. */
export class LabeledSet {
  /** M×D. */
  readonly embeddings: Float32Array;
  /** M class indices. */
  readonly labels: Int32Array;
  /** M. */
  readonly rows: number;
  /** D. */
  readonly dim: number;
  /** The pool rows they are, when they come from one. */
  readonly poolRows: Float64Array | undefined;
  readonly pool: Pool | undefined;
  readonly classNames: readonly string[] | undefined;

  private constructor(
    embeddings: Float32Array,
    labels: Int32Array,
    classNames: readonly string[] | undefined,
    origin?: { pool: Pool; poolRows: Float64Array },
  ) {
    this.embeddings = embeddings;
    this.labels = labels;
    this.rows = labels.length;
    this.dim = embeddings.length / labels.length;
    this.poolRows = origin?.poolRows;
    this.pool = origin?.pool;
    this.classNames = classNames;
  }

  /**
   * @throws INVALID_ARGUMENT for no labels or a label that isn't a class index; SHAPE_MISMATCH; NON_FINITE
   * @example
   * const labeled = LabeledSet.from({ embeddings: [[0, 1], [1, 0]], labels: [0, 1] });
   */
  static from(args: LabeledSetArgs): LabeledSet {
    requireArguments(args, 'LabeledSet.from', SET_ARGUMENTS);
    const { embeddings, labels, dim, classNames } = args;
    checkClassNames(classNames);
    const indices = classIndices(labels, classNames);
    if (embeddings instanceof Float32Array) requireTypedArray(embeddings, 'Float32Array', 'embeddings');
    const data = embeddings instanceof Float32Array ? embeddings : flatten(embeddings);
    const width = dim ?? data.length / indices.length;
    if (dim !== undefined && (!Number.isSafeInteger(dim) || dim < 1)) {
      throw expected('a positive integer', 'dim', dim);
    }
    if (!Number.isInteger(width) || width === 0 || indices.length * width !== data.length) {
      const needed = dim === undefined ? `a multiple of ${indices.length}` : `${indices.length} × ${dim}`;
      throw new AlfamixError(
        'SHAPE_MISMATCH',
        `expected ${needed} values for embeddings, one row a label, got ${data.length}`,
        { details: { labels: indices.length, values: data.length, dim } },
      );
    }
    checkFinite(data, width, (i) => i, 'embeddings');
    return new LabeledSet(data, indices, classNames);
  }

  /**
   * Takes rows of a pool as labelled. A row given twice with one label counts once.
   * @throws INVALID_ARGUMENT for no labels, a row out of the pool, or a row with two different labels; NON_FINITE; IO
   * @example
   * const labeled = await LabeledSet.fromPool(pool, { rows: [3, 14, 15], labels: [0, 1, 0] });
   */
  static async fromPool(pool: Pool, args: PoolLabelsArgs): Promise<LabeledSet> {
    if (typeof pool?.gather !== 'function') throw expected('a Pool', 'pool', pool);
    requireArguments(args, 'LabeledSet.fromPool', ROW_ARGUMENTS);
    const { rows, labels, classNames, signal } = args;
    throwIfAborted(signal);
    requireList(rows, 'an array of integers', 'rows');
    requireList(labels, 'an array of integers', 'labels');
    if (rows.length !== labels.length) {
      throw new AlfamixError(
        'SHAPE_MISMATCH',
        `expected one label a row, ${rows.length}, for labels, got ${labels.length}`,
        { details: { rows: rows.length, labels: labels.length } },
      );
    }
    checkClassNames(classNames);
    const indices = classIndices(labels, classNames);
    const firstAt = mergeRows(rows, indices, pool.rows);
    const poolRows = Float64Array.from(firstAt, (i) => rows[i]);
    const merged = Int32Array.from(firstAt, (i) => indices[i]);
    const data = await pool.gather(poolRows, { signal });
    checkFinite(data, pool.dim, (i) => poolRows[i], `the pool (${pool.name})`);
    return new LabeledSet(data, merged, classNames, { pool, poolRows });
  }
}

/** An array that was whole when the set was made may have been transferred to a worker since. */
export function assertAttachedRows({ embeddings, rows, dim }: LabeledSet): void {
  if (embeddings.length === rows * dim) return;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected ${rows * dim} values for the labelled embeddings, got ${embeddings.length}: their buffer was detached`,
  );
}

/** The positions at which each row appears first. */
function mergeRows(rows: ArrayLike<number>, labels: Int32Array, poolRows: number): number[] {
  const seen = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    assertRow(row, poolRows, `rows[${i}]`);
    const before = seen.get(row);
    if (before === undefined) {
      seen.set(row, i);
    } else if (labels[before] !== labels[i]) {
      throw new AlfamixError(
        'INVALID_ARGUMENT',
        `expected one label for row ${row}, got ${labels[before]} (position ${before}) and ${labels[i]} (position ${i})`,
        { details: { row, labels: [labels[before], labels[i]], positions: [before, i] } },
      );
    }
  }
  return [...seen.values()];
}

function classIndices(
  labels: ArrayLike<number | bigint>,
  classNames: readonly string[] | undefined,
): Int32Array {
  requireList(labels, 'an array of integers', 'labels');
  if (labels.length === 0)
    throw new AlfamixError('INVALID_ARGUMENT', 'expected at least one label, got none');
  const out = allocate(Int32Array, labels.length, 'the labels');
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    const value = typeof label === 'bigint' ? Number(label) : label;
    if (!Number.isInteger(value) || value < 0 || value > MAX_LABEL) {
      throw expected('a class index, 0 or a larger integer,', `labels[${i}]`, label);
    }
    if (classNames !== undefined && value >= classNames.length) {
      throw expected(
        `a class index below ${classNames.length}, the number of class names,`,
        `labels[${i}]`,
        label,
      );
    }
    out[i] = value;
  }
  return out;
}

function checkClassNames(classNames: readonly string[] | undefined): void {
  if (classNames === undefined) return;
  if (!Array.isArray(classNames) || classNames.length === 0) {
    throw expected('an array of at least one name', 'classNames', classNames);
  }
  const seen = new Set<string>();
  for (const name of classNames) {
    if (typeof name !== 'string') throw expected('an array of strings', 'classNames', name);
    if (seen.has(name))
      throw new AlfamixError(
        'INVALID_ARGUMENT',
        `expected different names for classNames, got ${describe(name)} twice`,
      );
    seen.add(name);
  }
}

function flatten(rows: readonly ArrayLike<number>[]): Float32Array {
  if (!Array.isArray(rows)) throw expected('a Float32Array or an array of rows', 'embeddings', rows);
  const dim = rows.length === 0 ? 0 : lengthOf(rows[0], 0);
  const out = new Float32Array(rows.length * dim);
  for (const [i, row] of rows.entries()) {
    const length = lengthOf(row, i);
    if (length !== dim) throw expected(`${dim} values`, `embeddings[${i}]`, length, 'SHAPE_MISMATCH');
    for (let j = 0; j < dim; j++) {
      const value: unknown = row[j];
      if (typeof value !== 'number') throw expected('a number', `embeddings[${i}][${j}]`, value);
      out[i * dim + j] = value;
    }
  }
  return out;
}

function lengthOf(row: ArrayLike<number>, i: number): number {
  if (typeof row === 'object' && row !== null && Number.isInteger(row.length)) return row.length;
  throw expected('an array of numbers', `embeddings[${i}]`, row);
}

/** One pass over float32 values; a number too large for float32 arrives here as infinity. */
function checkFinite(data: Float32Array, dim: number, rowOf: (i: number) => number, name: string): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const row = rowOf(Math.floor(i / dim));
    throw new AlfamixError(
      'NON_FINITE',
      `expected finite numbers for row ${row} of ${name}, got ${data[i]} at column ${i % dim}`,
      { details: { row, column: i % dim } },
    );
  }
}
