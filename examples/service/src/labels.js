import { existsSync } from 'node:fs';
import {
  AlfamixError,
  assertWritable,
  csvField,
  LabeledSet,
  LinearHead,
  readCsv,
  writeFileAtomic,
} from '@alfamix/core';
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
    if (this.#file === undefined) return;
    assertWritable(this.#file);
    if (!existsSync(this.#file)) return;
    let header = true;
    for await (const { fields, line } of readCsv(this.#file)) {
      if (header) this.#checkHeader(fields);
      else this.#read(fields, line);
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
  #read([text, label], line) {
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
      refuseConflict(row, label, added.get(row) ?? (replace ? undefined : this.#byRow.get(row)));
      added.set(row, label);
    }
    // One after the other, and on the disk before they count: an answer of failure means that none was taken.
    const turn = this.#written.catch(() => {}).then(() => this.#take(added, replace));
    this.#written = turn;
    await turn;
  }

  /** @param {Map<number, string>} added @param {boolean} replace */
  async #take(added, replace) {
    // Labels may have come while these waited for their turn.
    if (!replace) for (const [row, label] of added) refuseConflict(row, label, this.#byRow.get(row));
    const merged = new Map([...this.#byRow, ...added]);
    await this.#save(merged);
    this.#byRow = merged;
    this.#version++;
  }

  /** As labels.csv, which the command line reads. */
  csv() {
    return csvOf(this.#byRow);
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
    const named = id === undefined ? undefined : this.#pool.rowOf(id);
    if (row !== undefined && id !== undefined && named !== row) {
      const other = named === undefined ? 'no row' : `row ${named}`;
      const message = `expected the row of id ${JSON.stringify(id)}, ${other}, for row, got ${row}`;
      throw new ServiceError(400, 'INVALID_ARGUMENT', message);
    }
    const found = row ?? named;
    if (found !== undefined && Number.isInteger(found) && found >= 0 && found < this.#pool.rows) return found;
    const message = `expected a row of the pool, 0 to ${this.#pool.rows - 1}, or an id of it, got ${JSON.stringify(row ?? id)}`;
    throw new ServiceError(400, 'INVALID_ARGUMENT', message);
  }

  /** @param {Map<number, string>} byRow */
  async #save(byRow) {
    if (this.#file !== undefined) await writeFileAtomic(this.#file, (append) => append(csvOf(byRow)));
  }
}

/** @param {Map<number, string>} byRow */
function csvOf(byRow) {
  const lines = [...byRow].map(([row, label]) => `${row},${csvField(label)}`);
  return `${['row,label', ...lines].join('\n')}\n`;
}

/** @param {number} row @param {string} label @param {string | undefined} before */
function refuseConflict(row, label, before) {
  if (before === undefined || before === label) return;
  const message = `expected one label for row ${row}, got ${JSON.stringify(label)} after ${JSON.stringify(before)}`;
  throw new ServiceError(409, 'CONFLICT', message);
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
