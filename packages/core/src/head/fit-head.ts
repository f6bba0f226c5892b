import { AlfamixError } from '../errors.js';
import { product } from '../kernels/js/dense.js';
import type { TrainingRows } from '../kernels/js/softmax-objective.js';
import type { Kernels } from '../kernels/kernels.js';
import type { LabeledSet } from '../labels/labeled-set.js';
import { TimeSlice } from '../time-slice.js';
import { crossValidationReport, L2_GRID } from './cross-validation.js';
import type { FitReport } from './fit-report.js';
import { type Folds, makeFolds } from './folds.js';
import { leaveRowSpace, rowSpace } from './row-space.js';

/** Used when no row can be held out to choose a better one. */
const FALLBACK_L2 = 1;

export interface FitOptions {
  /** C. */
  classes: number;
  /** Chosen by cross-validation when absent. */
  l2: number | undefined;
  seed: number;
  kernels: Kernels;
  threads: number | undefined;
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
  const { classes } = options;
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
    dim: space.size,
    classes: present.length,
  };
  const { solution, report } = await fitRows(training, options);
  const fitted = await leaveRowSpace(space, solution, present.length, slice);
  const weight = new Float64Array(classes * dim);
  const bias = new Float64Array(classes);
  if (present.length < classes)
    bias.fill((await lowestLogSumExp(training, solution, slice)) - Math.log(rows));
  for (const [i, label] of present.entries()) {
    weight.set(fitted.weight.subarray(i * dim, (i + 1) * dim), label * dim);
    bias[label] = fitted.bias[i];
  }
  const mean = bias.reduce((sum, value) => sum + value, 0) / classes;
  for (let c = 0; c < classes; c++) bias[c] -= mean;
  return { weight, bias, report };
}

async function fitRows(
  { x, labels, dim, classes }: TrainingRows,
  { l2: given, seed, kernels, threads, signal, onProgress }: FitOptions,
): Promise<{ solution: Float64Array; report: FitReport }> {
  const folds = given === undefined ? makeFolds(labels, seed) : undefined;
  const chosen = folds && folds.heldOut.length > 0 ? folds : undefined;
  const ridges = chosen ? L2_GRID : [given ?? FALLBACK_L2];
  const result = await kernels.fitSoftmax({
    data: x,
    rows: labels.length,
    dim,
    labels,
    classes,
    ridges: Float64Array.from(ridges),
    ...(chosen && { folds: foldOfRows(chosen, labels.length), foldCount: chosen.heldOut.length }),
    threads,
    signal,
    onProgress,
  });
  const { solution, ridge, objective, iterations, right, loss } = result;
  const report: FitReport = { l2: ridges[ridge], objective, iterations };
  if (chosen) report.crossValidation = crossValidationReport(chosen, labels, right, loss, ridge);
  if (folds && !chosen) {
    report.warning = `every class has one label, so that none can be held out: l2 = ${FALLBACK_L2} was taken without cross-validation`;
  }
  return { solution, report };
}

/** The fold that holds each row out, −1 for none. */
function foldOfRows({ heldOut }: Folds, rows: number): Int32Array {
  const foldOf = new Int32Array(rows).fill(-1);
  heldOut.forEach((fold, f) => {
    for (const row of fold) foldOf[row] = f;
  });
  return foldOf;
}

/** The least log Σ_c exp(logit_c) of the training rows. */
async function lowestLogSumExp(
  { x, labels, dim, classes }: TrainingRows,
  v: Float64Array,
  slice: TimeSlice,
): Promise<number> {
  const logits = new Float64Array(labels.length * classes);
  const args = { a: x, rowStride: dim, step: 1, b: v, depth: dim, columns: classes, out: logits };
  let lowest = Number.POSITIVE_INFINITY;
  for (let row = 0; row < labels.length; row++) {
    product(args, row, row + 1);
    const own = logits.subarray(row * classes, (row + 1) * classes);
    for (let c = 0; c < classes; c++) own[c] += v[dim * classes + c];
    const top = own.reduce((a, b) => Math.max(a, b));
    lowest = Math.min(lowest, top + Math.log(own.reduce((sum, logit) => sum + Math.exp(logit - top), 0)));
    if ((row & 15) === 15 && slice.due) await slice.next();
  }
  return lowest;
}
