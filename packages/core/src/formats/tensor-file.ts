import { extname, resolve } from 'node:path';
import { AlfamixError, describe } from '../errors.js';
import { DTYPE_BYTES, type DType, isFloat, isInteger, safetensorsDType, showShape } from './dtype.js';
import { type OpenFile, openFile, readBytes } from './file-io.js';
import { assertUnchanged, type FileStamp } from './file-stamp.js';
import { parseNpy } from './npy.js';
import { readNpzMember } from './npz.js';
import { parseSafetensors, type SafetensorsEntry, type SafetensorsHeader } from './safetensors.js';
import { widenBytes } from './widen.js';

/** What a caller wants a tensor to be. */
export interface TensorExpectation {
  /** `float` and `int`: any of the kind. */
  dtype: 'float' | 'int';
  /** Default: any. */
  rank?: number;
}

/** A tensor found in a file and checked, its data not read yet. */
export interface TensorFile {
  /** Absolute. */
  readonly path: string;
  /** The tensor's name inside the file, undefined for .npy. */
  readonly name: string | undefined;
  /** For messages: the path as given, with `#name` where there is one. */
  readonly shown: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First byte of the data; not always a multiple of the element size. */
  readonly offset: number;
  readonly byteLength: number;
  /** The data, where it lies compressed in the file and was inflated. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** The file's, when its header was read. */
  readonly stamp: FileStamp;
  /** The file's `__metadata__`, empty for .npy. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor read into memory; 16-bit floats come as float32, integers of every type as doubles, exact up to 2^53. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  readonly name: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A member may end like a file: `pool.npz#emb.npy`. */
const MEMBER_SPEC = /^(.*?\.(?:safetensors|npz|parquet))#([^/\\]*)$/is;
const KNOWN_SPEC = /^(.*\.(?:safetensors|npy|npz|csv|parquet))(?:#(.*))?$/is;
const OTHER_SPEC = /^(.*\.[a-z0-9]+)#([^/\\]*)$/is;

/** `file.safetensors#tensor` taken apart. A `#` elsewhere belongs to the file's name. */
export interface FileSpec {
  readonly path: string;
  readonly tensor: string | undefined;
  /** Lower case, with the dot; '' when there is none. */
  readonly extension: string;
}

/** Splits a spec at the `#` after its extension. */
export function parseSpec(spec: string): FileSpec {
  const match = MEMBER_SPEC.exec(spec) ?? KNOWN_SPEC.exec(spec) ?? OTHER_SPEC.exec(spec);
  const path = match?.[1] ?? spec;
  return { path, tensor: match?.[2], extension: extname(path).toLowerCase() };
}

/**
 * Finds the tensor that `spec` names in a .npy, .npz or .safetensors file and checks its header against the file's length
 * and against what is expected. Without `#name` the only tensor of a fitting kind (float or integer, and rank) is
 * taken.
 *
 * @throws IO, FORMAT (a file that isn't what it says, a wrong dtype), SHAPE_MISMATCH (a wrong rank),
 * INVALID_ARGUMENT (an unknown or ambiguous tensor), ABORTED (while a compressed one is inflated)
 * @example
 * const tensor = await openTensor('pool.safetensors#emb', { dtype: 'float32', rank: 2 });
 */
export async function openTensor(
  spec: string,
  want: TensorExpectation,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<TensorFile> {
  const { path, tensor, extension } = parseSpec(spec);
  if (extension !== '.npy' && extension !== '.npz' && extension !== '.safetensors') {
    throw new AlfamixError(
      'FORMAT',
      `expected a .npy, .npz or .safetensors file for ${path}, got ${describeExtension(extension)}`,
      {
        details: { path },
      },
    );
  }
  const file = await openFile(path);
  try {
    const found =
      extension === '.npy'
        ? await locateNpy(file, path, tensor)
        : extension === '.npz'
          ? await locateNpz(file, path, tensor, want, options.signal)
          : await locateSafetensors(file, path, tensor, want);
    checkKind(found, want);
    return found;
  } finally {
    await file.handle.close();
  }
}

/**
 * `openTensor`, and the data: for what fits in memory many times over, such as labels or a head.
 * @throws what openTensor throws; FORMAT for an integer beyond 2^53; OUT_OF_MEMORY
 */
export async function readTensor(
  spec: string,
  want: TensorExpectation,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<TensorData> {
  const tensor = await openTensor(spec, want, options);
  const { shape, name, metadata } = tensor;
  return { shape, name, metadata, data: await readTensorData(tensor) };
}

/**
 * The data of a tensor that openTensor or `tensorOf` found.
 * @throws IO also when the file has changed since; FORMAT; OUT_OF_MEMORY
 */
export async function readTensorData(tensor: TensorFile): Promise<Float32Array | Float64Array> {
  const bytes = tensor.bytes ?? (await storedBytes(tensor));
  if (tensor.dtype === 'float64') return new Float64Array(bytes.buffer);
  if (tensor.dtype === 'float32' || tensor.dtype === 'float16' || tensor.dtype === 'bfloat16') {
    return widenBytes(bytes, tensor.dtype, bytes.byteLength / DTYPE_BYTES[tensor.dtype]);
  }
  return integers(bytes.buffer, tensor);
}

async function storedBytes({
  path,
  shown,
  stamp,
  offset,
  byteLength,
}: TensorFile): Promise<Uint8Array<ArrayBuffer>> {
  const { handle } = await openFile(path, shown, stamp);
  try {
    const bytes = await readBytes(handle, offset, byteLength, shown);
    await assertUnchanged(handle, stamp, shown);
    return bytes;
  } finally {
    await handle.close();
  }
}

function integers(buffer: ArrayBuffer, { dtype, shown }: TensorFile): Float64Array {
  switch (dtype) {
    case 'int8':
      return Float64Array.from(new Int8Array(buffer));
    case 'uint8':
      return Float64Array.from(new Uint8Array(buffer));
    case 'int16':
      return Float64Array.from(new Int16Array(buffer));
    case 'uint16':
      return Float64Array.from(new Uint16Array(buffer));
    case 'int32':
      return Float64Array.from(new Int32Array(buffer));
    case 'uint32':
      return Float64Array.from(new Uint32Array(buffer));
    case 'int64':
    case 'uint64': {
      const words = dtype === 'int64' ? new BigInt64Array(buffer) : new BigUint64Array(buffer);
      return Float64Array.from(words as Iterable<bigint>, (word: bigint, i: number) => exact(word, i, shown));
    }
    default:
      throw new AlfamixError('FORMAT', `expected an integer or float type for ${shown}, got ${dtype}`);
  }
}

function exact(word: bigint, index: number, shown: string): number {
  const value = Number(word);
  if (Number.isSafeInteger(value)) return value;
  throw new AlfamixError(
    'FORMAT',
    `expected an integer within 2^53 for element ${index} of ${shown}, got ${word}`,
  );
}

async function locateNpy(file: OpenFile, path: string, tensor: string | undefined): Promise<TensorFile> {
  if (tensor !== undefined) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected ${path} without #${tensor}: a .npy file holds one tensor, without a name`,
      { details: { path, tensor } },
    );
  }
  const header = await parseNpy(file, path);
  const { stamp } = file;
  return { ...header, path: resolve(path), name: undefined, shown: path, stamp, metadata: {} };
}

async function locateNpz(
  file: OpenFile,
  path: string,
  tensor: string | undefined,
  want: TensorExpectation,
  signal: AbortSignal | undefined,
): Promise<TensorFile> {
  const isKind = want.dtype === 'int' ? isInteger : isFloat;
  const fits = ({ dtype, shape }: { dtype: DType; shape: readonly number[] }) =>
    isKind(dtype) && (want.rank === undefined || shape.length === want.rank);
  const found = await readNpzMember(file, path, tensor, fits, signal);
  const { stamp } = file;
  return { ...found, path: resolve(path), shown: `${path}#${found.name}`, stamp, metadata: {} };
}

async function locateSafetensors(
  file: OpenFile,
  path: string,
  tensor: string | undefined,
  want: TensorExpectation,
): Promise<TensorFile> {
  const header = await parseSafetensors(file, path);
  return tensorOf(header, tensor === undefined ? onlyFitting(header, want) : named(header, tensor));
}

/** A safetensors entry as a TensorFile, for callers that choose among a header's tensors themselves. */
export function tensorOf(header: SafetensorsHeader, entry: SafetensorsEntry): TensorFile {
  const shown = `${header.path}#${entry.name}`;
  const dtype = safetensorsDType(entry.dtype);
  if (dtype === undefined) {
    throw new AlfamixError(
      'FORMAT',
      `expected a known dtype such as F32 for ${shown}, got ${describe(entry.dtype)}`,
    );
  }
  const { name, shape, offset, byteLength } = entry;
  return {
    path: resolve(header.path),
    name,
    shown,
    dtype,
    shape,
    offset,
    byteLength,
    stamp: header.stamp,
    metadata: header.metadata,
  };
}

function named(header: SafetensorsHeader, tensor: string): SafetensorsEntry {
  const entry = header.tensors.get(tensor);
  if (entry !== undefined) return entry;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected the name of a tensor in ${header.path} (${list([...header.tensors.values()])}), got ${describe(tensor)}`,
    { details: { path: header.path, tensor } },
  );
}

function onlyFitting(header: SafetensorsHeader, want: TensorExpectation): SafetensorsEntry {
  const isKind = want.dtype === 'int' ? isInteger : isFloat;
  const all = [...header.tensors.values()];
  const fitting = all.filter(
    ({ dtype, shape }) =>
      isKind(safetensorsDType(dtype)) && (want.rank === undefined || shape.length === want.rank),
  );
  if (fitting.length === 1) return fitting[0];
  const rank = want.rank === undefined ? '' : `${want.rank}-D `;
  const kind = `${rank}${want.dtype === 'int' ? 'integer' : 'float'} tensor`;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    fitting.length === 0
      ? `expected a ${kind} in ${header.path}, got ${list(all)}`
      : `expected one ${kind} in ${header.path}, got ${list(fitting)}; name one, as in ${header.path}#${fitting[0].name}`,
    { details: { path: header.path, candidates: fitting.map(({ name }) => name) } },
  );
}

function checkKind({ dtype, shape, shown }: TensorFile, want: TensorExpectation): void {
  const fits = want.dtype === 'int' ? isInteger(dtype) : isFloat(dtype);
  if (!fits) {
    const [wanted, name] = want.dtype === 'int' ? ['an integer type', 'int64'] : ['a float type', 'float32'];
    const cure = `convert it: array.astype('${name}') in NumPy, tensor.to(torch.${name}) in PyTorch`;
    throw new AlfamixError('FORMAT', `expected ${wanted} for ${shown}, got ${dtype}; ${cure}`, {
      details: { dtype },
    });
  }
  if (want.rank !== undefined && shape.length !== want.rank) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${want.rank} dimension${want.rank === 1 ? '' : 's'} for ${shown}, got shape ${showShape(shape)}`,
      { details: { shape } },
    );
  }
}

function list(entries: readonly SafetensorsEntry[]): string {
  if (entries.length === 0) return 'no tensors';
  const shown = entries.slice(0, 10).map(({ name, dtype, shape }) => `${name} ${dtype} ${showShape(shape)}`);
  const rest = entries.length - shown.length;
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** For messages about a file of the wrong kind. */
export function describeExtension(extension: string): string {
  return extension === '' ? 'a name without an extension' : `a ${extension} file`;
}
