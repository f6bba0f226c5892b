import { type CsvRecord, type Pool, readTable } from '@alfamix/core';
import { badLine, parseRow, type RowReader, rowOfId, rowReader } from './row-column.js';

/**
 * Rows that may not be picked, from a CSV with a `row` or `id` column, or from a plain list: of ids when the pool has
 * them, else of rows.
 *
 * @returns distinct rows, ascending
 * @throws INVALID_ARGUMENT naming the line of an unknown id or a row outside the pool; FORMAT; IO
 */
export async function readExcluded(path: string, pool: Pool, signal?: AbortSignal): Promise<number[]> {
  const rows = new Set<number>();
  let read: RowReader | undefined;
  for await (const record of readTable(path, { signal })) {
    if (read) {
      rows.add(read(record));
      continue;
    }
    read = rowReader(record, pool, path);
    if (read) continue;
    read = listReader(record, pool, path);
    rows.add(read(record));
  }
  return [...rows].sort((a, b) => a - b);
}

function listReader(first: CsvRecord, pool: Pool, path: string): RowReader {
  if (first.fields.length > 1) {
    throw badLine(
      path,
      first.line,
      `expected a header with a row or id column, got ${JSON.stringify(first.fields.join(','))}`,
    );
  }
  return ({ fields, line }) =>
    pool.ids ? rowOfId(fields[0], pool, path, line) : parseRow(fields[0], pool, path, line);
}
