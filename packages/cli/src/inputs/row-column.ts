import { AlfamixError, type CsvRecord, type Pool } from '@alfamix/core';

/** Lower-case names of a header's columns. */
export const columnNames = (header: CsvRecord): string[] =>
  header.fields.map((field) => field.trim().toLowerCase());

/** @throws INVALID_ARGUMENT where a column that counts is there twice */
export function assertOneOfEach(names: readonly string[], path: string): void {
  const twice = ['row', 'id', 'label'].find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) throw badLine(path, 1, `expected one column ${twice}, got two`);
}

export const badLine = (path: string, line: number, message: string): AlfamixError =>
  new AlfamixError('INVALID_ARGUMENT', `${path}, line ${line}: ${message}`, { details: { path, line } });

/** Reads the pool row that a record of a CSV names. */
export type RowReader = (record: CsvRecord) => number;

/**
 * How a CSV with this header names rows of the pool: by a `row` column (0-based), else by an `id` column. Where it has
 * both, as our own outputs do, the two must agree.
 *
 * @returns undefined when it has neither column
 */
export function rowReader(header: CsvRecord, pool: Pool, path: string): RowReader | undefined {
  const names = columnNames(header);
  assertOneOfEach(names, path);
  const rowColumn = names.indexOf('row');
  const idColumn = names.indexOf('id');
  if (rowColumn < 0 && idColumn < 0) return undefined;
  if (rowColumn < 0) return (record) => rowOfId(record.fields[idColumn], pool, path, record.line);
  return (record) => {
    const row = parseRow(record.fields[rowColumn], pool, path, record.line);
    const id = idColumn < 0 ? '' : record.fields[idColumn];
    if (id !== '' && pool.ids && pool.rowOf(id) !== row) {
      const message = `expected the id ${JSON.stringify(pool.idOf(row))} of row ${row}, got ${JSON.stringify(id)}`;
      throw badLine(path, record.line, message);
    }
    return row;
  };
}

/** A 0-based row of the pool, written in decimal. */
export function parseRow(text: string, pool: Pool, path: string, line: number): number {
  const row = /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  if (row < pool.rows) return row;
  throw badLine(path, line, `expected a row of the pool, 0 to ${pool.rows - 1}, got ${JSON.stringify(text)}`);
}

export function rowOfId(id: string, pool: Pool, path: string, line: number): number {
  if (!pool.ids) {
    throw badLine(path, line, 'expected rows, because the pool has no ids (give them with --ids), got ids');
  }
  const row = pool.rowOf(id) ?? pool.rowOf(id.trim());
  if (row !== undefined) return row;
  throw badLine(path, line, `expected an id of the pool, got ${JSON.stringify(id)}`);
}
