import {
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { AlfamixError, describe, throwIfAborted } from '../errors.js';
import type { CsvRecord } from './csv.js';
import { allocate, openFile, readBytes } from './file-io.js';
import { assertUnchanged } from './file-stamp.js';

/** Embeddings of a Parquet file, and its ids where it has a column of that name. */
export interface ParquetMatrix {
  readonly rows: number;
  readonly dim: number;
  /** rows × dim. */
  readonly data: Float32Array;
  readonly ids: readonly string[] | undefined;
}

/**
 * Reads embeddings of a Parquet file into float32, row group by row group: from a column of lists, or from columns of
 * numbers, one a dimension.
 *
 * @param columns the list column's name; or names of number columns, separated by commas, `*` standing for any text
 *   (`f*`), in the file's order; undefined: the only list column, else all columns of floats but one named label
 * @throws FORMAT for a file that isn't what it says, a null, or lists of different lengths, naming the row;
 *   INVALID_ARGUMENT for unknown or ambiguous columns; IO; ABORTED
 */
export async function readParquetMatrix(
  path: string,
  columns: string | undefined,
  options: { signal?: AbortSignal } = {},
): Promise<ParquetMatrix> {
  return withParquet(path, async ({ metadata, top, rowGroups }) => {
    const chosen = chooseColumns(top, columns, path);
    const withIds = top.some(({ name, list }) => name === 'id' && !list) && !chosen.includes('id');
    const isList = top.find(({ name }) => name === chosen[0])?.list ?? false;
    const rows = rowCount(metadata, path);
    const ids: string[] = [];
    let dim = isList ? 0 : chosen.length;
    let data = isList ? undefined : allocate(Float32Array, rows * dim, path);
    let done = 0;
    for await (const group of rowGroups(withIds ? [...chosen, 'id'] : chosen, options.signal)) {
      for (const record of group) {
        const values = isList ? record[chosen[0]] : chosen.map((name) => record[name]);
        if (!isNumbers(values))
          throw bad(path, `${path}, row ${done}: expected numbers in ${chosen[0]}, got ${describe(values)}`);
        if (data === undefined) {
          dim = values.length;
          data = allocate(Float32Array, rows * dim, path);
        }
        if (values.length !== dim || done >= rows)
          throw bad(
            path,
            `${path}, row ${done}: expected ${dim} values in ${chosen[0]}, got ${values.length}`,
          );
        for (let j = 0; j < dim; j++) {
          const value = values[j];
          if (typeof value !== 'number' && typeof value !== 'bigint')
            throw bad(
              path,
              `${path}, row ${done}: expected a number in ${isList ? `${chosen[0]}[${j}]` : chosen[j]}, got ${describe(value)}`,
            );
          data[done * dim + j] = Number(value);
        }
        if (withIds) ids.push(text(record.id) ?? '');
        done++;
      }
    }
    if (done !== rows) throw bad(path, `${path} is truncated: expected ${rows} rows, got ${done}`);
    return { rows, dim, data: data ?? new Float32Array(0), ids: withIds ? ids : undefined };
  });
}

/**
 * The columns of a Parquet file that aren't lists as the records of a CSV: the names, then a record a row; numbers in
 * decimal, nulls empty. `line` counts rows from 2, as below a header.
 *
 * @param columns names to read; default all
 */
export async function* readParquetRecords(
  path: string,
  options: { signal?: AbortSignal; columns?: readonly string[] } = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  const records = await withParquet(path, async ({ top, rowGroups }) => {
    const names = top.filter(({ list }) => !list).map(({ name }) => name);
    for (const name of options.columns ?? []) {
      if (!names.includes(name)) throw unknownColumn(path, name, top);
    }
    const wanted = options.columns ?? names;
    const found: CsvRecord[] = [{ fields: wanted, line: 1 }];
    for await (const group of rowGroups([...wanted], options.signal)) {
      for (const record of group)
        found.push({ fields: wanted.map((name) => text(record[name]) ?? ''), line: found.length + 1 });
    }
    return found;
  });
  yield* records;
}

interface Column {
  name: string;
  list: boolean;
  float: boolean;
}

interface OpenParquet {
  metadata: FileMetaData;
  top: Column[];
  rowGroups(columns: string[], signal: AbortSignal | undefined): AsyncGenerator<Record<string, unknown>[]>;
}

/** Opens, hands over, closes; what hyparquet throws of a damaged file becomes FORMAT. */
async function withParquet<Result>(
  path: string,
  use: (file: OpenParquet) => Promise<Result>,
): Promise<Result> {
  const { handle, size, stamp } = await openFile(path);
  try {
    if (size === 0) throw bad(path, `${path} is empty (0 bytes), expected a .parquet file`);
    const file = {
      byteLength: size,
      slice: async (start: number, end: number = size) => {
        if (!(start >= 0 && start <= end && end <= size))
          throw new Error(`bytes ${start} to ${end} of ${size}`);
        return (await readBytes(handle, start, end - start, path)).buffer;
      },
    };
    const metadata = await parquetMetadataAsync(file);
    async function* rowGroups(columns: string[], signal: AbortSignal | undefined) {
      let rowStart = 0;
      for (const { num_rows: count } of metadata.row_groups) {
        throwIfAborted(signal);
        const rowEnd = rowStart + Number(count);
        let rows: Record<string, unknown>[] = [];
        const onComplete = (found: Record<string, unknown>[]) => {
          rows = found;
        };
        await parquetRead({
          file,
          metadata,
          columns,
          rowStart,
          rowEnd,
          compressors,
          rowFormat: 'object',
          onComplete,
        });
        yield rows;
        rowStart = rowEnd;
      }
    }
    const result = await use({ metadata, top: topColumns(metadata), rowGroups });
    await assertUnchanged(handle, stamp, path);
    return result;
  } catch (error) {
    if (error instanceof AlfamixError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new AlfamixError('FORMAT', `${path} is not a sound .parquet file: ${message}`, {
      cause: error,
      details: { path },
    });
  } finally {
    await handle.close();
  }
}

function topColumns(metadata: FileMetaData): Column[] {
  return parquetSchema(metadata).children.map((node) => ({
    name: node.element.name,
    list: node.children.length > 0 || node.element.repetition_type === 'REPEATED',
    float: node.children.length === 0 && isFloatNode(node),
  }));
}

function isFloatNode({ element }: SchemaTree): boolean {
  return element.type === 'FLOAT' || element.type === 'DOUBLE' || element.logical_type?.type === 'FLOAT16';
}

function chooseColumns(top: readonly Column[], columns: string | undefined, path: string): string[] {
  if (columns !== undefined) return namedColumns(top, columns, path);
  const lists = top.filter(({ list }) => list);
  if (lists.length === 1) return [lists[0].name];
  if (lists.length > 1) {
    const names = lists.map(({ name }) => name);
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected one list column in ${path}, got ${names.slice(0, 10).join(', ')}; name one, as in ${path}#${names[0]}`,
    );
  }
  const floats = top
    .filter(({ name, float }) => float && name.toLowerCase() !== 'label')
    .map(({ name }) => name);
  if (floats.length > 0) return floats;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected a list column or columns of floats in ${path}, got ${shown(top)}; name number columns, as in ${path}#x*`,
  );
}

function namedColumns(top: readonly Column[], columns: string, path: string): string[] {
  // A column may be named a,b.
  if (top.some(({ name }) => name === columns)) return [columns];
  const chosen = columns.split(',').flatMap((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    const matches = top.filter(({ name }) => new RegExp(`^${parts.join('.*')}$`, 's').test(name));
    if (matches.length === 0) throw unknownColumn(path, pattern, top);
    return matches;
  });
  const list = chosen.find((column) => column.list);
  if (list !== undefined && chosen.length > 1) {
    const message = `expected one list column or number columns for ${path}#${columns}, got the list ${list.name} among others`;
    throw new AlfamixError('INVALID_ARGUMENT', message);
  }
  return [...new Set(chosen.map(({ name }) => name))];
}

const shown = (top: readonly Column[]): string =>
  top
    .slice(0, 10)
    .map(({ name }) => name)
    .join(', ') + (top.length > 10 ? ` and ${top.length - 10} more` : '');

const unknownColumn = (path: string, name: string, top: readonly Column[]): AlfamixError =>
  new AlfamixError(
    'INVALID_ARGUMENT',
    `expected a column of ${path} (${shown(top)}), got ${describe(name)}`,
    {
      details: { path, column: name },
    },
  );

function rowCount(metadata: FileMetaData, path: string): number {
  const rows = metadata.row_groups.reduce((sum, { num_rows: count }) => sum + Number(count), 0);
  if (Number.isSafeInteger(rows) && rows >= 0 && rows === Number(metadata.num_rows)) return rows;
  throw bad(
    path,
    `${path} is not a sound .parquet file: expected ${metadata.num_rows} rows in its row groups, got ${rows}`,
  );
}

/** hyparquet gives lists as arrays or typed arrays. */
function isNumbers(values: unknown): values is ArrayLike<unknown> {
  return Array.isArray(values) || (ArrayBuffer.isView(values) && 'length' in values);
}

/** A scalar as a CSV would have it; undefined for a null. */
function text(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  return value instanceof Date ? value.toISOString() : String(value);
}

const bad = (path: string, message: string): AlfamixError =>
  new AlfamixError('FORMAT', message, { details: { path } });
