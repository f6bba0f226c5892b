import type { LinearHead } from '../head/linear-head.js';
import { FlipTables, gradientRow, type Prediction, predictRow } from '../kernels/js/flip-row.js';
import { dot, squaredDistance } from '../kernels/js/reduce.js';
import { Slices } from '../kernels/js/slices.js';
import type { FlipSearchResult, JobOptions } from '../kernels/kernels.js';
import type { LabeledSet } from '../labels/labeled-set.js';

/** The smallest mix that changes a prediction. */
export interface Flip {
  /** The flip cap. */
  cap: number;
  /** The class whose anchor the row is mixed with. */
  anchor: number;
  /** Labelled rows that anchor is the mean of; 0: the class has none, and it is the mean of all. */
  anchorRows: number;
  /** The class it flips to, maybe another than the anchor's. */
  to: number;
  /** ‖A − z‖, Euclidean, from the row z to the anchor A. */
  distance: number;
  /** ‖z̃ − z‖, how far the mix z̃ at the flip cap is from the row. */
  step: number;
  /** Probability of `to` for the row as it is. */
  before: number;
  /** For the mix at the flip cap: there that of the pseudo-label is as large. */
  after: number;
  /** z̃, D values. */
  mixed: Float32Array;
}

/**
 * The mix at the flip cap of each row, at the anchor that gives it (CVPR 2022, eq. 5 and 6): z̃ = z + t (g ⊙ m)/‖g‖ with
 * t = cap/√D · ‖A − z‖, in double.
 *
 * @param data B×D
 * @returns one a row, undefined where nothing flips
 */
export async function flipsOf(
  data: Float32Array,
  { flipCap, flipAnchor, flipTo }: FlipSearchResult,
  { head, labeled, anchors }: { head: LinearHead; labeled: LabeledSet; anchors: Float32Array },
  job: JobOptions,
): Promise<(Flip | undefined)[]> {
  const { weight, bias, classes, dim } = head;
  const tables = new FlipTables(weight, bias, anchors, classes, dim);
  const counts = new Array<number>(classes).fill(0);
  for (const label of labeled.labels) counts[label]++;
  const flips: (Flip | undefined)[] = [];
  const slices = new Slices(flipCap.length, job);
  for (let i = 0; i < flipCap.length; i++) {
    const anchor = flipAnchor[i];
    if (anchor < 0) flips.push(undefined);
    else {
      const to = flipTo[i];
      flips.push({
        anchor,
        anchorRows: counts[anchor],
        to,
        ...mixAt(tables, data, i, anchor, to, flipCap[i]),
      });
    }
    if (slices.step(1)) await slices.turn();
  }
  slices.finish();
  return flips;
}

function mixAt(t: FlipTables, data: Float32Array, i: number, anchor: number, to: number, cap: number) {
  const { dim, classes, anchors, weight, bias, logits, g } = t;
  const [z, a] = [i * dim, anchor * dim];
  const found: Prediction = { pseudoLabel: 0, confidence: 0, margin: 0, entropy: 0, doubt: 0 };
  predictRow(t, data, z, found);
  const before = softmaxAt(logits, to);
  const norm = Math.sqrt(gradientRow(t, found.pseudoLabel));
  const distance = Math.sqrt(squaredDistance(anchors, a, data, z, dim));
  const length = ((cap / Math.sqrt(dim)) * distance) / norm;
  const mix = new Float64Array(dim);
  for (let j = 0; j < dim; j++) {
    // Where row and anchor share a value α is 0.
    const step = anchors[a + j] === data[z + j] ? 0 : length * g[j];
    mix[j] = data[z + j] + step;
  }
  const mixedLogits = Float64Array.from(
    { length: classes },
    (_, c) => dot(weight, c * dim, mix, 0, dim) + bias[c],
  );
  return {
    cap,
    distance,
    step: Math.sqrt(squaredDistance(mix, 0, data, z, dim)),
    before,
    after: softmaxAt(mixedLogits, to),
    mixed: Float32Array.from(mix),
  };
}

function softmaxAt(logits: Float64Array, index: number): number {
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - logits[index]);
  return 1 / sum;
}
