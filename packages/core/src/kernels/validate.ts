import { AlfamixError, expected, requireArguments, throwIfAborted } from '../errors.js';
import type {
  EmbeddingDType,
  FlipSearchArgs,
  JobOptions,
  NormalizeRowsArgs,
  RowSource,
  ScoreUncertaintyArgs,
} from './kernels.js';

/** The most threads a call may ask for. */
export const MAX_THREADS = 256;

/** Throws INVALID_ARGUMENT unless `value` is an integer in [low, high]. */
export function requireInteger(
  value: unknown,
  name: string,
  low: number,
  high: number = Number.MAX_SAFE_INTEGER,
): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) return;
  let range = `an integer from ${low} to ${high}`;
  if (high === Number.MAX_SAFE_INTEGER) {
    range =
      low === 1
        ? 'a positive integer'
        : low === 0
          ? 'an integer of at least 0'
          : `an integer of at least ${low}`;
  }
  throw expected(range, name, value);
}

interface TypedArrays {
  Float32Array: Float32Array;
  Float64Array: Float64Array;
  Int32Array: Int32Array;
  Uint16Array: Uint16Array;
}

/**
 * Throws unless `value` is a typed array of this type on a buffer that can neither vanish nor shrink: native code
 * reads it in place, on other threads.
 */
export function requireTypedArray<Type extends keyof TypedArrays>(
  value: unknown,
  type: Type,
  name: string,
): asserts value is TypedArrays[Type] {
  const what = type === 'Int32Array' ? 'an Int32Array' : `a ${type}`;
  // By tag, not instanceof: arrays of another realm (vm contexts, test runners) are as good.
  if (Object.prototype.toString.call(value) !== `[object ${type}]`) throw expected(what, name, value);
  const buffer: ArrayBufferLike & { resizable?: boolean; growable?: boolean } = (value as Float32Array)
    .buffer;
  if (buffer.resizable || buffer.growable) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected ${what} on a fixed-length buffer for ${name}, got a resizable one`,
      {
        details: { name },
      },
    );
  }
  if (buffer.byteLength === 0 && isDetached(buffer)) {
    throw new AlfamixError('INVALID_ARGUMENT', `expected ${what} for ${name}, got a detached one`, {
      details: { name },
    });
  }
}

/** `ArrayBuffer.prototype.detached` came with Node 21; a view on a detached buffer can't be made on any version. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** Throws unless `value` is a sound Float32Array of rows × columns values. */
export function requireMatrix(
  value: unknown,
  name: string,
  rows: number,
  columns: number,
): asserts value is Float32Array {
  requireTypedArray(value, 'Float32Array', name);
  requireLength(value.length, name, rows, columns);
}

function requireLength(found: number, name: string, rows: number, columns: number): void {
  const length = rows * columns;
  if (!Number.isSafeInteger(length)) throw expected('rows x dim below 2^53', name, `${rows} x ${columns}`);
  if (found !== length) {
    throw expected(`${length} values (${rows} x ${columns})`, name, found, 'SHAPE_MISMATCH');
  }
}

/** Throws NON_FINITE, naming row and column, when a value of the row-major matrix is NaN or infinite. */
export function requireFinite(data: ArrayLike<number>, name: string, dim: number): void {
  if (allFinite(data)) return;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const row = Math.floor(i / dim);
    throw new AlfamixError(
      'NON_FINITE',
      `expected finite values for ${name}, got ${data[i]} at row ${row}, column ${i % dim}`,
      { details: { name, row, column: i % dim } },
    );
  }
}

/** Four times as fast as looking at each: NaN and infinity times zero are NaN, and NaN stays in a sum. */
function allFinite(data: ArrayLike<number>): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 3 < data.length; i += 4) {
    a += data[i] * 0;
    b += data[i + 1] * 0;
    c += data[i + 2] * 0;
    d += data[i + 3] * 0;
  }
  for (; i < data.length; i++) a += data[i] * 0;
  return a + b + c + d === 0;
}

/** Checks signal, onProgress and threads; throws ABORTED when the signal has fired already. */
export function validateJob(options: JobOptions): void {
  requireArguments(options, 'the call');
  const { signal, onProgress, threads } = options;
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw expected('a function', 'onProgress', onProgress);
  }
  if (threads !== undefined) requireInteger(threads, 'threads', 1, MAX_THREADS);
  throwIfAborted(signal);
}

export function requireShape(rows: unknown, dim: unknown): void {
  requireInteger(rows, 'rows', 1);
  requireInteger(dim, 'dim', 1, 2 ** 31 - 1);
}

const DTYPES: readonly unknown[] = ['float16', 'bfloat16', 'float32', 'float64'] satisfies EmbeddingDType[];

/** Throws unless the source holds rows × dim values in memory, or file segments of `rows` rows in all. */
export function validateRowSource(data: RowSource, rows: number, dim: number): void {
  const { segments, dtype, values } = Object(data) as Record<string, unknown>;
  if (Array.isArray(segments)) {
    validateSegments(segments, rows);
  } else if (dtype !== undefined) {
    if (dtype === 'float32' || !DTYPES.includes(dtype))
      throw expected('float16, bfloat16 or float64 (float32 is a plain Float32Array)', 'data.dtype', dtype);
    const type = dtype === 'float64' ? 'Float64Array' : 'Uint16Array';
    requireTypedArray(values, type, 'data.values');
    requireLength(values.length, 'data.values', rows, dim);
  } else {
    requireMatrix(data, 'data', rows, dim);
  }
}

function validateSegments(segments: readonly unknown[], rows: number): void {
  let total = 0;
  for (const [i, segment] of segments.entries()) {
    const { path, offset, dtype, rows: count, stamp } = Object(segment) as Record<string, unknown>;
    if (typeof path !== 'string' || path === '') throw expected('a file path', `segments[${i}].path`, path);
    // The addon would open what stands before it.
    if (path.includes('\0'))
      throw expected('a file path without NUL characters', `segments[${i}].path`, path);
    if (stamp !== undefined && typeof stamp !== 'string')
      throw expected('a string', `segments[${i}].stamp`, stamp);
    if (dtype !== undefined && !DTYPES.includes(dtype))
      throw expected('float16, bfloat16, float32 or float64', `segments[${i}].dtype`, dtype);
    requireInteger(offset, `segments[${i}].offset`, 0);
    requireInteger(count, `segments[${i}].rows`, 0);
    total += count as number;
  }
  if (total !== rows) throw expected(`${rows} rows in all`, 'segments', total, 'SHAPE_MISMATCH');
}

/** Checks a head's arguments, their finiteness included. */
export function validateHead(
  { weight, bias, classes }: { weight: unknown; bias: unknown; classes: unknown },
  dim: number,
): void {
  requireInteger(classes, 'classes', 2, 2 ** 31 - 1);
  requireMatrix(weight, 'weight', classes as number, dim);
  requireMatrix(bias, 'bias', classes as number, 1);
  requireFinite(weight, 'weight', dim);
  requireFinite(bias, 'bias', 1);
}

/** Checks the arguments of `scoreUncertainty`; the finiteness of the pool is for the kernel, which reads it anyway. */
export function validateScoreUncertainty(args: ScoreUncertaintyArgs): void {
  validateJob(args);
  requireShape(args.rows, args.dim);
  validateRowSource(args.data, args.rows, args.dim);
  validateHead(args, args.dim);
}

/**
 * Checks the arguments of `flipSearch`, the finiteness of weight, bias and anchors included; that of the pool is for
 * the kernel, which reads it anyway.
 */
export function validateFlipSearch(args: FlipSearchArgs): void {
  validateScoreUncertainty(args);
  requireRows(args.anchors, 'anchors', args.dim);
}

/** Throws unless `value` is a sound Float32Array of finite rows; returns how many. */
export function requireRows(value: unknown, name: string, dim: number): number {
  requireTypedArray(value, 'Float32Array', name);
  if (value.length % dim !== 0) {
    throw expected(`a multiple of dim ${dim} values`, name, value.length, 'SHAPE_MISMATCH');
  }
  requireFinite(value, name, dim);
  return value.length / dim;
}

/** Checks the arguments of `normalizeRows`; the finiteness of `data` is for the kernel. */
export function validateNormalizeRows(args: NormalizeRowsArgs): void {
  validateJob(args);
  requireShape(args.rows, args.dim);
  requireMatrix(args.data, 'data', args.rows, args.dim);
}
