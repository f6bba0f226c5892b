import { AlfamixError, expected } from '../errors.js';
import type { FitSoftmaxArgs } from './fitting.js';
import { requireInteger, requireShape, requireTypedArray, validateJob } from './validate.js';

/** Checks the arguments of `fitSoftmax`; the finiteness of `data` is for the kernel. */
export function validateFitSoftmax(args: FitSoftmaxArgs): void {
  validateJob(args);
  const { data, rows, dim, labels, classes, ridges, folds, foldCount } = args;
  requireShape(rows, dim);
  requireInteger(rows, 'rows', 2, 2 ** 31 - 1);
  requireInteger(classes, 'classes', 2, rows);
  requireTypedArray(data, 'Float64Array', 'data');
  requireValues(data, 'data', rows * dim);
  requireTypedArray(labels, 'Int32Array', 'labels');
  requireValues(labels, 'labels', rows);
  requireLabels(labels, classes);
  requireTypedArray(ridges, 'Float64Array', 'ridges');
  if (ridges.length === 0) throw expected('at least one ridge', 'ridges', ridges);
  const odd = ridges.findIndex((ridge) => !(ridge > 0 && Number.isFinite(ridge)));
  if (odd >= 0) throw expected('a finite number above 0', `ridges[${odd}]`, ridges[odd]);
  if (folds === undefined) {
    if (ridges.length > 1) throw expected('folds, to choose among ridges,', 'folds', folds);
    return;
  }
  requireInteger(foldCount, 'foldCount', 1, rows);
  requireTypedArray(folds, 'Int32Array', 'folds');
  requireValues(folds, 'folds', rows);
  requireFolds(folds, foldCount as number, labels, classes);
}

function requireValues(values: { length: number }, name: string, count: number): void {
  if (values.length !== count) throw expected(`${count} values`, name, values.length, 'SHAPE_MISMATCH');
}

function requireLabels(labels: Int32Array, classes: number): void {
  const seen = new Uint8Array(classes);
  for (let i = 0; i < labels.length; i++) {
    if (!(labels[i] >= 0 && labels[i] < classes))
      throw expected(`a class index below ${classes}`, `labels[${i}]`, labels[i]);
    seen[labels[i]] = 1;
  }
  const missing = seen.indexOf(0);
  if (missing >= 0) throw expected(`a row of class ${missing}`, 'labels', 'none');
}

/** Every class keeps a row in every training set: without one it has no minimum. */
function requireFolds(folds: Int32Array, foldCount: number, labels: Int32Array, classes: number): void {
  const held = new Int32Array(foldCount);
  const kept = new Int32Array(classes);
  for (let i = 0; i < folds.length; i++) {
    if (!(folds[i] >= -1 && folds[i] < foldCount))
      throw expected(`a fold from −1 to ${foldCount - 1}`, `folds[${i}]`, folds[i]);
    if (folds[i] >= 0) held[folds[i]]++;
    kept[labels[i]]++;
  }
  for (let fold = 0; fold < foldCount; fold++) {
    if (held[fold] === 0) throw expected('a row to hold out', `fold ${fold}`, 'none');
  }
  const heldOfClass = new Map<number, number>();
  for (let i = 0; i < folds.length; i++) {
    if (folds[i] < 0) continue;
    const key = folds[i] * classes + labels[i];
    const count = (heldOfClass.get(key) ?? 0) + 1;
    heldOfClass.set(key, count);
    if (count < kept[labels[i]]) continue;
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected a row of class ${labels[i]} outside fold ${folds[i]} for folds, got none`,
    );
  }
}
