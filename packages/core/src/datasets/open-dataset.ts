import { AlfamixError, type ArgumentNames, expected, requireArguments } from '../errors.js';
import { parseSpec } from '../formats/tensor-file.js';
import type { Dataset, LabeledRows } from './dataset.js';
import { makeDataset } from './dataset.js';
import { readCsvRows } from './read-csv-rows.js';
import { readIdxRows } from './read-idx-rows.js';
import { readTensorRows } from './read-tensor-rows.js';

export interface OpenDatasetOptions {
  /** The column of a CSV, or the tensor, that holds the labels. Default `label` (tensors: also labels, y, targets). */
  labelName?: string;
  /** The classes of the pool that this set tests; default: the set's own distinct labels. */
  classNames?: readonly string[];
  signal?: AbortSignal;
}

const OPTIONS: ArgumentNames<OpenDatasetOptions> = { labelName: true, classNames: true, signal: true };

/** Of any text: one that isn't from:to is a mistake, not part of a file's name. */
const SLICE = /\[([^[\]]*)\]$/;
const FROM_TO = /^(\d*):(\d*)$/;

/**
 * Opens rows with labels: `csv:FILE`; `idx:DIR` (MNIST's files, gzipped or not; `idx:DIR/t10k` where the folder holds
 * several sets); a .safetensors or .npz file of a 2-D float and a 1-D label tensor (`FILE#embeddings`). A slice of rows
 * may follow: `[0:8000]`, end excluded.
 *
 * @throws INVALID_ARGUMENT for a spec that says none of these, or labels that aren't there; FORMAT, SHAPE_MISMATCH,
 * NON_FINITE, IO, ABORTED
 * @example
 * const pool = await openDataset('idx:mnist[0:8000]');
 * const test = await openDataset('idx:mnist[8000:]', { classNames: pool.classNames });
 */
export async function openDataset(spec: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  requireArguments(options, 'the options of openDataset', OPTIONS);
  const slice = SLICE.exec(spec);
  const range = slice && FROM_TO.exec(slice[1]);
  if (slice && !range) throw expected('a slice of rows, [from:to],', spec, slice[0]);
  const base = slice ? spec.slice(0, slice.index) : spec;
  const rows = await readRows(base, options);
  return makeDataset(spec, range ? sliceRows(rows, range, spec) : rows, options.classNames);
}

function readRows(spec: string, { labelName, signal }: OpenDatasetOptions): Promise<LabeledRows> {
  if (spec.startsWith('csv:')) return readCsvRows(spec.slice(4), labelName ?? 'label', signal);
  if (spec.startsWith('idx:')) return readIdxRows(spec.slice(4));
  const { extension } = parseSpec(spec);
  if (extension === '.csv') return readCsvRows(spec, labelName ?? 'label', signal);
  if (extension === '.safetensors' || extension === '.npz') return readTensorRows(spec, labelName, signal);
  throw expected('csv:FILE, idx:DIR, or a .safetensors or .npz file with labels', 'the data', spec);
}

function sliceRows(all: LabeledRows, [range, from, to]: RegExpExecArray, spec: string): LabeledRows {
  const start = from === '' ? 0 : Number(from);
  const end = to === '' ? all.rows : Number(to);
  if (!(start < end && end <= all.rows)) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected a slice within ${all.rows} rows for ${spec}, got [${range}]`,
    );
  }
  const { dim } = all;
  const features = all.features.subarray(start * dim, end * dim);
  return { features, rows: end - start, dim, labels: all.labels.slice(start, end) };
}
