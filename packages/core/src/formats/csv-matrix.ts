import { AlfamixError, describe } from '../errors.js';
import { type CsvRecord, readCsv } from './csv.js';
import { allocate } from './file-io.js';
import { type BadNumber, parseDecimal, parseFloat32 } from './number.js';

/** Values are gathered in blocks of this many, then joined once their number is known. */
const BLOCK_VALUES = 1 << 18;

/** May have no rows (a header alone) or no number columns. */
export interface CsvMatrix {
  readonly rows: number;
  /** Number columns. */
  readonly dim: number;
  /** rows × dim. */
  readonly data: Float32Array;
  /** The text columns asked for and found, by name. */
  readonly text: ReadonlyMap<string, readonly string[]>;
  /** The line of each row in the file. */
  readonly lineOf: (row: number) => number;
}

export interface CsvMatrixOptions {
  /** Columns of the header to read as text instead of numbers. Default ['id']. */
  textColumns?: readonly string[];
  signal?: AbortSignal;
}

/**
 * Reads a CSV of numbers into float32. The first record is a header when one of its fields is neither a number, nor
 * blank, nor a NaN or infinity.
 *
 * @throws FORMAT or NON_FINITE naming file, line and column; IO; ABORTED
 * @example
 * const { data, rows, dim, text } = await readCsvMatrix('digits.csv', { textColumns: ['label'] });
 */
export async function readCsvMatrix(path: string, options: CsvMatrixOptions = {}): Promise<CsvMatrix> {
  const { textColumns = ['id'], signal } = options;
  const values = new FloatBlocks();
  const lines = new LineNumbers();
  let columns: Columns | undefined;
  let rows = 0;
  for await (const record of readCsv(path, { signal })) {
    if (columns === undefined) {
      const header = isHeader(record.fields) ? record.fields : undefined;
      columns = new Columns(path, header, record.fields.length, textColumns);
      if (header !== undefined) continue;
    }
    columns.readInto(values, record);
    lines.add(record.line);
    rows++;
  }
  const dim = columns?.numbers.length ?? 0;
  return {
    rows,
    dim,
    data: values.join(path),
    text: columns?.text ?? new Map(),
    lineOf: (row) => lines.at(row),
  };
}

function isHeader(fields: readonly string[]): boolean {
  return fields.some((field) => parseDecimal(field) === 'text');
}

/** Which columns are numbers, and how a record becomes values. */
class Columns {
  readonly numbers: number[] = [];
  readonly text = new Map<string, string[]>();
  readonly #texts: { column: number; into: string[] }[] = [];

  constructor(
    readonly path: string,
    readonly header: readonly string[] | undefined,
    count: number,
    textColumns: readonly string[],
  ) {
    for (let column = 0; column < count; column++) {
      const title = header?.[column].trim().toLowerCase();
      if (title === '') {
        throw new AlfamixError(
          'FORMAT',
          `expected a name for column ${column + 1} in the header of ${path}, got a blank: an index isn't a feature (pandas: index=False)`,
          { details: { path, column: column + 1 } },
        );
      }
      const name = textColumns.find((wanted) => wanted.toLowerCase() === title);
      if (name === undefined) {
        this.numbers.push(column);
      } else if (this.text.has(name)) {
        throw new AlfamixError(
          'FORMAT',
          `expected one column ${describe(name)} in the header of ${path}, got two`,
          {
            details: { path },
          },
        );
      } else {
        const into: string[] = [];
        this.text.set(name, into);
        this.#texts.push({ column, into });
      }
    }
  }

  readInto(values: FloatBlocks, record: CsvRecord): void {
    for (const { column, into } of this.#texts) into.push(record.fields[column]);
    for (const column of this.numbers) {
      const value = parseFloat32(record.fields[column]);
      if (typeof value === 'string') throw this.#bad(record, column, value);
      values.push(value);
    }
  }

  #bad({ fields, line }: CsvRecord, column: number, problem: BadNumber): AlfamixError {
    const title = this.header === undefined ? '' : ` (${describe(this.header[column])})`;
    const got = problem === 'blank' ? 'a blank' : describe(fields[column]);
    const wanted = { blank: 'a number', text: 'a number', 'non-finite': 'a finite number' } as const;
    const what = problem === 'overflow' ? 'a number that float32 can hold' : wanted[problem];
    const code = problem === 'blank' || problem === 'text' ? 'FORMAT' : 'NON_FINITE';
    return new AlfamixError(
      code,
      `${this.path}, line ${line}, column ${column + 1}${title}: expected ${what}, got ${got}`,
      { details: { path: this.path, line, column: column + 1 } },
    );
  }
}

/** A growing float32 array that never copies what it holds until the end. */
class FloatBlocks {
  readonly #full: Float32Array[] = [];
  #block = new Float32Array(BLOCK_VALUES);
  #used = 0;

  push(value: number): void {
    if (this.#used === BLOCK_VALUES) {
      this.#full.push(this.#block);
      this.#block = new Float32Array(BLOCK_VALUES);
      this.#used = 0;
    }
    this.#block[this.#used++] = value;
  }

  join(path: string): Float32Array {
    const data = allocate(Float32Array, this.#full.length * BLOCK_VALUES + this.#used, path);
    for (const [i, block] of this.#full.entries()) data.set(block, i * BLOCK_VALUES);
    data.set(this.#block.subarray(0, this.#used), this.#full.length * BLOCK_VALUES);
    return data;
  }
}

/** Lines by row: a step of one is the rule, so only the exceptions are kept. */
class LineNumbers {
  readonly #rows: number[] = [];
  readonly #lines: number[] = [];
  #count = 0;

  add(line: number): void {
    const last = this.#rows.length - 1;
    if (last < 0 || line !== this.#lines[last] + (this.#count - this.#rows[last])) {
      this.#rows.push(this.#count);
      this.#lines.push(line);
    }
    this.#count++;
  }

  at(row: number): number {
    const i = this.#rows.findLastIndex((first) => first <= row);
    return this.#lines[i] + (row - this.#rows[i]);
  }
}
