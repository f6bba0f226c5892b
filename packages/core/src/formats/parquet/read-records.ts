import type { CsvRecord } from '../csv.js';
import { unknownColumn } from './choose-columns.js';
import { ColumnCursor, text } from './column-cursor.js';
import type { Reply } from './messages.js';
import { withTable } from './open-table.js';

const BLOCK = 4096;

/** The columns that aren't lists as the records of a CSV, header first, a block of rows at a time. */
export function readRecords(path: string, columns: readonly string[] | undefined): AsyncGenerator<Reply> {
  return withTable(path, async function* (table) {
    const flat = table.columns.filter(({ list }) => !list);
    const wanted =
      columns?.map((name) => {
        const column = flat.find((candidate) => candidate.name === name);
        if (column === undefined) throw unknownColumn(path, name, table.columns);
        return column;
      }) ?? flat;
    yield { kind: 'records', records: [{ fields: wanted.map(({ name }) => name), line: 1 }] };
    let line = 2;
    for (const group of table.groups) {
      const cursors = group.rows > 0 ? wanted.map((column) => new ColumnCursor(table, group, column)) : [];
      for (let row = 0; row < group.rows; row += BLOCK) {
        const count = Math.min(BLOCK, group.rows - row);
        const values: unknown[][] = [];
        for (const cursor of cursors) values.push(await cursor.take(count));
        const records: CsvRecord[] = Array.from({ length: count }, (_, i) => ({
          fields: values.map((column) => text(column[i])),
          line: line + i,
        }));
        line += count;
        yield { kind: 'records', records };
      }
    }
  });
}
