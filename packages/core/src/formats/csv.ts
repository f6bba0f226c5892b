import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { AlfamixError, abortError, throwIfAborted } from '../errors.js';
import { ioError, openFile } from './file-io.js';
import { assertUnchanged } from './file-stamp.js';

/** A record longer than this is an open quote, not data. */
const MAX_RECORD_CHARS = 1 << 23;
/** Blank lines are held until it is known whether they end the file; more than these in a row are no end. */
const MAX_BLANK_LINES = 1 << 16;

/** One record of a CSV file, its fields as written, quotes taken off. */
export interface CsvRecord {
  readonly fields: readonly string[];
  /** The line it begins on, from 1. */
  readonly line: number;
}

/**
 * Streams the records of a CSV file: commas, double quotes, LF or CRLF, a byte order mark let pass. Blank lines at
 * the end are skipped; every record must have as many fields as the first, so that a blank line within a file of
 * several columns is an error.
 *
 * @throws IO, also for a file that changed while it was read; FORMAT naming file and line for an empty file, a broken quote or a wrong number of fields; ABORTED
 * @example
 * for await (const { fields, line } of readCsv('labels.csv')) …
 */
export async function* readCsv(
  path: string,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  throwIfAborted(options.signal);
  const { handle, size, stamp } = await openFile(path);
  try {
    if (size === 0) throw bad(path, `${path} is empty (0 bytes), expected a .csv file`);
    yield* checkedRecords(path, rawRecords(handle, path, options.signal));
    await assertUnchanged(handle, stamp, path);
  } finally {
    await handle.close();
  }
}

async function* checkedRecords(
  path: string,
  records: AsyncIterable<CsvRecord>,
): AsyncGenerator<CsvRecord, void, undefined> {
  let width: number | undefined;
  let blankLines: CsvRecord[] = [];
  for await (const record of records) {
    if (record.fields.length === 1 && record.fields[0].trim() === '') {
      blankLines.push(record);
      if (blankLines.length > MAX_BLANK_LINES) {
        throw bad(
          path,
          `${path}, line ${record.line}: expected at most ${MAX_BLANK_LINES} blank lines in a row`,
        );
      }
      continue;
    }
    for (const held of [...blankLines, record]) {
      width ??= held.fields.length;
      if (held.fields.length !== width) throw wrongWidth(path, held, width);
      yield held;
    }
    blankLines = [];
  }
  if (width === undefined) throw bad(path, `${path} is empty: expected at least one line that isn't blank`);
}

async function* rawRecords(
  handle: FileHandle,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<CsvRecord, void, undefined> {
  // The parser runs ahead of the loop below, so each counts for itself: one for its error, one for its records.
  // (csv-parse's own count takes a CRLF inside quotes for two lines.)
  let parsing = 1;
  let line = 1;
  const parser = parse({
    bom: true,
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_RECORD_CHARS,
    on_record: (fields) => {
      parsing += lineCount(fields);
      return fields;
    },
  });
  // The loop sees a failure of either stream: pipeline destroys both.
  pipeline(handle.createReadStream({ start: 0, autoClose: false }), parser, () => {});
  try {
    for await (const fields of parser as AsyncIterable<string[]>) {
      if (signal?.aborted) throw abortError(signal);
      yield { fields, line };
      line += lineCount(fields);
    }
  } catch (error) {
    throw error instanceof CsvError ? csvError(error, path, parsing) : ioError(error, 'read', path);
  }
}

/** Lines a record takes up: one, and one more for each line break inside its quotes. */
function lineCount(fields: readonly string[]): number {
  let count = 1;
  for (const field of fields) {
    if (field.includes('\n') || field.includes('\r')) count += field.split(/\r\n|\n|\r/).length - 1;
  }
  return count;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote that is opened is never closed',
  CSV_INVALID_CLOSING_QUOTE: 'expected a comma or the end of the line after a closing quote',
  INVALID_OPENING_QUOTE: 'expected a quote only at the beginning of a field',
  CSV_MAX_RECORD_SIZE: `expected a record of at most ${MAX_RECORD_CHARS} characters`,
};

function csvError(error: CsvError, path: string, line: number): AlfamixError {
  return new AlfamixError('FORMAT', `${path}, line ${line}: ${PROBLEMS[error.code] ?? error.message}`, {
    cause: error,
    details: { path, line },
  });
}

function wrongWidth(path: string, { fields, line }: CsvRecord, width: number): AlfamixError {
  return new AlfamixError(
    'FORMAT',
    `${path}, line ${line}: expected ${width} field${width === 1 ? '' : 's'} as in the first line, got ${fields.length}`,
    { details: { path, line, expected: width, fields: fields.length } },
  );
}

function bad(path: string, message: string): AlfamixError {
  return new AlfamixError('FORMAT', message, { details: { path } });
}

/**
 * One value as a CSV field: quoted where it must be, `inf`, `-inf` and `nan` as Python reads them, '' for undefined.
 * @example
 * const line = ['a,b', 0.5, Infinity, undefined].map(csvField).join(','); // '"a,b",0.5,inf,'
 */
export function csvField(value: string | number | bigint | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return String(value);
    return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  }
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
