import type { FileHandle } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Compressors, PageHeader, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import { compressors as pureCompressors } from 'hyparquet-compressors';
import { readBytes } from '../file-io.js';
import type { ChunkPlace } from './footer.js';
import { MOST, Unsound, whole } from './limits.js';
import { readRuns } from './runs.js';
import { thriftEnd } from './thrift.js';
import { type ColumnDecoder, decodeDictionary, decodeValues, type Values } from './values.js';

/** A data page: `count` entries, each with its levels where the column has any, and the values of those that have one. */
export interface Page {
  readonly count: number;
  readonly repetitions: Uint8Array | undefined;
  readonly definitions: Uint8Array | undefined;
  readonly values: Values;
}

const HEADER_BYTES = 1 << 12;
const MOST_HEADER_BYTES = 1 << 24;

/** Node's own zlib where it has the codec: it takes no more memory than the page's length. */
const compressors: Compressors = {
  ...pureCompressors,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(length, 1) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(length, 1) }),
};

/**
 * The pages of a column chunk, one in memory at a time. Sizes and counts in their headers are checked against the chunk
 * before memory is taken for them; together they hold `place.values` entries.
 */
export async function* readPages(
  handle: FileHandle,
  place: ChunkPlace,
  schemaPath: readonly SchemaTree[],
  path: string,
): AsyncGenerator<Page, void, undefined> {
  const decoder = decoderOf(place, schemaPath);
  let dictionary: ArrayLike<unknown> | undefined;
  let offset = place.start;
  let seen = 0;
  while (seen < place.values) {
    const { header, length } = await readHeader(handle, offset, place.end, path);
    offset += length;
    const size = whole(header.compressed_page_size, 'the bytes of a page', place.end - offset);
    checkRatio(header, size);
    const bytes = await readBytes(handle, offset, size, path);
    offset += size;
    if (header.type === 'DICTIONARY_PAGE') {
      const count = whole(header.dictionary_page_header?.num_values, 'a dictionary', MOST.dictionaryValues);
      const page = decompressPage(bytes, header.uncompressed_page_size, place.codec, compressors);
      dictionary = decodeDictionary(page, count, decoder);
    } else if (header.type !== 'INDEX_PAGE') {
      const page = decodePage(bytes, header, decoder, dictionary, place.values - seen);
      seen += page.count;
      yield page;
    }
  }
}

function decoderOf(place: ChunkPlace, schemaPath: readonly SchemaTree[]): ColumnDecoder {
  const { element } = schemaPath[schemaPath.length - 1];
  if (element.type === undefined) throw new Unsound(`${element.name} has no type`);
  return {
    pathInSchema: schemaPath.slice(1).map((node) => node.element.name),
    type: element.type,
    element,
    schemaPath: [...schemaPath],
    codec: place.codec,
    parsers: DEFAULT_PARSERS,
  };
}

/** A header is some dozen bytes, unless its statistics are long. */
async function readHeader(
  handle: FileHandle,
  offset: number,
  end: number,
  path: string,
): Promise<{ header: PageHeader; length: number }> {
  for (let window = HEADER_BYTES; ; window *= 16) {
    const bytes = await readBytes(handle, offset, Math.min(window, end - offset), path);
    const view = new DataView(bytes.buffer);
    try {
      const length = thriftEnd(view, 0);
      return { header: parquetHeader({ view, offset: 0 }), length };
    } catch (error) {
      const whole = window >= end - offset || window >= MOST_HEADER_BYTES;
      if (!(error instanceof RangeError) || whole)
        throw new Unsound(`it is truncated: no page at byte ${offset} of a chunk that ends at ${end}`);
    }
  }
}

/** A few bytes can claim to become gigabytes. */
function checkRatio(header: PageHeader, size: number): void {
  const most = Math.max(MOST.pageBytes, 1024 * size);
  whole(header.uncompressed_page_size, `the bytes of a page that has ${size}`, most);
}

function decodePage(
  bytes: Uint8Array,
  header: PageHeader,
  decoder: ColumnDecoder,
  dictionary: ArrayLike<unknown> | undefined,
  left: number,
): Page {
  const maxRepetition = getMaxRepetitionLevel(decoder.schemaPath);
  const maxDefinition = getMaxDefinitionLevel(decoder.schemaPath);
  const split = header.type === 'DATA_PAGE_V2' ? splitV2 : splitV1;
  const {
    count: claimed,
    encoding,
    repetition,
    definition,
    data,
  } = split(bytes, header, decoder, maxRepetition > 0, maxDefinition > 0);
  const count = whole(claimed, 'the values of a page', Math.min(left, MOST.pageValues));
  const repetitions = levels(repetition, maxRepetition, count);
  const definitions = levels(definition, maxDefinition, count);
  let present = count;
  if (definitions !== undefined) {
    present = 0;
    for (const level of definitions) present += level === maxDefinition ? 1 : 0;
  }
  return {
    count,
    repetitions,
    definitions,
    values: decodeValues(data, present, encoding, decoder, dictionary),
  };
}

interface Split {
  count: unknown;
  encoding: NonNullable<PageHeader['data_page_header']>['encoding'] | undefined;
  repetition: Uint8Array;
  definition: Uint8Array;
  data: Uint8Array;
}

/** Levels and values are compressed together; the length of each kind of levels stands in front of it. */
function splitV1(
  bytes: Uint8Array,
  header: PageHeader,
  { codec }: ColumnDecoder,
  repeated: boolean,
  optional: boolean,
): Split {
  const inner = header.data_page_header;
  if (header.type !== 'DATA_PAGE' || inner === undefined) throw new Unsound('a page of unknown type');
  let rest = decompressPage(bytes, header.uncompressed_page_size, codec, compressors);
  const part = (there: boolean): Uint8Array => {
    if (!there) return rest.subarray(0, 0);
    if (rest.length < 4) throw new Unsound('a page ends within its levels');
    const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
    const length = whole(view.getUint32(0, true), 'the levels of a page', rest.length - 4);
    const found = rest.subarray(4, 4 + length);
    rest = rest.subarray(4 + length);
    return found;
  };
  const repetition = part(repeated);
  const definition = part(optional);
  return { count: inner.num_values, encoding: inner.encoding, repetition, definition, data: rest };
}

/** Levels stand in front, uncompressed, their lengths in the header. */
function splitV2(bytes: Uint8Array, header: PageHeader, { codec }: ColumnDecoder): Split {
  const inner = header.data_page_header_v2;
  if (inner === undefined) throw new Unsound('a page without a header of its own');
  const first = whole(inner.repetition_levels_byte_length, 'the levels of a page', bytes.length);
  const second = whole(inner.definition_levels_byte_length, 'the levels of a page', bytes.length - first);
  const size = whole(header.uncompressed_page_size - first - second, 'the bytes of a page');
  const packed = bytes.subarray(first + second);
  return {
    count: inner.num_values,
    encoding: inner.encoding,
    repetition: bytes.subarray(0, first),
    definition: bytes.subarray(first, first + second),
    data:
      inner.is_compressed === false || size === 0 ? packed : decompressPage(packed, size, codec, compressors),
  };
}

function levels(bytes: Uint8Array, most: number, count: number): Uint8Array | undefined {
  if (most === 0) return undefined;
  const found = new Uint8Array(count);
  readRuns(bytes, 32 - Math.clz32(most), found);
  return found;
}
