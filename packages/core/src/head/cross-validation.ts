import type { TimeSlice } from '../time-slice.js';
import { addScaled, dot } from './dense.js';
import type { CrossValidationReport, GridPoint } from './fit-report.js';
import { makeFolds } from './folds.js';
import { SoftmaxObjective } from './softmax-objective.js';
import { solve } from './solve.js';

/** The ridges tried, from strong to weak: each fit starts where the stronger one ended. */
export const L2_GRID: readonly number[] = [10, 1, 0.1, 0.01, 1e-3, 1e-4];

export interface TrainingRows {
  /** M×n. */
  x: Float64Array;
  /** M class indices, every one of 0 … classes − 1 present. */
  labels: Int32Array;
  size: number;
  classes: number;
}

export interface CrossValidation {
  l2: number;
  report: CrossValidationReport;
  /** The folds' mean solution at the chosen l2: where the fit on all rows starts. */
  start: Float64Array;
}

/** Sums over the held-out rows at one ridge. */
interface Tally {
  l2: number;
  right: number;
  loss: number;
  solution: Float64Array;
}

/**
 * Chooses the ridge by held-out accuracy; ties go to the lower log loss, then to the larger ridge.
 *
 * @param onSolve called after each of the folds × ridges fits
 * @returns undefined when every class has one row only, so that none can be held out
 */
export async function crossValidate(
  rows: TrainingRows,
  seed: number,
  slice: TimeSlice,
  onSolve: (done: number, total: number) => void,
): Promise<CrossValidation | undefined> {
  const { kind, heldOut } = makeFolds(rows.labels, seed);
  if (heldOut.length === 0) return undefined;
  const unknowns = rows.classes * (rows.size + 1);
  const tallies = L2_GRID.map((l2) => ({ l2, right: 0, loss: 0, solution: new Float64Array(unknowns) }));
  let done = 0;
  for (const fold of heldOut) {
    const training = await without(rows, fold, slice);
    const objective = await SoftmaxObjective.over(training, slice);
    const v = new Float64Array(unknowns);
    for (const tally of tallies) {
      const weights = rows.classes * rows.size;
      await solve(objective, v, { l2: tally.l2, weights, slice, precision: 'rough' });
      await judge(rows, fold, v, tally, slice);
      addScaled(tally.solution, 0, 1 / heldOut.length, v, 0, unknowns);
      onSolve(++done, heldOut.length * tallies.length);
    }
  }
  const best = tallies.reduce((a, b) =>
    b.right > a.right || (b.right === a.right && b.loss < a.loss) ? b : a,
  );
  const held = heldOut.flat();
  const majority = largestShare(held.map((row) => rows.labels[row]));
  const grid: GridPoint[] = tallies
    .map(({ l2, right, loss }) => ({ l2, accuracy: right / held.length, logLoss: loss / held.length }))
    .reverse();
  const accuracy = best.right / held.length;
  const report: CrossValidationReport = {
    folds: heldOut.length,
    kind,
    accuracy,
    grid,
    majority,
    heldOut: held.length,
  };
  if (barelyBeatsMajority(accuracy, majority, held.length)) {
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    report.warning = `the head's accuracy in cross-validation, ${percent(accuracy)} of ${held.length} rows, barely beats the most frequent class, ${percent(majority)}: its predictions say little`;
  }
  return { l2: best.l2, report, start: best.solution };
}

/** True unless the accuracy is more than two standard errors, √(p(1 − p)/n) at the majority's share p, above p. */
export function barelyBeatsMajority(accuracy: number, majority: number, rows: number): boolean {
  return accuracy <= majority + 2 * Math.sqrt((majority * (1 - majority)) / rows);
}

async function without(
  { x, labels, size, classes }: TrainingRows,
  fold: readonly number[],
  slice: TimeSlice,
): Promise<TrainingRows> {
  const out = new Uint8Array(labels.length);
  for (const row of fold) out[row] = 1;
  const data = new Float64Array((labels.length - fold.length) * size);
  const kept = new Int32Array(labels.length - fold.length);
  for (let row = 0, i = 0; row < labels.length; row++) {
    if (out[row] === 1) continue;
    data.set(x.subarray(row * size, (row + 1) * size), i * size);
    kept[i++] = labels[row];
    if ((i & 63) === 63 && slice.due) await slice.next();
  }
  return { x: data, labels: kept, size, classes };
}

/** Adds the fold's held-out rows to the tally. */
async function judge(
  { x, labels, size, classes }: TrainingRows,
  fold: readonly number[],
  v: Float64Array,
  tally: Tally,
  slice: TimeSlice,
): Promise<void> {
  const logits = new Float64Array(classes);
  for (const row of fold) {
    let top = 0;
    for (let c = 0; c < classes; c++) {
      logits[c] = dot(x, row * size, v, c * size, size) + v[classes * size + c];
      if (logits[c] > logits[top]) top = c;
    }
    let total = 0;
    for (let c = 0; c < classes; c++) total += Math.exp(logits[c] - logits[top]);
    if (top === labels[row]) tally.right++;
    tally.loss += Math.log(total) + logits[top] - logits[labels[row]];
    if (slice.due) await slice.next();
  }
}

function largestShare(labels: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values()) / labels.length;
}
