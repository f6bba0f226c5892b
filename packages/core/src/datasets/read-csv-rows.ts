import { AlfamixError, describe } from '../errors.js';
import { readCsvMatrix } from '../formats/csv-matrix.js';
import type { LabeledRows } from './dataset.js';

/** A CSV with a header: the label column, an `id` column if any, and features. */
export async function readCsvRows(
  path: string,
  labelName: string,
  signal?: AbortSignal,
): Promise<LabeledRows> {
  const { data, rows, dim, text, lineOf } = await readCsvMatrix(path, {
    textColumns: ['id', labelName],
    signal,
  });
  const labels = text.get(labelName)?.map((label) => label.trim());
  if (!labels) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected a column ${describe(labelName)} with the labels in ${path}, found none in its header`,
      { details: { path } },
    );
  }
  if (dim === 0)
    throw new AlfamixError('FORMAT', `expected features beside the labels in ${path}, found none`);
  const blank = labels.indexOf('');
  if (blank >= 0)
    throw new AlfamixError('FORMAT', `${path}, line ${lineOf(blank)}: expected a label, got nothing`);
  return { features: data, rows, dim, labels };
}
