import { AlfamixError, type Pool, parseSpec, readTable, readTensor } from '@alfamix/core';
import type { LabelTexts } from './classes.js';
import { badLine, columnNames, type RowReader, rowReader } from './row-column.js';

/** Labelled rows of the pool, each named once. */
export interface PoolLabels extends LabelTexts {
  readonly rows: readonly number[];
}

/**
 * Reads `--labels labels.csv`: a header row,label or id,label, then one labelled row of the pool a line. The same row
 * twice with the same label counts once.
 *
 * @throws INVALID_ARGUMENT naming the line of a row outside the pool, an unknown id, a missing label, or a row
 * labelled twice differently; FORMAT for a wrong header; IO
 */
export async function readPoolLabels(path: string, pool: Pool, signal?: AbortSignal): Promise<PoolLabels> {
  const found = new Map<number, { text: string; line: number }>();
  let column = -1;
  let read: RowReader | undefined;
  for await (const record of readTable(path, { signal })) {
    if (!read) {
      column = columnNames(record).indexOf('label');
      read = rowReader(record, pool, path);
      if (!read || column < 0) throw wrongHeader(path, record.fields);
      continue;
    }
    const row = read(record);
    const text = record.fields[column].trim();
    if (text === '') throw badLine(path, record.line, 'expected a label, got nothing');
    const before = found.get(row);
    if (before && before.text !== text) throw contradiction(path, record.line, pool, row, text, before);
    if (!before) found.set(row, { text, line: record.line });
  }
  if (found.size === 0) {
    throw new AlfamixError('INVALID_ARGUMENT', `expected at least one labelled row in ${path}, got none`);
  }
  const entries = [...found.values()];
  return {
    rows: [...found.keys()],
    texts: entries.map(({ text }) => text),
    where: (i) => `${path}, line ${entries[i].line}`,
  };
}

/**
 * Reads the labels that go with --labeled: M integers of a .npy or .safetensors file, or a CSV with a `label` column
 * (or one column only). They go by position: a `row` or `id` column is refused.
 *
 * @param rows M, the rows of --labeled
 */
export async function readLabelList(spec: string, rows: number, signal?: AbortSignal): Promise<LabelTexts> {
  const list = ['.csv', '.parquet'].includes(parseSpec(spec).extension)
    ? await labelColumn(spec, signal)
    : await labelTensor(spec);
  if (list.texts.length !== rows) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${rows} labels, one a row of --labeled, in ${spec}, got ${list.texts.length}`,
      { details: { rows, labels: list.texts.length } },
    );
  }
  return list;
}

async function labelTensor(spec: string): Promise<LabelTexts> {
  const { data } = await readTensor(spec, { dtype: 'int', rank: 1 });
  return { texts: Array.from(data, String), where: (i) => `${spec}[${i}]` };
}

async function labelColumn(path: string, signal?: AbortSignal): Promise<LabelTexts> {
  const texts: string[] = [];
  const lines: number[] = [];
  let column: number | undefined;
  for await (const { fields, line } of readTable(path, { signal })) {
    if (column === undefined) {
      const names = columnNames({ fields, line });
      column = names.indexOf('label');
      refuseRows(names, path, line);
      if (column >= 0) continue;
      if (fields.length > 1) {
        throw badLine(
          path,
          line,
          `expected a header with a label column, got ${JSON.stringify(fields.join(','))}`,
        );
      }
      column = 0;
    }
    const text = fields[column].trim();
    if (text === '') throw badLine(path, line, 'expected a label, got nothing');
    texts.push(text);
    lines.push(line);
  }
  return { texts, where: (i) => `${path}, line ${lines[i]}` };
}

/** Labels of --labeled are its rows', in order: a file that names rows is meant otherwise. */
function refuseRows(names: readonly string[], path: string, line: number): void {
  const column = ['row', 'id'].find((name) => names.includes(name));
  if (column === undefined || names.length === 1) return;
  throw badLine(
    path,
    line,
    `expected labels in the order of --labeled's rows, got the column ${column}: leave it out, or name rows of --pool without --labeled`,
  );
}

function wrongHeader(path: string, fields: readonly string[]): AlfamixError {
  return new AlfamixError(
    'FORMAT',
    `${path}, line 1: expected a header with row,label or id,label, got ${JSON.stringify(fields.join(',').slice(0, 80))}`,
    { details: { path, line: 1 } },
  );
}

function contradiction(
  path: string,
  line: number,
  pool: Pool,
  row: number,
  text: string,
  before: { text: string; line: number },
): AlfamixError {
  const id = pool.idOf(row);
  const name = id === '' ? `row ${row}` : `row ${row} (${id})`;
  return badLine(
    path,
    line,
    `expected one label for ${name}, got ${JSON.stringify(text)} after ${JSON.stringify(before.text)} on line ${before.line}`,
  );
}
