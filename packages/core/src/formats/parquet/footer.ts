import type { FileHandle } from 'node:fs/promises';
import {
  type CompressionCodec,
  type FileMetaData,
  parquetMetadata,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { readBytes } from '../file-io.js';
import { MOST, Unsound, whole } from './limits.js';
import { thriftEnd } from './thrift.js';

/** A leaf's values of one row group, which lie at `start` to `end` in the file. */
export interface ChunkPlace {
  readonly start: number;
  readonly end: number;
  /** Values, nulls and empty lists included. */
  readonly values: number;
  readonly codec: CompressionCodec;
}

/** A column of the table. */
export interface Column {
  readonly name: string;
  /** A list, a map or a structure. */
  readonly list: boolean;
  readonly float: boolean;
  /** From the root of the schema to the values; undefined where the column is more than one list of values. */
  readonly schemaPath: readonly SchemaTree[] | undefined;
  /** Which of each row group's chunks is the first of this column. */
  readonly leaf: number;
}

export interface Footer {
  readonly rows: number;
  readonly columns: readonly Column[];
  readonly groups: readonly { readonly rows: number; readonly chunk: (column: Column) => ChunkPlace }[];
}

const MAGIC = 'PAR1';

/** Reads what the end of the file says of it, and checks it against the file's size. */
export async function readFooter(handle: FileHandle, size: number, path: string): Promise<Footer> {
  if (size < 12) throw new Unsound(`expected at least 12 bytes, got ${size}`);
  const tail = Buffer.from(await readBytes(handle, size - 8, 8, path));
  if (tail.toString('latin1', 4) !== MAGIC) throw new Unsound(`expected ${MAGIC} at its end`);
  const length = whole(tail.readUInt32LE(0), 'the length of its metadata', size - 12);
  const bytes = await readBytes(handle, size - 8 - length, length + 8, path);
  thriftEnd(new DataView(bytes.buffer, 0, length), 0);
  const metadata = parquetMetadata(bytes, { geoparquet: false });
  checkSchema(metadata.schema);
  const columns = columnsOf(parquetSchema(metadata));
  const groups = metadata.row_groups.map((group, index) => ({
    rows: whole(group.num_rows, `the rows of row group ${index}`),
    chunk: (column: Column) => chunkPlace(group, column, size - 8 - length),
  }));
  const rows = whole(metadata.num_rows, 'its rows');
  const found = groups.reduce((sum, group) => sum + group.rows, 0);
  if (found !== rows) throw new Unsound(`expected ${rows} rows in its row groups, got ${found}`);
  return { rows, columns, groups };
}

/** The tree is built by recursion, a call a level: it must be shallow, and each child must be there. */
function checkSchema(schema: readonly SchemaElement[]): void {
  const open: number[] = [1];
  for (const [index, element] of schema.entries()) {
    while (open.at(-1) === 0) open.pop();
    if (open.length === 0) throw new Unsound(`its schema has ${schema.length - index} elements too many`);
    open[open.length - 1]--;
    const children = whole(element.num_children ?? 0, 'the children of a column', schema.length);
    if (children > 0 && open.push(children) > MOST.depth + 1)
      throw new Unsound(`its schema is nested deeper than ${MOST.depth} levels`);
  }
  if (open.some((missing) => missing > 0)) throw new Unsound('its schema ends early');
}

function columnsOf(root: SchemaTree): Column[] {
  let leaf = 0;
  return root.children.map((node) => {
    const path = [root, node];
    while (path[path.length - 1].children.length === 1) path.push(path[path.length - 1].children[0]);
    const last = path[path.length - 1];
    const repeated = path.filter(({ element }) => element.repetition_type === 'REPEATED').length;
    const list = node.children.length > 0 || repeated > 0;
    const column = {
      name: node.element.name,
      list,
      float: !list && isFloatNode(node),
      schemaPath: last.children.length === 0 && repeated === (list ? 1 : 0) ? path : undefined,
      leaf,
    };
    leaf += leavesOf(node);
    return column;
  });
}

function leavesOf(node: SchemaTree): number {
  return node.children.length === 0 ? 1 : node.children.reduce((sum, child) => sum + leavesOf(child), 0);
}

function isFloatNode({ element }: SchemaTree): boolean {
  return element.type === 'FLOAT' || element.type === 'DOUBLE' || element.logical_type?.type === 'FLOAT16';
}

function chunkPlace(group: FileMetaData['row_groups'][number], column: Column, end: number): ChunkPlace {
  const chunk = group.columns[column.leaf];
  const meta = chunk?.meta_data;
  const names = column.schemaPath?.slice(1).map(({ element }) => element.name);
  if (meta === undefined || names === undefined || meta.path_in_schema.join('\0') !== names.join('\0'))
    throw new Unsound(`expected the chunk of ${column.name} in place ${column.leaf} of a row group`);
  if (chunk.file_path) throw new Unsound(`the values of ${column.name} lie in another file`);
  const first = meta.dictionary_page_offset || meta.data_page_offset;
  const start = whole(first, `the offset of ${column.name}`, end);
  const length = whole(meta.total_compressed_size, `the bytes of ${column.name}`, end - start);
  return {
    start,
    end: start + length,
    values: whole(meta.num_values, `the values of ${column.name}`),
    codec: meta.codec,
  };
}
