import { getMaxDefinitionLevel } from 'hyparquet/src/schema.js';
import { describe } from '../../errors.js';
import { allocate } from '../file-io.js';
import { chooseColumns } from './choose-columns.js';
import { ColumnCursor, text } from './column-cursor.js';
import type { Column } from './footer.js';
import { ListReader } from './list-reader.js';
import type { Reply } from './messages.js';
import { bad, type Table, withTable } from './open-table.js';
import { readPages } from './pages.js';

/** Values converted at a time, and ids sent at a time: what is held as JavaScript values. */
const BLOCK = 4096;

/** The ids where the file has a column of that name, block by block, then the embeddings. */
export function readMatrix(path: string, columns: string | undefined): AsyncGenerator<Reply> {
  return withTable(path, async function* (table) {
    const chosen = chooseColumns(table.columns, columns, path);
    const id = table.columns.find(({ name, list }) => name === 'id' && !list);
    const withIds = id !== undefined && !chosen.includes(id);
    const matrix = chosen[0].list ? await readList(table, chosen[0]) : await readNumbers(table, chosen);
    if (withIds) {
      for (const group of table.groups) {
        const cursor = group.rows > 0 ? new ColumnCursor(table, group, id) : undefined;
        for (let row = 0; row < group.rows; row += BLOCK) {
          const ids = (await cursor?.take(Math.min(BLOCK, group.rows - row))) ?? [];
          yield { kind: 'ids', ids: ids.map(text) };
        }
      }
    }
    yield { kind: 'matrix', rows: table.rows, withIds, ...matrix };
  });
}

/** A column a dimension. */
async function readNumbers(table: Table, chosen: readonly Column[]) {
  const dim = chosen.length;
  const data = allocate(Float32Array, table.rows * dim, table.path);
  let first = 0;
  for (const group of table.groups) {
    for (const [j, column] of chosen.entries()) {
      const cursor = group.rows > 0 ? new ColumnCursor(table, group, column) : undefined;
      for (let row = 0; cursor !== undefined && row < group.rows; ) {
        const values = await cursor.next(Math.min(BLOCK, group.rows - row));
        for (let i = 0; i < values.length; i++, row++) {
          const value = number(values[i]);
          if (value === undefined) throw notANumber(table, first + row, column.name, values[i]);
          data[(first + row) * dim + j] = value;
        }
      }
    }
    first += group.rows;
  }
  return { dim, data };
}

/** A list a row, all of the first one's length. */
async function readList(table: Table, column: Column) {
  const { schemaPath } = column;
  if (schemaPath === undefined)
    throw bad(
      table.path,
      `${table.path}: expected a list of numbers in ${column.name}, got lists of lists or of structures`,
    );
  const places = table.groups.filter(({ rows }) => rows > 0).map((group) => group.chunk(column));
  const entries = places.reduce((sum, { values }) => sum + values, 0);
  const pages = (place: (typeof places)[number]) => readPages(table.handle, place, schemaPath, table.path);
  const repeated = schemaPath.findIndex(({ element }) => element.repetition_type === 'REPEATED');
  const levels = {
    list: getMaxDefinitionLevel(schemaPath.slice(0, repeated + 1)),
    value: getMaxDefinitionLevel([...schemaPath]),
  };
  let dim = 0;
  if (places.length > 0) dim = await ListReader.firstLength(pages(places[0]), levels);
  // Lists that turn out shorter than the first are found before the end of the array.
  const data = allocate(Float32Array, Math.min(table.rows * dim, entries), table.path);
  const reader = new ListReader(table.path, column.name, dim, data, levels, BLOCK);
  let end = 0;
  for (const { rows, chunk } of table.groups) {
    end += rows;
    if (rows === 0) continue;
    for await (const page of pages(chunk(column))) reader.add(page, end);
    reader.endRow();
    if (reader.rows !== end)
      throw bad(
        table.path,
        `${table.path} is truncated: expected ${end} rows in ${column.name}, got ${reader.rows}`,
      );
  }
  return { dim, data };
}

export function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : undefined;
}

export const notANumber = (table: { path: string }, row: number, name: string, value: unknown) =>
  bad(table.path, `${table.path}, row ${row}: expected a number in ${name}, got ${describe(value ?? null)}`);
