import { AlfamixError, describe } from '../errors.js';
import { DTYPE_BYTES, elementCount, MAX_RANK, safetensorsDType, showShape } from './dtype.js';
import { type OpenFile, openFile, readFully } from './file-io.js';
import type { FileStamp } from './file-stamp.js';

/** The format's own limit on the header. */
const MAX_HEADER_BYTES = 100_000_000;

/** One tensor of a .safetensors file, as its header describes it. */
export interface SafetensorsEntry {
  readonly name: string;
  /** As the header writes it: F32, I64 … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte in the file; not always a multiple of the element size. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly path: string;
  /** The file's, when this was read. */
  readonly stamp: FileStamp;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads and checks a .safetensors header, without the tensors' data.
 *
 * @throws IO when the file can't be read; FORMAT when the header lies about a length, an offset, a shape, or the
 * tensors don't fill the file exactly
 * @example
 * const { tensors } = await readSafetensorsHeader('head.safetensors');
 * tensors.get('weight')?.shape; // [10, 512]
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const file = await openFile(path);
  try {
    return await parseSafetensors(file, path);
  } finally {
    await file.handle.close();
  }
}

/** `readSafetensorsHeader` on a file that is open already. */
export async function parseSafetensors(file: OpenFile, path: string): Promise<SafetensorsHeader> {
  if (file.size === 0) throw bad(path, `${path} is empty (0 bytes), expected a .safetensors file`);
  if (file.size < 10) {
    throw bad(
      path,
      `${path} is truncated: expected at least 10 bytes for a .safetensors file, got ${file.size}`,
    );
  }
  const lengthBytes = new Uint8Array(8);
  await readFully(file.handle, lengthBytes, 0, path);
  const claimed = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  const room = file.size - 8;
  if (claimed > BigInt(room)) {
    throw bad(
      path,
      `${path} is truncated or not a .safetensors file: its header claims ${claimed} bytes, expected at most the ${room} that follow`,
    );
  }
  if (claimed < 2n || claimed > BigInt(MAX_HEADER_BYTES)) {
    throw bad(
      path,
      `${path} is not a .safetensors file: expected a header of 2 to ${MAX_HEADER_BYTES} bytes, got ${claimed}`,
    );
  }
  const bytes = new Uint8Array(Number(claimed));
  await readFully(file.handle, bytes, 8, path);
  const json = parseHeaderJson(bytes, path);
  const dataStart = 8 + bytes.length;
  const entries = Object.entries(json)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => parseEntry(name, value, dataStart, path))
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  checkLayout(entries, dataStart, file.size, path);
  return {
    path,
    stamp: file.stamp,
    tensors: new Map(entries.map((entry) => [entry.name, entry])),
    metadata: parseMetadata(Object.hasOwn(json, '__metadata__') ? json.__metadata__ : {}, path),
  };
}

function parseHeaderJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new AlfamixError('FORMAT', `${path} is not a .safetensors file: its header is not valid JSON`, {
      cause: error,
      details: { path },
    });
  }
  if (!isRecord(value)) {
    throw bad(path, `${path}: expected a JSON object for the .safetensors header, got ${describe(value)}`);
  }
  return value;
}

function parseEntry(name: string, value: unknown, dataStart: number, path: string): SafetensorsEntry {
  const at = `tensor ${describe(name)} in ${path}`;
  if (!isRecord(value)) throw bad(path, `expected an object for ${at}, got ${describe(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string')
    throw bad(path, `expected a string for dtype of ${at}, got ${describe(dtype)}`);
  if (!isSizes(shape) || shape.length > MAX_RANK) {
    throw bad(path, `expected an array of sizes for shape of ${at}, got ${show(shape)}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw bad(
      path,
      `expected [begin, end] with begin <= end for data_offsets of ${at}, got ${show(offsets)}`,
    );
  }
  const byteLength = offsets[1] - offsets[0];
  const known = safetensorsDType(dtype);
  if (known !== undefined) {
    const needed = elementCount(shape) * BigInt(DTYPE_BYTES[known]);
    if (needed !== BigInt(byteLength)) {
      throw bad(
        path,
        `expected ${needed} bytes for ${at}, of shape ${showShape(shape)} and type ${dtype}, got ${byteLength}`,
      );
    }
  }
  return { name, dtype, shape, offset: dataStart + offsets[0], byteLength };
}

/** The tensors must follow one another without overlap or hole and end where the file ends. */
function checkLayout(
  entries: readonly SafetensorsEntry[],
  dataStart: number,
  size: number,
  path: string,
): void {
  let end = dataStart;
  for (const entry of entries) {
    if (entry.offset !== end) {
      const how = entry.offset < end ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw bad(
        path,
        `tensor ${describe(entry.name)} in ${path} ${how}: expected its data at byte ${end}, got ${entry.offset}`,
      );
    }
    end += entry.byteLength;
  }
  if (end > size) {
    throw bad(path, `${path} is truncated: its header describes ${end} bytes, got a file of ${size}`);
  }
  if (end < size) {
    throw bad(
      path,
      `${path} holds ${size - end} bytes that no tensor describes: expected ${end} bytes, got ${size}`,
    );
  }
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  if (!isRecord(value))
    throw bad(path, `expected an object for __metadata__ in ${path}, got ${describe(value)}`);
  const metadata: [string, string][] = Object.entries(value).map(([key, text]) => {
    if (typeof text !== 'string') {
      throw bad(
        path,
        `expected a string for ${describe(key)} of __metadata__ in ${path}, got ${describe(text)}`,
      );
    }
    return [key, text];
  });
  return Object.fromEntries(metadata);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function bad(path: string, message: string): AlfamixError {
  return new AlfamixError('FORMAT', message, { details: { path } });
}
