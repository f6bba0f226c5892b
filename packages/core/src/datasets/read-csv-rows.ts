import { AlfamixError, describe } from '../errors.js';
import { readCsv } from '../formats/csv.js';
import { readCsvMatrix } from '../formats/csv-matrix.js';
import type { LabeledRows } from './dataset.js';

/** A CSV with a header: the label column, an `id` column if any, and features. */
export async function readCsvRows(
  path: string,
  labelName: string,
  signal?: AbortSignal,
): Promise<LabeledRows> {
  await requireColumn(path, labelName, signal);
  const { data, rows, dim, text, lineOf } = await readCsvMatrix(path, {
    textColumns: ['id', labelName],
    signal,
  });
  const labels = text.get(labelName)!.map((label) => label.trim());
  if (dim === 0)
    throw new AlfamixError('FORMAT', `expected features beside the labels in ${path}, found none`);
  const blank = labels.indexOf('');
  if (blank >= 0)
    throw new AlfamixError('FORMAT', `${path}, line ${lineOf(blank)}: expected a label, got nothing`);
  return { features: data, rows, dim, labels };
}

/** Before the rest is read: a label column of another name would be taken for a feature that is no number. */
async function requireColumn(path: string, name: string, signal: AbortSignal | undefined): Promise<void> {
  for await (const { fields } of readCsv(path, { signal })) {
    const titles = fields.map((field) => field.trim());
    if (titles.some((title) => title.toLowerCase() === name.toLowerCase())) return;
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected a column ${describe(name)} with the labels in ${path} (--label-column names another), got the header ${describe(titles.join(','))}`,
      { details: { path } },
    );
  }
}
