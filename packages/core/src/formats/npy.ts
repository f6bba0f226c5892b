import { AlfamixError } from '../errors.js';
import { DTYPE_BYTES, type DType, MAX_RANK, npyDType, showShape } from './dtype.js';
import { type OpenFile, readBytes } from './file-io.js';
import { type PyValue, parsePyLiteral } from './py-literal.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Far above any real header; keeps a lying one from being read. */
const MAX_HEADER_BYTES = 1 << 20;

export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First byte of the data, which runs to the end of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * Reads and checks the header of an .npy file, or of one that is part of another file: format version 1, 2 or 3, C order, little endian.
 *
 * @throws FORMAT for a wrong magic, an unknown version or type, Fortran order, big-endian data, or a shape that
 * doesn't fit the file's length exactly
 */
export async function parseNpy(
  file: OpenFile,
  path: string,
  part: { start: number; size: number } = { start: 0, size: file.size },
): Promise<NpyHeader> {
  const read = async (position: number, length: number) =>
    readBytes(file.handle, part.start + position, length, path);
  const header = await parseNpyFrom(read, path, part.size);
  return { ...header, offset: part.start + header.offset };
}

/** The same for bytes in memory, of a file of `size` bytes that they may be only the beginning of. */
export function parseNpyBytes(bytes: Uint8Array, path: string, size = bytes.length): Promise<NpyHeader> {
  const read = async (position: number, length: number) => {
    if (position + length > bytes.length) throw bad(path, `${path} is truncated: its header ends early`);
    return bytes.subarray(position, position + length);
  };
  return parseNpyFrom(read, path, size);
}

async function parseNpyFrom(
  read: (position: number, length: number) => Promise<Uint8Array>,
  path: string,
  size: number,
): Promise<NpyHeader> {
  if (size === 0) throw bad(path, `${path} is empty (0 bytes), expected a .npy file`);
  const start = await read(0, Math.min(12, size));
  if (MAGIC.some((byte, i) => i < start.length && start[i] !== byte)) {
    const found = Array.from(start.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw bad(
      path,
      `${path} is not a .npy file: expected it to begin with bytes 93 4e 55 4d 50 59, got ${found}`,
    );
  }
  if (start.length < 12) {
    throw bad(path, `${path} is truncated: expected at least 12 bytes for a .npy file, got ${size}`);
  }
  const version = start[6];
  if (version < 1 || version > 3 || start[7] !== 0) {
    throw bad(path, `expected .npy format version 1.0, 2.0 or 3.0 for ${path}, got ${version}.${start[7]}`);
  }
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const textStart = version === 1 ? 10 : 12;
  const textLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (textLength > size - textStart) {
    throw bad(
      path,
      `${path} is truncated: its header claims ${textLength} bytes, expected at most the ${size - textStart} that follow`,
    );
  }
  if (textLength > MAX_HEADER_BYTES) {
    throw bad(path, `expected a header of at most ${MAX_HEADER_BYTES} bytes for ${path}, got ${textLength}`);
  }
  const text = await read(textStart, textLength);
  // Versions 1 and 2 are latin1, version 3 is UTF-8; the keys read here are ASCII either way.
  const header = parseHeader(new TextDecoder('latin1').decode(text), path);
  return checkData(header, textStart + textLength, size, path);
}

interface RawHeader {
  dtype: DType;
  shape: bigint[];
}

function parseHeader(text: string, path: string): RawHeader {
  const value = parsePyLiteral(text);
  if (!(value instanceof Map)) {
    throw bad(
      path,
      `${path}: expected a Python dict with descr, fortran_order and shape for the .npy header`,
    );
  }
  const dtype = parseDescr(value.get('descr'), path);
  const order = value.get('fortran_order');
  if (typeof order !== 'boolean') {
    throw bad(path, `expected True or False for fortran_order of ${path}, got ${showPy(order)}`);
  }
  if (order) {
    throw bad(
      path,
      `expected C order (fortran_order False) for ${path}, got Fortran order; save np.ascontiguousarray(x)`,
    );
  }
  const shape = value.get('shape');
  if (
    !Array.isArray(shape) ||
    shape.length > MAX_RANK ||
    !shape.every((size) => typeof size === 'bigint' && size >= 0n)
  ) {
    throw bad(path, `expected a tuple of sizes for shape of ${path}, got ${showPy(shape)}`);
  }
  return { dtype, shape: shape as bigint[] };
}

function parseDescr(descr: PyValue | undefined, path: string): DType {
  if (typeof descr !== 'string') {
    const found = Array.isArray(descr) ? 'a structured type' : showPy(descr);
    throw bad(path, `expected a plain type such as '<f4' for descr of ${path}, got ${found}`);
  }
  const dtype = npyDType(descr);
  if (dtype === undefined || !'<|>='.includes(descr[0])) {
    throw bad(path, `expected a float ('<f4') or integer type for ${path}, got ${JSON.stringify(descr)}`);
  }
  if (DTYPE_BYTES[dtype] > 1 && descr[0] !== '<') {
    const found = descr[0] === '>' ? `big-endian ${dtype}` : `${dtype} of unknown byte order`;
    throw bad(
      path,
      `expected little-endian data ('<${descr.slice(1)}') for ${path}, got ${found} ('${descr}')`,
    );
  }
  return dtype;
}

function checkData(header: RawHeader, offset: number, size: number, path: string): NpyHeader {
  const count = header.shape.reduce((product, n) => product * n, 1n);
  const needed = count * BigInt(DTYPE_BYTES[header.dtype]);
  const found = size - offset;
  if (needed !== BigInt(found)) {
    const problem = needed > BigInt(found) ? 'is truncated' : 'is longer than its header says';
    throw bad(
      path,
      `${path} ${problem}: expected ${needed} bytes of data for shape ${showShape(header.shape)} of ${header.dtype}, got ${found}`,
    );
  }
  const shape = header.shape.map(Number);
  // With a zero in the shape the length proves nothing about the other sizes.
  if (!shape.every(Number.isSafeInteger)) {
    throw bad(path, `expected sizes below 2^53 for shape of ${path}, got ${showShape(header.shape)}`);
  }
  return { dtype: header.dtype, shape, offset, byteLength: found };
}

function showPy(value: PyValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Map) return 'a dict';
  if (Array.isArray(value)) return `(${value.map(showPy).join(', ')})`.slice(0, 80);
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value).slice(0, 80);
}

function bad(path: string, message: string): AlfamixError {
  return new AlfamixError('FORMAT', message, { details: { path } });
}
