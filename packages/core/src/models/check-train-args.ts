import { expected } from '../errors.js';
import { requireInteger, validateJob } from '../kernels/validate.js';
import { assertRow } from '../pool/gather.js';
import { Pool } from '../pool/pool.js';
import type { TrainArgs } from './model.js';

/** More classes than this are taken for a mistake. */
const MAX_CLASSES = 65_536;

/**
 * The rows and labels of a training, checked.
 * @throws INVALID_ARGUMENT, SHAPE_MISMATCH; ABORTED when the signal has fired already
 */
export function checkTrainArgs(args: TrainArgs): { rows: Int32Array; labels: Int32Array } {
  const { inputs, rows, labels, classes, seed } = args;
  validateJob(args);
  if (!(inputs instanceof Pool)) throw expected('a Pool', 'inputs', inputs);
  requireInteger(classes, 'classes', 2, MAX_CLASSES);
  requireInteger(seed, 'seed', 0);
  if (!rows?.length) throw expected('at least one row', 'rows', rows);
  if (labels?.length !== rows.length)
    throw expected(`${rows.length} labels, one a row,`, 'labels', labels, 'SHAPE_MISMATCH');
  for (let i = 0; i < rows.length; i++) {
    assertRow(rows[i], inputs.rows, `rows[${i}]`);
    requireInteger(labels[i], `labels[${i}]`, 0, classes - 1);
  }
  return { rows: Int32Array.from(rows), labels: Int32Array.from(labels) };
}
