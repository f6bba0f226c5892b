import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { AlfamixError, type ErrorCode } from '../../src/errors.js';

/** A folder for one test file, removed after it, and a way to put files there. */
export function testFolder(): { path: string; put: (name: string, content: string | Uint8Array) => string } {
  const path = mkdtempSync(join(tmpdir(), 'alfamix-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    put: (name, content) => {
      const file = join(path, name);
      writeFileSync(file, content);
      return file;
    },
  };
}

/** Asserts an AlfamixError of this code, in one sentence that matches. */
export async function fails(action: () => unknown, code: ErrorCode, message: RegExp): Promise<AlfamixError> {
  let thrown: unknown;
  try {
    await action();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, `expected ${code} ${message}`).toBeInstanceOf(AlfamixError);
  const error = thrown as AlfamixError;
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain('\n');
  expect(error.code).toBe(code);
  return error;
}

/** The only outcome besides success that a damaged file may have. */
export async function readsOrFailsCleanly(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof AlfamixError)) throw error;
    expect(['FORMAT', 'IO', 'SHAPE_MISMATCH', 'NON_FINITE', 'INVALID_ARGUMENT']).toContain(error.code);
  }
}

export interface NpyOptions {
  version?: 1 | 2 | 3;
  descr?: string;
  fortran?: string;
  shape?: string;
  /** Replaces the whole dict. */
  header?: string;
}

/** An .npy file as numpy writes it, or bent as the options say. */
export function npy(data: ArrayBufferView, shape: readonly number[], options: NpyOptions = {}): Uint8Array {
  const { version = 1, descr = "'<f4'", fortran = 'False' } = options;
  const tuple = options.shape ?? `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const dict = options.header ?? `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${tuple}, }`;
  const prefix = version === 1 ? 10 : 12;
  const padding = 63 - ((prefix + dict.length) % 64);
  const text = Buffer.from(`${dict}${' '.repeat(padding)}\n`, 'latin1');
  const head = Buffer.alloc(prefix);
  head.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  if (version === 1) head.writeUInt16LE(text.length, 8);
  else head.writeUInt32LE(text.length, 8);
  return Buffer.concat([head, text, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** A .safetensors file with any header, true or not. */
export function safetensors(header: unknown, data: Uint8Array, claimedLength?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimedLength ?? BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** Values whose bits must survive a round trip. */
export function floats(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i) * 10 ** ((i % 9) - 4)));
}

/** A copy of `bytes` with some of them changed, or cut short. */
export function damage(bytes: Uint8Array, edits: readonly [number, number][], keep: number): Uint8Array {
  const copy = Uint8Array.from(bytes.subarray(0, Math.ceil(bytes.length * keep)));
  for (const [at, value] of edits) if (copy.length > 0) copy[at % copy.length] = value;
  return copy;
}
