import { AlfamixError, describe, expected } from '../errors.js';
import { type WriteOptions, writeFileAtomic } from './atomic-file.js';
import { showShape } from './dtype.js';
import { READ_BYTES } from './file-io.js';

/** Integers may be given as I64 in any of these; each value must be a whole number within 2^53. */
type Int64Source = BigInt64Array | Float64Array | Int32Array | Uint32Array;

/** A tensor to be written; `data` holds as many elements as `shape` says. */
export type SafetensorsTensor = { readonly shape: readonly number[] } & (
  | { readonly dtype: 'F32'; readonly data: Float32Array }
  | { readonly dtype: 'F64'; readonly data: Float64Array }
  | { readonly dtype: 'I32'; readonly data: Int32Array }
  | { readonly dtype: 'I64'; readonly data: Int64Source }
  | { readonly dtype: 'U8'; readonly data: Uint8Array }
);

const BYTES = { F32: 4, F64: 8, I32: 4, I64: 8, U8: 1 } as const;

const ARRAYS = {
  F32: [Float32Array],
  F64: [Float64Array],
  I32: [Int32Array],
  I64: [BigInt64Array, Float64Array, Int32Array, Uint32Array],
  U8: [Uint8Array],
} as const;

/**
 * Writes a .safetensors file atomically: widest types first, so that every tensor is aligned.
 *
 * @param metadata goes into `__metadata__`
 * @throws INVALID_ARGUMENT or SHAPE_MISMATCH before anything is written; IO; ABORTED
 * @example
 * await writeSafetensors('head.safetensors', { weight: { dtype: 'F32', shape: [10, 64], data } }, { classes: '["a"]' });
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, SafetensorsTensor>>,
  metadata: Readonly<Record<string, string>> = {},
  options: WriteOptions = {},
): Promise<void> {
  const entries = Object.entries(tensors).sort(([, a], [, b]) => BYTES[b.dtype] - BYTES[a.dtype]);
  for (const [name, tensor] of entries) checkTensor(name, tensor);
  for (const [key, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') throw expected('a string', `${describe(key)} of metadata`, text);
  }
  const header = encodeHeader(entries, metadata);
  await writeFileAtomic(
    path,
    async (append) => {
      await append(header);
      for (const [, tensor] of entries) {
        for (const chunk of chunks(tensor)) await append(chunk);
      }
    },
    options,
  );
}

function checkTensor(name: string, tensor: SafetensorsTensor): void {
  const at = `tensor ${describe(name)}`;
  if (name === '__metadata__') throw expected('a name other than __metadata__', 'a tensor', name);
  const { dtype, shape, data } = tensor;
  const arrays: readonly { new (...args: never[]): unknown; readonly name: string }[] | undefined =
    ARRAYS[dtype];
  if (arrays === undefined) throw expected('F32, F64, I32, I64 or U8', `dtype of ${at}`, dtype);
  if (!arrays.some((type) => data instanceof type)) {
    throw expected(`a ${arrays.map((type) => type.name).join(' or ')}`, `data of ${at}`, data);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw expected('whole sizes', `shape of ${at}`, showShape(shape));
  }
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${count} values for ${at} of shape ${showShape(shape)}, got ${data.length}`,
    );
  }
  if (dtype !== 'I64' || data instanceof BigInt64Array) return;
  const odd = data.findIndex((value) => !Number.isSafeInteger(value));
  if (odd >= 0) throw expected('whole numbers within 2^53', `element ${odd} of ${at}`, data[odd]);
}

function encodeHeader(
  entries: readonly [string, SafetensorsTensor][],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const fields: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) fields.push(['__metadata__', metadata]);
  let begin = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    const end = begin + data.length * BYTES[dtype];
    fields.push([name, { dtype, shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const length = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

function* chunks(tensor: SafetensorsTensor): Generator<Uint8Array> {
  const step = READ_BYTES / 8;
  const { data } = tensor;
  for (let begin = 0; begin < data.length; begin += step) {
    const part = data.subarray(begin, begin + step);
    const words =
      tensor.dtype === 'I64' && !(part instanceof BigInt64Array)
        ? BigInt64Array.from(part as ArrayLike<number>, (value: number) => BigInt(value))
        : part;
    yield new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  }
}
