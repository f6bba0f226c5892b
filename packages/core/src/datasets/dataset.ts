import { AlfamixError, describe } from '../errors.js';
import { allocate } from '../formats/file-io.js';
import { distinctLabels } from '../labels/class-names.js';

/** Rows with their true labels, in memory: what a simulation draws its labels from. */
export interface Dataset {
  /** For messages: the spec it was opened with. */
  readonly name: string;
  /** N×I, finite, in shared memory, so that worker threads read it in place. */
  readonly features: Float32Array;
  readonly rows: number;
  /** I. */
  readonly dim: number;
  /** N, the index of each row's class. */
  readonly labels: Int32Array;
  readonly classNames: readonly string[];
}

/** What a file holds, before classes are numbered. */
export interface LabeledRows {
  readonly features: Float32Array;
  readonly rows: number;
  readonly dim: number;
  readonly labels: readonly string[];
}

/**
 * A dataset of rows and label texts.
 * @param classNames those of the set this one is to be tested against; default: the distinct labels, in order
 * @throws INVALID_ARGUMENT for a label that is no class; NON_FINITE naming the row
 */
export function makeDataset(
  name: string,
  { features, rows, dim, labels }: LabeledRows,
  classNames: readonly string[] = distinctLabels(labels),
): Dataset {
  if (rows === 0) throw new AlfamixError('INVALID_ARGUMENT', `expected rows in ${name}, got none`);
  const index = new Map(classNames.map((text, i) => [text, i]));
  const numbered = Int32Array.from(labels, (text, row) => {
    const found = index.get(text);
    if (found !== undefined) return found;
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected one of the ${classNames.length} classes of the pool for row ${row} of ${name}, got ${describe(text)}`,
      { details: { row, label: text } },
    );
  });
  checkFinite(features, dim, name);
  return { name, features: shared(features, name), rows, dim, labels: numbered, classNames };
}

/** Rows `rows` of a dataset, as one of its own with the same classes. */
export function takeRows(set: Dataset, rows: ArrayLike<number>, name = set.name): Dataset {
  const { dim } = set;
  const features = sharedFloats(rows.length * dim, name);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * dim;
    features.set(set.features.subarray(from, from + dim), i * dim);
  }
  const labels = Int32Array.from(rows, (row) => set.labels[row]);
  return { name, features, rows: rows.length, dim, labels, classNames: set.classNames };
}

function checkFinite(features: Float32Array, dim: number, name: string): void {
  for (let i = 0; i < features.length; i++) {
    if (Number.isFinite(features[i])) continue;
    const row = Math.floor(i / dim);
    throw new AlfamixError(
      'NON_FINITE',
      `expected finite features for row ${row} of ${name}, got ${features[i]}`,
      { details: { row } },
    );
  }
}

function shared(values: Float32Array, name: string): Float32Array {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const copy = sharedFloats(values.length, name);
  copy.set(values);
  return copy;
}

export const sharedFloats = (length: number, name: string): Float32Array =>
  new Float32Array(allocate(SharedBytes, 4 * length, name));

/** SharedArrayBuffer as `allocate` wants a constructor. */
const SharedBytes = Object.assign(SharedArrayBuffer, { BYTES_PER_ELEMENT: 1 });
