import { createInflateRaw } from 'node:zlib';
import { AlfamixError, describe } from '../errors.js';
import { showShape } from './dtype.js';
import { allocate, type OpenFile, readBytes } from './file-io.js';
import { inflateInto } from './inflate-member.js';
import { type NpyHeader, parseNpy, parseNpyBytes } from './npy.js';

/** A comment of at most 65,535 bytes may follow the end record of 22. */
const END_SEARCH = 22 + 0xffff;
/** Far above any real archive's list of members. */
const MAX_DIRECTORY_BYTES = 64 << 20;
/** The most deflate can gain: a member that claims more lies. */
const MAX_RATIO = 1032;
/** Enough for the header of any array: np.save pads it to some hundred bytes. */
const HEADER_BYTES = 1 << 16;
const STORED = 0;
const DEFLATED = 8;

/** One array of an .npz file. */
export interface NpzMember extends NpyHeader {
  /** Without the `.npy`. */
  readonly name: string;
  /** The array's data where it was compressed; else it lies in the file from `offset` on. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

interface Entry {
  name: string;
  method: number;
  crc: number;
  compressed: number;
  size: number;
  headerOffset: number;
  encrypted: boolean;
}

/**
 * Finds one array of an .npz file (a zip of .npy files, as np.savez and np.savez_compressed write it, zip64 included).
 * A stored array stays in the file; a compressed one is inflated a chunk at a time, its size and checksum checked.
 *
 * @param name of the array, with or without `.npy`; undefined: the only one that `fits`
 * @throws FORMAT for a file that isn't what it says; INVALID_ARGUMENT for an unknown or ambiguous name; ABORTED
 */
export async function readNpzMember(
  file: OpenFile,
  path: string,
  name: string | undefined,
  fits: (header: NpyHeader) => boolean,
  signal?: AbortSignal,
): Promise<NpzMember> {
  const entries = (await directory(file, path)).filter((entry) => entry.name.endsWith('.npy'));
  const names = entries.map((entry) => entry.name.slice(0, -4));
  if (name !== undefined) {
    const found = entries.find((entry) => entry.name === name || entry.name === `${name}.npy`);
    if (found) return member(file, path, found, signal);
    const message = `expected the name of an array in ${path} (${list(names)}), got ${describe(name)}`;
    throw new AlfamixError('INVALID_ARGUMENT', message, { details: { path, names } });
  }
  const headers: (NpyHeader | undefined)[] = [];
  for (const entry of entries) headers.push(await headerIfKnown(file, path, entry));
  const fitting = entries.filter((_, i) => {
    const header = headers[i];
    return header !== undefined && fits(header);
  });
  // The only array says itself what is wrong with it.
  if (fitting.length === 0 && entries.length === 1 && headers[0] === undefined)
    return member(file, path, entries[0], signal);
  if (fitting.length === 1) return member(file, path, fitting[0], signal);
  const shown = names.map((each, i) => {
    const header = headers[i];
    return header ? `${each} ${header.dtype} ${showShape(header.shape)}` : `${each} of another type`;
  });
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    fitting.length === 0
      ? `expected a fitting array in ${path}, got ${list(shown)}`
      : `expected one fitting array in ${path}, got ${list(shown)}; name one, as in ${path}#${fitting[0].name.slice(0, -4)}`,
    { details: { path, names } },
  );
}

const list = (names: readonly string[]): string =>
  names.length === 0
    ? 'no arrays'
    : names.slice(0, 10).join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : '');

/** Undefined for strings, objects and other arrays that may lie beside the one that is wanted. */
async function headerIfKnown(file: OpenFile, path: string, entry: Entry): Promise<NpyHeader | undefined> {
  try {
    return await headerOf(file, path, entry);
  } catch (error) {
    if (error instanceof AlfamixError && error.code === 'FORMAT') return undefined;
    throw error;
  }
}

/** A compressed member is inflated no further than its header goes. */
async function headerOf(file: OpenFile, path: string, entry: Entry): Promise<NpyHeader> {
  if (entry.method !== DEFLATED) return member(file, path, entry);
  const start = await dataStart(file, path, entry);
  const compressed = await readBytes(file.handle, start, Math.min(entry.compressed, HEADER_BYTES), path);
  const head = await firstBytes(compressed, HEADER_BYTES);
  return parseNpyBytes(head, `${path}#${entry.name.slice(0, -4)}`, entry.size);
}

/** Up to `count` inflated bytes of a stream that may be cut off or damaged further on. */
function firstBytes(compressed: Uint8Array, count: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve) => {
    const stream = createInflateRaw();
    const chunks: Uint8Array[] = [];
    let length = 0;
    const finish = () => {
      stream.destroy();
      resolve(new Uint8Array(Buffer.concat(chunks).subarray(0, count)));
    };
    stream.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= count) finish();
    });
    stream.on('error', finish);
    stream.on('end', finish);
    stream.end(compressed);
  });
}

async function member(file: OpenFile, path: string, entry: Entry, signal?: AbortSignal): Promise<NpzMember> {
  const shown = `${path}#${entry.name.slice(0, -4)}`;
  if (entry.encrypted) throw bad(path, `expected no encryption for ${shown}, got an encrypted member`);
  const start = await dataStart(file, path, entry);
  const name = entry.name.slice(0, -4);
  if (entry.method === STORED) {
    if (entry.compressed !== entry.size)
      throw bad(
        path,
        `${shown}: expected one size for a stored member, got ${entry.compressed} and ${entry.size}`,
      );
    return { name, bytes: undefined, ...(await parseNpy(file, shown, { start, size: entry.size })) };
  }
  if (entry.method !== DEFLATED)
    throw bad(path, `expected a stored or deflated member for ${shown}, got zip method ${entry.method}`);
  if (entry.size > entry.compressed * MAX_RATIO + 64)
    throw bad(
      path,
      `${shown} claims ${entry.size} bytes from ${entry.compressed}, more than deflate can hold`,
    );
  // Checked against the directory's size, which deflate can reach: no header makes the array larger.
  const header = await headerOf(file, path, entry);
  const bytes = allocate(Uint8Array, header.byteLength, shown) as Uint8Array<ArrayBuffer>;
  await inflateInto(bytes, header.offset, file, { ...entry, start }, shown, signal);
  return { name, ...header, offset: 0, bytes };
}

/** Where a member's data begins: behind its local header, whose name and extra field may differ in length. */
async function dataStart(
  file: OpenFile,
  path: string,
  { name, headerOffset, compressed }: Entry,
): Promise<number> {
  if (headerOffset + 30 > file.size) throw bad(path, `${path} is truncated: ${name} begins beyond its end`);
  const local = view(await readBytes(file.handle, headerOffset, 30, path));
  if (local.getUint32(0, true) !== 0x04034b50)
    throw bad(path, `${path}: expected a local header for ${name}`);
  const start = headerOffset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  if (start + compressed > file.size)
    throw bad(path, `${path} is truncated: ${name} needs ${start + compressed} bytes, got ${file.size}`);
  return start;
}

async function directory(file: OpenFile, path: string): Promise<Entry[]> {
  const tailStart = Math.max(0, file.size - END_SEARCH);
  const tail = view(await readBytes(file.handle, tailStart, file.size - tailStart, path));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw bad(path, `${path} is not a .npz file: it has no zip directory at its end`);
  let count = tail.getUint16(end + 10, true);
  let bytes = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  if (count === 0xffff || bytes === 0xffffffff || offset === 0xffffffff) {
    [count, bytes, offset] = await zip64End(file, path, tail, end);
  }
  if (bytes > MAX_DIRECTORY_BYTES || offset + bytes > file.size)
    throw bad(path, `${path} is truncated: its directory of ${bytes} bytes at ${offset} isn't inside it`);
  return entries(view(await readBytes(file.handle, offset, bytes, path)), count, path);
}

async function zip64End(file: OpenFile, path: string, tail: DataView, end: number): Promise<number[]> {
  const locator = end - 20;
  if (locator < 0 || tail.getUint32(locator, true) !== 0x07064b50)
    throw bad(path, `${path} is not a sound .npz file: its zip64 locator is missing`);
  const at = Number(tail.getBigUint64(locator + 8, true));
  if (at + 56 > file.size) throw bad(path, `${path} is truncated: its zip64 record is beyond its end`);
  const record = view(await readBytes(file.handle, at, 56, path));
  if (record.getUint32(0, true) !== 0x06064b50) throw bad(path, `${path}: expected a zip64 end record`);
  return [32, 40, 48].map((field) => Number(record.getBigUint64(field, true)));
}

function entries(table: DataView, count: number, path: string): Entry[] {
  const found: Entry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > table.byteLength || table.getUint32(at, true) !== 0x02014b50)
      throw bad(
        path,
        `${path} is not a sound .npz file: expected ${count} members in its directory, got ${i}`,
      );
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      table.getUint16(at + field, true),
    );
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > table.byteLength)
      throw bad(path, `${path} is not a sound .npz file: member ${i} is cut short`);
    const name = new TextDecoder().decode(
      new Uint8Array(table.buffer, table.byteOffset + at + 46, nameLength),
    );
    const entry: Entry = {
      name,
      encrypted: (table.getUint16(at + 8, true) & 1) === 1,
      method: table.getUint16(at + 10, true),
      crc: table.getUint32(at + 16, true),
      compressed: table.getUint32(at + 20, true),
      size: table.getUint32(at + 24, true),
      headerOffset: table.getUint32(at + 42, true),
    };
    widen(entry, table, at + 46 + nameLength, extraLength);
    found.push(entry);
    at = next;
  }
  return found;
}

/** The zip64 extra field holds, in this order, what didn't fit into 32 bits. */
function widen(entry: Entry, table: DataView, start: number, length: number): void {
  for (let at = start; at + 4 <= start + length; ) {
    const [kind, size] = [table.getUint16(at, true), table.getUint16(at + 2, true)];
    const end = Math.min(at + 4 + size, start + length);
    let field = at + 4;
    for (const key of ['size', 'compressed', 'headerOffset'] as const) {
      if (kind !== 1 || entry[key] !== 0xffffffff || field + 8 > end) continue;
      entry[key] = Number(table.getBigUint64(field, true));
      field += 8;
    }
    at += 4 + size;
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const bad = (path: string, message: string): AlfamixError =>
  new AlfamixError('FORMAT', message, { details: { path } });
