import { existsSync } from 'node:fs';
import { csvField, LabeledSet, LinearHead, readCsv, writeFileAtomic } from '@alfamix/core';

/** The labels so far, and the head fitted on them. Kept in a file, if one is given: nothing is lost. */
export class Labels {
  /** @type {Map<number, string>} */ #byRow = new Map();
  #pool;
  #file;
  #version = 0;
  /** @type {Promise<void>} */ #written = Promise.resolve();
  /** @type {{ version: number, promise: Promise<Fitted> } | undefined} */ #fitted;

  /** @param {import('@alfamix/core').Pool} pool @param {string} [file] */
  constructor(pool, file) {
    this.#pool = pool;
    this.#file = file;
  }

  get count() {
    return this.#byRow.size;
  }

  async load() {
    if (this.#file === undefined || !existsSync(this.#file)) return;
    let header = true;
    for await (const { fields } of readCsv(this.#file)) {
      if (!header) this.#byRow.set(Number(fields[0]), fields[1]);
      header = false;
    }
    this.#version++;
  }

  /**
   * Takes labels, all or none. A row labelled otherwise before is a conflict unless `replace`.
   * @param {{ row?: number, id?: string, label: string }[]} labels @param {boolean} replace
   */
  async add(labels, replace) {
    const rows = labels.map(({ row, id }) => this.#rowOf(row, id));
    const added = new Map();
    for (const [i, row] of rows.entries()) {
      const { label } = labels[i];
      const before = added.get(row) ?? (replace ? undefined : this.#byRow.get(row));
      if (before !== undefined && before !== label) {
        const message = `expected one label for row ${row}, got ${JSON.stringify(label)} after ${JSON.stringify(before)}`;
        throw Object.assign(new Error(message), { statusCode: 409 });
      }
      added.set(row, label);
    }
    for (const [row, label] of added) this.#byRow.set(row, label);
    this.#version++;
    // One write after the other; each holds all labels known then.
    this.#written = this.#written.catch(() => {}).then(() => this.#save());
    await this.#written;
  }

  /** As labels.csv, which the command line reads. */
  csv() {
    const lines = [...this.#byRow].map(([row, label]) => `${row},${csvField(label)}`);
    return `${['row,label', ...lines].join('\n')}\n`;
  }

  /**
   * The labelled set and a head fitted on it; fitted once for the same labels, whoever asks.
   * @typedef {{ labeled: LabeledSet, head: LinearHead, classNames: string[] }} Fitted
   * @returns {Promise<Fitted>}
   */
  fitted() {
    if (this.#byRow.size === 0)
      throw Object.assign(new Error('expected labels first: POST /labels'), { statusCode: 409 });
    if (this.#fitted?.version !== this.#version) {
      const promise = this.#fit();
      this.#fitted = { version: this.#version, promise };
      promise.catch(() => {
        if (this.#fitted?.promise === promise) this.#fitted = undefined;
      });
    }
    return this.#fitted.promise;
  }

  async #fit() {
    const classNames = [...new Set(this.#byRow.values())].sort();
    const indexOf = new Map(classNames.map((name, i) => [name, i]));
    const rows = [...this.#byRow.keys()].sort((a, b) => a - b);
    const labels = rows.map(
      (row) => /** @type {number} */ (indexOf.get(/** @type {string} */ (this.#byRow.get(row)))),
    );
    const labeled = await LabeledSet.fromPool(this.#pool, { rows, labels, classNames });
    return { labeled, head: await LinearHead.fit({ labeled, classNames }), classNames };
  }

  /** @param {number | undefined} row @param {string | undefined} id */
  #rowOf(row, id) {
    const found = row ?? (id === undefined ? undefined : this.#pool.rowOf(id));
    if (found !== undefined && Number.isInteger(found) && found >= 0 && found < this.#pool.rows) return found;
    const message = `expected a row of the pool, 0 to ${this.#pool.rows - 1}, or an id of it, got ${JSON.stringify(row ?? id)}`;
    throw Object.assign(new Error(message), { statusCode: 400 });
  }

  async #save() {
    if (this.#file !== undefined) await writeFileAtomic(this.#file, (append) => append(this.csv()));
  }
}
