import type { DecodedArray, Encoding } from 'hyparquet';
import { convert } from 'hyparquet/src/convert.js';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { byteStreamSplit } from 'hyparquet/src/encoding.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { MOST, Unsound } from './limits.js';
import { readRuns } from './runs.js';

/** The values of a page that aren't null, decoded as they are read: a page of strings may hold more than the heap. */
export interface Values {
  readonly count: number;
  /** Values `from` to `to`, converted to what their logical type says; each call goes on where the last ended. */
  read(from: number, to: number): ArrayLike<unknown>;
}

/** What hyparquet knows of a column while it decodes it. */
export type ColumnDecoder = Parameters<typeof convert>[1];

type Bits = Float32Array | Float64Array | Int32Array | BigInt64Array;

const BITS_OF: Readonly<Record<string, number>> = {
  BOOLEAN: 1,
  INT32: 32,
  FLOAT: 32,
  INT64: 64,
  DOUBLE: 64,
  INT96: 96,
};

/** The values of a page in one of Parquet's encodings; `count` is checked against the page's bytes. */
export function decodeValues(
  page: Uint8Array,
  count: number,
  encoding: Encoding | undefined,
  decoder: ColumnDecoder,
  dictionary: ArrayLike<unknown> | undefined,
): Values {
  const { type } = decoder;
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
  switch (encoding) {
    case 'PLAIN':
      return plainValues(page, count, decoder);
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return dictionaryValues(page, count, dictionary);
    case 'RLE': {
      if (type !== 'BOOLEAN') throw new Unsound(`encoding RLE of ${type}`);
      const bits = new Uint8Array(count);
      // Runs of values, unlike runs of levels, have their length in front in both kinds of page.
      readRuns(page.subarray(4), 1, bits);
      return {
        count,
        read: (from, to) => Array.from(bits.subarray(from, to), (bit) => bit === 1),
      };
    }
    case 'DELTA_BINARY_PACKED': {
      if (count === 0) return converted([], decoder);
      checkDelta(page, count);
      const values = type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
      deltaBinaryUnpack(reader, count, values);
      return converted(values, decoder);
    }
    case 'BYTE_STREAM_SPLIT':
      checkLength(page, count * bitsOf(decoder));
      return converted(byteStreamSplit(reader, count, type, decoder.element.type_length), decoder);
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return byteArrays(page, count, decoder, deltaLengths(page, count));
    case 'DELTA_BYTE_ARRAY':
      return prefixedValues(page, count, decoder);
    default:
      throw new Unsound(`encoding ${encoding} can't be read`);
  }
}

/** Values of a dictionary page, which are looked up in any order. */
export function decodeDictionary(
  page: Uint8Array,
  count: number,
  decoder: ColumnDecoder,
): ArrayLike<unknown> {
  return plainValues(page, count, decoder).read(0, count);
}

function plainValues(page: Uint8Array, count: number, decoder: ColumnDecoder): Values {
  const { type, element } = decoder;
  if (type === 'BYTE_ARRAY') return byteArrays(page, count, decoder, plainLengths(page, count));
  checkLength(page, count * bitsOf(decoder));
  const reader = (bytes: Uint8Array) => ({
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offset: 0,
  });
  if (type === 'INT32' || type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE')
    return converted(readPlain(reader(page), type, count, undefined), decoder);
  if (type === 'BOOLEAN')
    return {
      count,
      read: (from, to) =>
        Array.from({ length: to - from }, (_, i) => ((page[(from + i) >> 3] >> ((from + i) & 7)) & 1) === 1),
    };
  const width = bitsOf(decoder) / 8;
  return {
    count,
    read: (from, to) =>
      convert(
        readPlain(reader(page.subarray(from * width, to * width)), type, to - from, element.type_length),
        decoder,
      ),
  };
}

function dictionaryValues(
  page: Uint8Array,
  count: number,
  dictionary: ArrayLike<unknown> | undefined,
): Values {
  if (dictionary === undefined) throw new Unsound('a page needs a dictionary and there is none');
  const indices = new Uint32Array(count);
  if (count > 0) {
    if (page.length === 0) throw new Unsound('a page ends early');
    readRuns(page.subarray(1), page[0], indices);
  }
  for (const index of indices) {
    if (index >= dictionary.length)
      throw new Unsound(`expected an index below ${dictionary.length} into a dictionary, got ${index}`);
  }
  const lookUp = (index: number) => dictionary[index];
  return {
    count,
    read: (from, to) => {
      if (dictionary instanceof Float32Array || dictionary instanceof Float64Array)
        return Float64Array.from(indices.subarray(from, to), lookUp as (index: number) => number);
      return Array.from(indices.subarray(from, to), lookUp);
    },
  };
}

/** Numbers that stay as they are, or are converted as they are read. */
function converted(values: DecodedArray, decoder: ColumnDecoder): Values {
  const bits = values as Bits;
  return {
    count: values.length,
    read: (from, to) =>
      convert(Array.isArray(values) ? values.slice(from, to) : bits.subarray(from, to), decoder),
  };
}

/** Where each byte array begins and ends: `ends[2 * i]`, `ends[2 * i + 1]`. */
function plainLengths(page: Uint8Array, count: number): Uint32Array {
  checkLength(page, count * 32);
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const places = new Uint32Array(2 * count);
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(offset, true);
    offset += 4;
    places[2 * i] = offset;
    offset += length;
    if (offset > page.length) throw new Unsound('a page ends within a string');
    places[2 * i + 1] = offset;
  }
  return places;
}

function deltaLengths(page: Uint8Array, count: number): Uint32Array {
  const places = new Uint32Array(2 * count);
  if (count === 0) return places;
  checkDelta(page, count);
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
  const lengths = new Int32Array(count);
  deltaBinaryUnpack(reader, count, lengths);
  let { offset } = reader;
  for (let i = 0; i < count; i++) {
    places[2 * i] = offset;
    offset += lengths[i];
    if (lengths[i] < 0 || offset > page.length) throw new Unsound('a page ends within a string');
    places[2 * i + 1] = offset;
  }
  return places;
}

function byteArrays(page: Uint8Array, count: number, decoder: ColumnDecoder, places: Uint32Array): Values {
  return {
    count,
    read: (from, to) => {
      const raw = Array.from({ length: to - from }, (_, i) =>
        page.subarray(places[2 * (from + i)], places[2 * (from + i) + 1]),
      );
      return convert(raw, decoder);
    },
  };
}

/** Strings that begin as the one before did: they are put together as they are read, in order. */
function prefixedValues(page: Uint8Array, count: number, decoder: ColumnDecoder): Values {
  const prefixes = new Int32Array(count);
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
  if (count > 0) {
    checkDelta(page, count);
    deltaBinaryUnpack(reader, count, prefixes);
  }
  const rest = page.subarray(reader.offset);
  const places = deltaLengths(rest, count);
  let last: Uint8Array = new Uint8Array(0);
  const read = (from: number, to: number) => {
    let bytes = 0;
    const raw = Array.from({ length: to - from }, (_, k) => {
      const [prefix, start, end] = [prefixes[from + k], places[2 * (from + k)], places[2 * (from + k) + 1]];
      bytes += prefix + end - start;
      if (prefix < 0 || prefix > last.length || bytes > 4 * MOST.pageBytes)
        throw new Unsound('its strings do not begin as the ones before them');
      const next = new Uint8Array(prefix + end - start);
      next.set(last.subarray(0, prefix));
      next.set(rest.subarray(start, end), prefix);
      last = next;
      return next;
    });
    return convert(raw, decoder);
  };
  return { count, read };
}

/** Blocks of no values, or of none a miniblock, would be read for ever. */
function checkDelta(page: Uint8Array, count: number): void {
  let offset = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = page[offset++];
      value += (next & 0x7f) * 2 ** shift;
      if (!(next >= 0x80)) return value;
    }
    return Number.NaN;
  };
  const [block, miniblocks, total] = [varint(), varint(), varint()];
  const sound = miniblocks > 0 && block % (8 * miniblocks) === 0 && block > 0 && block <= 2 ** 20;
  if (!sound || total !== count)
    throw new Unsound(
      `expected ${count} values in delta blocks, got ${total} in blocks of ${block} and ${miniblocks}`,
    );
}

function bitsOf({ type, element }: ColumnDecoder): number {
  const bits = BITS_OF[type] ?? 8 * (element.type_length ?? 0);
  if (bits > 0) return bits;
  throw new Unsound(`values of type ${type} and length ${element.type_length}`);
}

function checkLength(page: Uint8Array, bits: number): void {
  if (bits > page.length * 8)
    throw new Unsound(`expected ${Math.ceil(bits / 8)} bytes of values in a page, got ${page.length}`);
}
