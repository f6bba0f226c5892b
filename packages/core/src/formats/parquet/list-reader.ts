import { describe } from '../../errors.js';
import { Unsound } from './limits.js';
import { bad } from './open-table.js';
import type { Page } from './pages.js';

/** From which definition level on an entry stands in a list, and at which it has a value. */
export interface ListLevels {
  readonly list: number;
  readonly value: number;
}

/** Puts the entries of a column of lists into rows of equal length. */
export class ListReader {
  /** Rows that are whole. */
  rows = 0;
  #length = 0;
  #open = false;

  constructor(
    private readonly path: string,
    private readonly name: string,
    private readonly dim: number,
    private readonly data: Float32Array,
    private readonly levels: ListLevels,
    private readonly block: number,
  ) {}

  /** Entries of the first list. */
  static async firstLength(pages: AsyncGenerator<Page>, levels: ListLevels): Promise<number> {
    let length = 0;
    let open = false;
    for await (const { count, repetitions, definitions } of pages) {
      for (let i = 0; i < count; i++) {
        if (repetitions?.[i] === 0 && open) return length;
        open = true;
        if ((definitions?.[i] ?? levels.value) >= levels.list) length++;
      }
    }
    return length;
  }

  /** @param end rows that there may be at most, with this page's */
  add({ count, repetitions, definitions, values }: Page, end: number): void {
    let block: ArrayLike<unknown> = [];
    let [used, read] = [0, 0];
    for (let i = 0; i < count; i++) {
      if (repetitions?.[i] === 0) {
        this.endRow();
        if (this.rows >= end) throw new Unsound(`expected ${end} rows in ${this.name}, got more`);
        this.#open = true;
      } else if (!this.#open) throw new Unsound(`${this.name} begins within a row`);
      const level = definitions?.[i] ?? this.levels.value;
      if (level < this.levels.list) {
        // One below is an empty list; the length tells.
        if (level < this.levels.list - 1) throw this.#wrong('expected numbers in', '', null);
        continue;
      }
      if (level < this.levels.value) throw this.#wrong('expected a number in', `[${this.#length}]`, null);
      if (used === block.length) {
        block = values.read(read, Math.min(read + this.block, values.count));
        read += block.length;
        used = 0;
      }
      const value = block[used++];
      if (typeof value !== 'number' && typeof value !== 'bigint')
        throw this.#wrong('expected a number in', `[${this.#length}]`, value);
      if (this.#length < this.dim) this.data[this.rows * this.dim + this.#length] = Number(value);
      this.#length++;
    }
  }

  endRow(): void {
    if (!this.#open) return;
    if (this.#length !== this.dim)
      throw bad(
        this.path,
        `${this.path}, row ${this.rows}: expected ${this.dim} values in ${this.name}, got ${this.#length}`,
      );
    this.#open = false;
    this.#length = 0;
    this.rows++;
  }

  #wrong(what: string, place: string, value: unknown) {
    return bad(
      this.path,
      `${this.path}, row ${this.rows}: ${what} ${this.name}${place}, got ${describe(value)}`,
    );
  }
}
