import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AlfamixError } from '../errors.js';
import { openFile, readBytes } from './file-io.js';
import { assertUnchanged } from './file-stamp.js';

const inflate = promisify(gunzip);
const GZIP = [0x1f, 0x8b];
const UNSIGNED_BYTE = 0x08;
/** Largest file after decompression: no IDX file in use comes near, and a gzip bomb stops there. */
const MOST_BYTES = 2 ** 31 - 1;

/** An array of bytes, as MNIST comes. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/**
 * Reads an IDX file of unsigned bytes, gzipped or not (LeCun, "The MNIST database": two zero bytes, the type, the number
 * of dimensions, their sizes as big-endian 32-bit integers, the data).
 *
 * @throws FORMAT for a file that isn't one, is cut short, or holds another type; IO
 */
export async function readIdx(path: string): Promise<IdxArray> {
  const bytes = await wholeFile(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[3] === 0)
    throw bad(path, 'expected an IDX file, which begins with two zero bytes, a type and a rank');
  if (bytes[2] !== UNSIGNED_BYTE) throw bad(path, `expected unsigned bytes (type 8), got type ${bytes[2]}`);
  const rank = bytes[3];
  const start = 4 + 4 * rank;
  if (bytes.length < start)
    throw bad(path, `the header ends at byte ${bytes.length}, expected ${start} bytes`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const count = shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== start + count) {
    const got = `${bytes.length - start}`;
    throw bad(path, `expected ${count} bytes of data for shape (${shape.join(', ')}), got ${got}`);
  }
  return { shape, data: bytes.subarray(start) };
}

async function wholeFile(path: string): Promise<Uint8Array> {
  const { handle, size, stamp } = await openFile(path);
  try {
    const bytes = await readBytes(handle, 0, size, path);
    await assertUnchanged(handle, stamp, path);
    if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes;
    return await inflate(bytes, { maxOutputLength: MOST_BYTES });
  } catch (error) {
    if (error instanceof AlfamixError) throw error;
    throw bad(path, `its gzip data can't be read: ${(error as Error).message}`);
  } finally {
    await handle.close();
  }
}

const bad = (path: string, message: string): AlfamixError =>
  new AlfamixError('FORMAT', `${path}: ${message}`, { details: { path } });
