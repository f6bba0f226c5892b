/**
 * A problem as every process gets it: plain JSON that names files of raw values, written once by the parent, so that
 * peers in any language work on the same bits.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type ArrayType = 'float32' | 'float64' | 'int32' | 'float16' | 'bfloat16';
export type Values = Float32Array | Float64Array | Int32Array | Uint16Array;

export interface SharedArray {
  /** Raw little-endian values. */
  file: string;
  type: ArrayType;
  length: number;
  /** Values of one row; absent for what isn't cut when fewer rows are asked for. */
  perRow?: number;
}

export interface Problem {
  /** A method of Kernels, or `score`. */
  kernel: string;
  /** Numbers and words beside the arrays; `rows` among them. */
  args: Readonly<Record<string, unknown>> & { readonly rows: number; readonly dim: number };
  arrays: Readonly<Record<string, SharedArray>>;
}

/** What a run gave: arrays in files, and numbers. */
export interface SharedOutputs {
  arrays: Record<string, SharedArray>;
  numbers: Record<string, number | boolean>;
}

/** The same, read. */
export interface Outputs {
  arrays: Record<string, Values>;
  numbers: Record<string, number | boolean>;
  /** Of a program that isn't ours: it may leave out what only ours tell, and draw random numbers of its own. */
  outside?: boolean;
}

const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
};

export function typeOf(values: Values): ArrayType {
  if (values instanceof Float32Array) return 'float32';
  if (values instanceof Float64Array) return 'float64';
  if (values instanceof Int32Array) return 'int32';
  throw new TypeError('expected float32, float64 or int32 values');
}

export function writeArray(file: string, values: Values, type: ArrayType = typeOf(values)): SharedArray {
  writeFileSync(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return { file, type, length: values.length };
}

/** @param rows reads that many rows only */
export function readArray({ file, type, length, perRow }: SharedArray, rows?: number): Values {
  const Typed = CONSTRUCTORS[type];
  const count = rows === undefined || perRow === undefined ? length : Math.min(length, rows * perRow);
  const values = new Typed(count);
  const bytes = new Uint8Array(values.buffer);
  const handle = openSync(file, 'r');
  try {
    for (let at = 0; at < bytes.length; ) {
      // A read takes at most 2 GiB.
      const read = readSync(handle, bytes, at, Math.min(bytes.length - at, 1 << 30), at);
      if (read === 0) throw new Error(`${file} ends after ${at} bytes, expected ${bytes.length}`);
      at += read;
    }
  } finally {
    closeSync(handle);
  }
  return values;
}

export function readOutputs({ arrays, numbers }: SharedOutputs): Outputs {
  return {
    arrays: Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, readArray(array)])),
    numbers,
  };
}

/** The folder of a run's files, made on first use; each named array is written once. */
export class SharedFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'alfamix-bench-'));
  readonly #arrays = new Map<string, SharedArray>();

  /** @param perRow values of one row, where the array has a part for each row of the problem */
  share(name: string, make: () => Values, perRow?: number, type?: ArrayType): SharedArray {
    let array = this.#arrays.get(name);
    if (!array) {
      array = writeArray(join(this.path, name), make(), type);
      this.#arrays.set(name, array);
    }
    return perRow === undefined ? array : { ...array, perRow };
  }

  /** The values of an array that was shared. */
  read(name: string): Values {
    const { file, type } = this.#arrays.get(name)!;
    const bytes = readFileSync(file);
    return new CONSTRUCTORS[type](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }

  /** Makes room for the next case. */
  clear(): void {
    for (const { file } of this.#arrays.values()) rmSync(file, { force: true });
    this.#arrays.clear();
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
