import { AlfamixError } from '../../errors.js';
import { TimeSlice } from '../../time-slice.js';
import type { FitSoftmaxArgs, FitSoftmaxResult } from '../fitting.js';
import { validateFitSoftmax } from '../validate-fitting.js';
import { product } from './dense.js';
import { nonFiniteRow } from './flip-search.js';
import { dot } from './reduce.js';
import { SoftmaxObjective, softmaxRow, type TrainingRows } from './softmax-objective.js';
import { solve } from './solve.js';

/** The TypeScript twin of native/src/cpu/fit_softmax.cc: the same sums in the same order, so the same bytes. */
export async function fitSoftmax(args: FitSoftmaxArgs): Promise<FitSoftmaxResult> {
  validateFitSoftmax(args);
  const { data, dim, labels, classes, ridges, onProgress } = args;
  const foldCount = args.folds ? (args.foldCount ?? 0) : 0;
  const slice = new TimeSlice(args.signal);
  for (let i = 0; i < args.rows; i++) {
    if (!Number.isFinite(dot(data, i * dim, data, i * dim, dim)))
      throw data.subarray(i * dim, (i + 1) * dim).every(Number.isFinite) ? tooLargeRow(i) : nonFiniteRow(i);
    if (slice.due) await slice.next();
  }
  const all: TrainingRows = { x: data, labels, dim, classes };
  const fits = foldCount * ridges.length + 1;
  const right = new Int32Array(ridges.length);
  const loss = new Float64Array(ridges.length);
  /** Where the first fold's fits ended: where the fit on all rows starts. */
  const starts: Float64Array[] = [];
  let done = 0;
  for (let fold = 0; fold < foldCount; fold++) {
    const { training, heldOut } = await split(all, args.folds!, fold, slice);
    const objective = await SoftmaxObjective.over(training, slice);
    const v = new Float64Array(objective.size);
    for (let r = 0; r < ridges.length; r++) {
      await solve(objective, v, { l2: ridges[r], weights: classes * dim, slice, precision: 'rough' });
      const judged = await judge(heldOut, v, slice);
      right[r] += judged.right;
      loss[r] += judged.loss;
      if (fold === 0) starts.push(v.slice());
      onProgress?.(++done, fits);
    }
  }
  const ridge = bestRidge(right, loss, ridges);
  const solution = starts[ridge] ?? new Float64Array(classes * (dim + 1));
  const objective = await SoftmaxObjective.over(all, slice);
  const options = { l2: ridges[ridge], weights: classes * dim, slice, precision: 'full' } as const;
  const { value, iterations } = await solve(objective, solution, options);
  await slice.next();
  onProgress?.(fits, fits);
  return { solution, ridge, objective: value, iterations, right, loss };
}

/** The same sentence as the addon's. */
function tooLargeRow(row: number): AlfamixError {
  return new AlfamixError(
    'NON_FINITE',
    `expected values whose squares have a finite sum, found too large values in row ${row}: scale them down`,
    { details: { row } },
  );
}

/** The most right, then the lower loss, then the larger ridge. */
function bestRidge(right: Int32Array, loss: Float64Array, ridges: Float64Array): number {
  let best = 0;
  for (let r = 1; r < ridges.length; r++) {
    if (right[r] < right[best] || (right[r] === right[best] && loss[r] > loss[best])) continue;
    if (right[r] === right[best] && loss[r] === loss[best] && ridges[r] <= ridges[best]) continue;
    best = r;
  }
  return best;
}

async function split(
  { x, labels, dim, classes }: TrainingRows,
  folds: Int32Array,
  fold: number,
  slice: TimeSlice,
): Promise<{ training: TrainingRows; heldOut: TrainingRows }> {
  const held = folds.reduce((count, other) => count + Number(other === fold), 0);
  const part = (rows: number): TrainingRows => ({
    x: new Float64Array(rows * dim),
    labels: new Int32Array(rows),
    dim,
    classes,
  });
  const training = part(labels.length - held);
  const heldOut = part(held);
  const next = { training: 0, heldOut: 0 };
  for (let row = 0; row < labels.length; row++) {
    const out = folds[row] === fold;
    const to = out ? heldOut : training;
    const i = out ? next.heldOut++ : next.training++;
    to.x.set(x.subarray(row * dim, (row + 1) * dim), i * dim);
    to.labels[i] = labels[row];
    if ((row & 63) === 63 && slice.due) await slice.next();
  }
  return { training, heldOut };
}

async function judge(
  { x, labels, dim, classes }: TrainingRows,
  v: Float64Array,
  slice: TimeSlice,
): Promise<{ right: number; loss: number }> {
  const logits = new Float64Array(labels.length * classes);
  const args = { a: x, rowStride: dim, step: 1, b: v, depth: dim, columns: classes, out: logits };
  const still = new Float64Array(classes);
  const residual = new Float64Array(classes);
  let right = 0;
  let loss = 0;
  for (let i = 0; i < labels.length; i++) {
    product(args, i, i + 1);
    const row = logits.subarray(i * classes, (i + 1) * classes);
    let top = 0;
    for (let c = 0; c < classes; c++) {
      row[c] += v[dim * classes + c];
      if (row[c] > row[top]) top = c;
    }
    if (top === labels[i]) right++;
    loss += softmaxRow(row, still, 0, 0, classes, labels[i], residual).value;
    if (slice.due) await slice.next();
  }
  return { right, loss };
}
