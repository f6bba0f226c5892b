import type { Kernels } from '../kernels/kernels.js';
import type { LabeledSet } from '../labels/labeled-set.js';
import type { LinearHead } from './linear-head.js';

/** Class names that a note shows. */
const SHOWN = 8;

/**
 * A head that was given predicts most labelled rows, as a rule. One that gets fewer right than its most frequent class
 * alone would is another network's, or has its classes in another order than the labels.
 *
 * @returns the sentence to say so; undefined where all seems well
 * @throws ABORTED
 */
export async function agreementNote(
  head: LinearHead,
  labeled: LabeledSet,
  kernels: Kernels,
  job: { threads?: number; signal?: AbortSignal },
): Promise<string | undefined> {
  const { weight, bias, classes, dim } = head;
  const { embeddings: data, labels, rows } = labeled;
  const { pseudoLabel } = await kernels.scoreUncertainty({ data, rows, dim, weight, bias, classes, ...job });
  const counts = new Float64Array(classes);
  let right = 0;
  for (let i = 0; i < rows; i++) {
    counts[labels[i]]++;
    if (pseudoLabel[i] === labels[i]) right++;
  }
  const most = counts.reduce((a, b) => Math.max(a, b));
  if (right >= most) return undefined;
  const names = head.classNames ?? labeled.classNames ?? Array.from(counts.keys(), String);
  const shown = names.length > SHOWN ? [...names.slice(0, SHOWN), '…'] : names;
  return `the head agrees with ${right} of ${rows} labelled rows, the most frequent class alone with ${most}: is it a head for these embeddings, and are its classes in this order: ${shown.join(', ')}?`;
}
