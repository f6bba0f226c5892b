import { Rng } from '../random/xoshiro.js';

/** Up to this many labels each row is a fold of its own. */
const LEAVE_ONE_OUT_ROWS = 50;
const FOLDS = 5;

export interface Folds {
  kind: 'stratified' | 'leave-one-out';
  /** The rows each fold holds out. */
  heldOut: number[][];
}

/**
 * Splits labelled rows for cross-validation: leave-one-out up to 50 rows, else five stratified folds. The only row of
 * a class is never held out (without it the class would have no minimum to fit), and the few rows of a rare class go
 * to different folds, so that every class keeps members in every training set.
 *
 * @param labels M class indices
 * @param seed shuffles the rows of each class
 */
export function makeFolds(labels: Int32Array, seed: number): Folds {
  const byClass = new Map<number, number[]>();
  labels.forEach((label, row) => {
    const rows = byClass.get(label);
    if (rows) rows.push(row);
    else byClass.set(label, [row]);
  });
  const classes = [...byClass.keys()].sort((a, b) => a - b).map((label) => byClass.get(label)!);
  const shared = classes.filter((rows) => rows.length > 1);
  if (labels.length <= LEAVE_ONE_OUT_ROWS) {
    return {
      kind: 'leave-one-out',
      heldOut: shared
        .flat()
        .sort((a, b) => a - b)
        .map((row) => [row]),
    };
  }
  const rng = new Rng(seed);
  const heldOut: number[][] = Array.from({ length: FOLDS }, () => []);
  // Dealt like cards, going on from class to class, so that the folds differ by one row at most.
  let next = 0;
  for (const rows of shared) {
    for (const i of rng.sample(rows.length, rows.length)) heldOut[next++ % FOLDS].push(rows[i]);
  }
  return { kind: 'stratified', heldOut: heldOut.filter((rows) => rows.length > 0) };
}
