import { AlfamixError, describe } from '../errors.js';
import type { CsvRecord } from './csv.js';
import { readTable } from './table.js';

/** Ids of a pool's rows, both ways. */
export interface Ids {
  readonly ids: readonly string[];
  readonly rowOf: ReadonlyMap<string, number>;
}

/**
 * Reads one id a pool row from a plain list or a CSV. The first line is a header when one of its fields is `id` (then
 * that column holds the ids) or when there is exactly one line more than rows; otherwise the first column is taken.
 *
 * @param rows the pool's rows
 * @throws FORMAT for a duplicate or blank id, naming its lines; SHAPE_MISMATCH for a wrong count; IO
 * @example
 * const { ids, rowOf } = await readIds('ids.csv', pool.rows);
 */
export async function readIds(
  path: string,
  rows: number,
  options: { signal?: AbortSignal } = {},
): Promise<Ids> {
  const records: CsvRecord[] = [];
  let count = 0;
  for await (const record of readTable(path, options)) {
    // A list far too long is counted, not kept.
    if (count++ <= rows) records.push(record);
  }
  const idColumn = records[0].fields.findIndex((field) => field.trim().toLowerCase() === 'id');
  const hasHeader = idColumn >= 0 || count === rows + 1;
  const body = hasHeader ? records.slice(1) : records;
  const found = count - (hasHeader ? 1 : 0);
  if (found !== rows) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${rows} ids in ${path}, one a row of the pool, got ${found}${idColumn < 0 ? noColumn(records[0]) : ' below the header'}`,
      { details: { path, expected: rows, ids: found } },
    );
  }
  const ids = body.map(({ fields }) => fields[Math.max(idColumn, 0)]);
  return { ids, rowOf: indexIds(ids, (row) => `line ${body[row].line}`, path) };
}

/** Of several columns one must be called id, where the first can't have been meant. */
const noColumn = ({ fields }: CsvRecord): string =>
  fields.length > 1 ? `, with no column id in its first line, ${describe(fields.join(','))}` : '';

/**
 * Maps each id to its row.
 * @param nameOf how a row is named in an error: 'row 3', 'line 4'
 * @throws `code` for a blank id or one given twice, naming both places
 */
export function indexIds(
  ids: readonly string[],
  nameOf: (row: number) => string,
  source: string,
  code: 'FORMAT' | 'INVALID_ARGUMENT' = 'FORMAT',
): Map<string, number> {
  const rowOf = new Map<string, number>();
  for (const [row, id] of ids.entries()) {
    if (typeof id !== 'string' || id.trim() === '') {
      const got = typeof id === 'string' ? 'a blank' : describe(id);
      throw new AlfamixError(code, `expected an id at ${nameOf(row)} of ${source}, got ${got}`, {
        details: { source, row },
      });
    }
    const before = rowOf.get(id);
    if (before !== undefined) {
      throw new AlfamixError(
        code,
        `expected different ids in ${source}, got ${describe(id)} at ${nameOf(before)} and ${nameOf(row)}`,
        { details: { source, id, rows: [before, row] } },
      );
    }
    rowOf.set(id, row);
  }
  return rowOf;
}
