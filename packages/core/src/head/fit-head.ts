import { AlfamixError } from '../errors.js';
import type { LabeledSet } from '../labels/labeled-set.js';
import { TimeSlice } from '../time-slice.js';
import { crossValidate, type TrainingRows } from './cross-validation.js';
import { multiplyTransposed } from './dense.js';
import type { FitReport } from './fit-report.js';
import { leaveRowSpace, rowSpace } from './row-space.js';
import { SoftmaxObjective } from './softmax-objective.js';
import { solve } from './solve.js';

/** Used when no row can be held out to choose a better one. */
const FALLBACK_L2 = 1;

export interface FitOptions {
  /** C. */
  classes: number;
  /** Chosen by cross-validation when absent. */
  l2: number | undefined;
  seed: number;
  signal: AbortSignal | undefined;
  /** Fits done and fits to do. */
  onProgress: ((done: number, total: number) => void) | undefined;
  nameOf: (label: number) => string;
}

export interface FittedHead {
  /** C×D, double. */
  weight: Float64Array;
  /** C, centred to mean 0 (a softmax doesn't feel a common shift). */
  bias: Float64Array;
  report: FitReport;
}

/**
 * Multinomial logistic regression: the minimum of Σ CE + (l2/2)‖W‖², bias free, in double by L-BFGS.
 *
 * A class without labels has no minimum (its bias would go to −∞, its weight to 0): it gets weight 0 and the bias
 * at which its probability is at most 1/(M + 1) on every labelled row.
 */
export async function fitHead(labeled: LabeledSet, options: FitOptions): Promise<FittedHead> {
  const { classes, onProgress } = options;
  const { embeddings, rows, dim } = labeled;
  const slice = new TimeSlice(options.signal);
  await slice.next();
  const present = [...new Set(labeled.labels)].sort((a, b) => a - b);
  if (present.length < 2) {
    const only = options.nameOf(present[0]);
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected labels of at least two classes to fit a head, got ${rows} of class ${only} only`,
      { details: { name: 'labels', classes: present } },
    );
  }
  const space = await rowSpace(embeddings, rows, dim, slice);
  const indexOf = new Map(present.map((label, i) => [label, i]));
  const training: TrainingRows = {
    x: space.coordinates,
    labels: labeled.labels.map((label) => indexOf.get(label)!),
    size: space.size,
    classes: present.length,
  };
  const { v, report } = await fitRows(training, options, slice);
  const fitted = await leaveRowSpace(space, v, present.length, slice);
  const unseen = (await lowestLogSumExp(training, v, slice)) - Math.log(rows);
  const weight = new Float64Array(classes * dim);
  const bias = new Float64Array(classes).fill(unseen);
  for (const [i, label] of present.entries()) {
    weight.set(fitted.weight.subarray(i * dim, (i + 1) * dim), label * dim);
    bias[label] = fitted.bias[i];
  }
  const mean = bias.reduce((sum, value) => sum + value, 0) / classes;
  for (let c = 0; c < classes; c++) bias[c] -= mean;
  onProgress?.(1, 1);
  return { weight, bias, report };
}

async function fitRows(
  training: TrainingRows,
  { l2: given, seed, onProgress }: FitOptions,
  slice: TimeSlice,
): Promise<{ v: Float64Array; report: FitReport }> {
  const unknowns = training.classes * (training.size + 1);
  const validation =
    given === undefined
      ? await crossValidate(training, seed, slice, (done, total) => onProgress?.(done, total + 1))
      : undefined;
  const l2 = given ?? validation?.l2 ?? FALLBACK_L2;
  const v = validation?.start ?? new Float64Array(unknowns);
  const objective = await SoftmaxObjective.over(training, slice);
  const weights = training.classes * training.size;
  const result = await solve(objective, v, { l2, weights, slice, precision: 'full' });
  const report: FitReport = { l2, objective: result.value, iterations: result.iterations };
  if (validation) report.crossValidation = validation.report;
  if (given === undefined && !validation) {
    report.warning = `every class has one label, so that none can be held out: l2 = ${FALLBACK_L2} was taken without cross-validation`;
  }
  return { v, report };
}

/** The least log Σ_c exp(logit_c) of the training rows. */
async function lowestLogSumExp(
  { x, labels, size, classes }: TrainingRows,
  v: Float64Array,
  slice: TimeSlice,
): Promise<number> {
  const logits = new Float64Array(classes);
  let lowest = Number.POSITIVE_INFINITY;
  for (let row = 0; row < labels.length; row++) {
    multiplyTransposed(x.subarray(row * size, (row + 1) * size), v, size, classes, logits, 0, 1);
    for (let c = 0; c < classes; c++) logits[c] += v[classes * size + c];
    const top = logits.reduce((a, b) => Math.max(a, b));
    lowest = Math.min(lowest, top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)));
    if ((row & 15) === 15 && slice.due) await slice.next();
  }
  return lowest;
}
