import { AlfamixError, expected } from '../errors.js';
import type { LabeledSet } from './labeled-set.js';

/**
 * ALFA-Mix's anchors: row k is the mean of the labelled embeddings of class k, summed in double, divided, rounded
 * once to float32. A class without labels takes the mean of all labelled embeddings.
 *
 * @param classes C, the number of classes of the head
 * @returns C×D
 * @throws INVALID_ARGUMENT for a label that isn't below `classes`
 * @example
 * const anchors = computeAnchors(labeled, head.classes);
 */
export function computeAnchors(labeled: LabeledSet, classes: number): Float32Array {
  if (!Number.isSafeInteger(classes) || classes < 1) throw expected('a positive integer', 'classes', classes);
  const { embeddings, labels, rows, dim } = labeled;
  const sums = new Float64Array(classes * dim);
  const total = new Float64Array(dim);
  const counts = new Float64Array(classes);
  for (let i = 0; i < rows; i++) {
    const label = labels[i];
    if (label >= classes) {
      throw new AlfamixError(
        'INVALID_ARGUMENT',
        `expected a label below ${classes}, the number of classes, for labels[${i}], got ${label}`,
        { details: { position: i, label, classes } },
      );
    }
    counts[label]++;
    for (let j = 0; j < dim; j++) {
      const value = embeddings[i * dim + j];
      sums[label * dim + j] += value;
      total[j] += value;
    }
  }
  const anchors = new Float32Array(classes * dim);
  for (let k = 0; k < classes; k++) {
    for (let j = 0; j < dim; j++) {
      anchors[k * dim + j] = counts[k] > 0 ? sums[k * dim + j] / counts[k] : total[j] / rows;
    }
  }
  return anchors;
}
