import type { CrossValidationReport, GridPoint } from './fit-report.js';
import type { Folds } from './folds.js';

/** The ridges tried, from strong to weak: each fit starts where the stronger one ended. */
export const L2_GRID: readonly number[] = [10, 1, 0.1, 0.01, 1e-3, 1e-4];

/**
 * What the fits on all but one fold say of each ridge.
 * @param right held-out rows predicted right at each ridge of the grid
 * @param loss their losses, summed
 * @param best index of the ridge chosen
 */
export function crossValidationReport(
  { heldOut, kind }: Folds,
  labels: Int32Array,
  right: Int32Array,
  loss: Float64Array,
  best: number,
): CrossValidationReport {
  const held = heldOut.flat();
  const majority = largestShare(held.map((row) => labels[row]));
  const grid: GridPoint[] = L2_GRID.map((l2, r) => ({
    l2,
    accuracy: right[r] / held.length,
    logLoss: loss[r] / held.length,
  })).reverse();
  const accuracy = right[best] / held.length;
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
    report.warning = `the head's accuracy in cross-validation, ${percent(accuracy)} of ${held.length} rows, ${accuracy > majority ? 'barely beats' : 'does not beat'} the most frequent class, ${percent(majority)}: its predictions say little`;
  }
  return report;
}

/** True unless the accuracy is more than two standard errors, √(p(1 − p)/n) at the majority's share p, above p. */
export function barelyBeatsMajority(accuracy: number, majority: number, rows: number): boolean {
  return accuracy <= majority + 2 * Math.sqrt((majority * (1 - majority)) / rows);
}

function largestShare(labels: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values()) / labels.length;
}
