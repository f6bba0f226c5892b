import { existsSync } from 'node:fs';
import { AlfamixError, csvField, LabeledSet, LinearHead, readCsv, writeFileAtomic } from '@alfamix/core';
import { ServiceError } from './service-error.js';

/** The labels so far, and the head fitted on them. Kept in a file, if one is given: nothing is lost. */
export class Labels {
  /** @type {Map<number, string>} */ #byRow = new Map();
  #pool;
  #file;
  #version = 0;
  /** @type {Promise<void>} */ #written = Promise.resolve();
  /**
   * @type {{ version: number, promise: Promise<Fitted>, controller: AbortController, waiting: number, ended: boolean } | undefined}
   */
  #fit;

  /** @param {import('@alfamix/core').Pool} pool @param {string} [file] */
  constructor(pool, file) {
    this.#pool = pool;
    this.#file = file;
  }

  get count() {
    return this.#byRow.size;
  }

  /** @throws AlfamixError naming the line that is none of ours */
  async load() {
    if (this.#file === undefined || !existsSync(this.#file)) return;
    let header = true;
    for await (const { fields, line } of readCsv(this.#file)) {
      if (header) this.#checkHeader(fields);
      else this.#take(fields, line);
      header = false;
    }
    this.#version++;
  }

  /** @param {readonly string[]} fields */
  #checkHeader(fields) {
    if (fields.join() === 'row,label') return;
    const message = `${this.#file}, line 1: expected the header row,label, got ${JSON.stringify(fields.join().slice(0, 80))}`;
    throw new AlfamixError('FORMAT', message);
  }

  /** @param {readonly string[]} fields @param {number} line */
  #take([text, label], line) {
    const row = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    const before = this.#byRow.get(row);
    const wrong = !(row < this.#pool.rows)
      ? `a row of the pool, 0 to ${this.#pool.rows - 1}, got ${JSON.stringify(text)}`
      : label === ''
        ? 'a label, got nothing'
        : before !== undefined && before !== label
          ? `one label for row ${row}, got ${JSON.stringify(label)} after ${JSON.stringify(before)}`
          : undefined;
    if (wrong !== undefined)
      throw new AlfamixError('INVALID_ARGUMENT', `${this.#file}, line ${line}: expected ${wrong}`);
    this.#byRow.set(row, label);
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
        throw new ServiceError(409, 'CONFLICT', message);
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
   * @param {AbortSignal} signal of one who waits; the fit itself stops when nobody does any more
   * @returns {Promise<Fitted>}
   */
  async fitted(signal) {
    signal.throwIfAborted();
    if (this.#byRow.size === 0)
      throw new ServiceError(409, 'NO_LABELS', 'expected labels first: POST /labels');
    if (this.#fit?.version !== this.#version || this.#fit.controller.signal.aborted)
      this.#fit = this.#begin();
    const fit = this.#fit;
    fit.waiting++;
    try {
      return await orAbort(fit.promise, signal);
    } finally {
      if (--fit.waiting === 0 && !fit.ended) fit.controller.abort();
    }
  }

  #begin() {
    const controller = new AbortController();
    const fit = {
      version: this.#version,
      controller,
      waiting: 0,
      ended: false,
      promise: this.#fitHead(controller.signal),
    };
    fit.promise = fit.promise.finally(() => {
      fit.ended = true;
    });
    fit.promise.catch(() => {
      if (this.#fit === fit) this.#fit = undefined;
    });
    return fit;
  }

  /** @param {AbortSignal} signal */
  async #fitHead(signal) {
    const classNames = [...new Set(this.#byRow.values())].sort();
    const indexOf = new Map(classNames.map((name, i) => [name, i]));
    const rows = [...this.#byRow.keys()].sort((a, b) => a - b);
    const labels = rows.map(
      (row) => /** @type {number} */ (indexOf.get(/** @type {string} */ (this.#byRow.get(row)))),
    );
    const labeled = await LabeledSet.fromPool(this.#pool, { rows, labels, classNames, signal });
    return { labeled, head: await LinearHead.fit({ labeled, classNames, signal }), classNames };
  }

  /** @param {number | undefined} row @param {string | undefined} id */
  #rowOf(row, id) {
    const found = row ?? (id === undefined ? undefined : this.#pool.rowOf(id));
    if (found !== undefined && Number.isInteger(found) && found >= 0 && found < this.#pool.rows) return found;
    const message = `expected a row of the pool, 0 to ${this.#pool.rows - 1}, or an id of it, got ${JSON.stringify(row ?? id)}`;
    throw new ServiceError(400, 'INVALID_ARGUMENT', message);
  }

  async #save() {
    if (this.#file !== undefined) await writeFileAtomic(this.#file, (append) => append(this.csv()));
  }
}

/**
 * @template T
 * @param {Promise<T>} promise @param {AbortSignal} signal
 * @returns {Promise<T>} rejects as soon as the signal fires, whatever becomes of the promise
 */
function orAbort(promise, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
