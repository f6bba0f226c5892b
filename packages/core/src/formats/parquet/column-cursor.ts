import { getMaxDefinitionLevel } from 'hyparquet/src/schema.js';
import type { Column, Footer } from './footer.js';
import { Unsound } from './limits.js';
import type { Table } from './open-table.js';
import { type Page, readPages } from './pages.js';

/** Walks down a column that isn't a list, of one row group; a page is in memory at a time. */
export class ColumnCursor {
  readonly #pages: AsyncGenerator<Page, void, undefined>;
  readonly #maxDefinition: number;
  #page: Page | undefined;
  #entry = 0;
  #value = 0;

  constructor(table: Table, group: Footer['groups'][number], column: Column) {
    const path = column.schemaPath;
    const place = group.chunk(column);
    if (path === undefined || column.list) throw new Unsound(`${column.name} is not a column of values`);
    if (place.values !== group.rows)
      throw new Unsound(`expected ${group.rows} values in ${column.name}, got ${place.values}`);
    this.#pages = readPages(table.handle, place, path, table.path);
    this.#maxDefinition = getMaxDefinitionLevel([...path]);
  }

  /** The next values, at least one and at most `count` of them; undefined stands for a null. */
  async next(count: number): Promise<ArrayLike<unknown>> {
    while (this.#page === undefined || this.#entry === this.#page.count) {
      const { value, done } = await this.#pages.next();
      if (done) throw new Unsound('a column ends early');
      this.#page = value;
      this.#entry = 0;
      this.#value = 0;
    }
    const { definitions, values } = this.#page;
    const end = Math.min(this.#entry + count, this.#page.count);
    const levels = definitions?.subarray(this.#entry, end);
    let present = end - this.#entry;
    if (levels !== undefined) for (const level of levels) present -= level === this.#maxDefinition ? 0 : 1;
    const found = values.read(this.#value, this.#value + present);
    this.#entry = end;
    this.#value += present;
    if (levels === undefined || present === levels.length) return found;
    let used = 0;
    return Array.from(levels, (level) => (level === this.#maxDefinition ? found[used++] : undefined));
  }

  /** Exactly `count` values. */
  async take(count: number): Promise<unknown[]> {
    const taken: unknown[] = [];
    while (taken.length < count) taken.push(...Array.from(await this.next(count - taken.length)));
    return taken;
  }
}

/** A scalar as a CSV would have it; empty for a null. */
export function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  return value instanceof Date ? value.toISOString() : String(value);
}
