import { Rng } from '@alfamix/core';
import type { DigitLike } from './digit-like.js';

const LEARNING_RATE = 1e-3;

/** I×H, H, H×C and C, in double. */
export type OracleWeights = [Float64Array, Float64Array, Float64Array, Float64Array];

export interface OracleRun {
  weights: OracleWeights;
  /** Of each epoch, counted before each step. */
  accuracies: number[];
}

/** One hidden layer, softmax cross-entropy and torch.optim.Adam, in plain loops: what `mlp` must do for some epochs. */
export function trainOracle(
  rows: DigitLike,
  hidden: number,
  seed: number,
  epochs: number,
  batch = 64,
): OracleRun {
  const { data, labels, dim, classes } = rows;
  const rng = new Rng(seed);
  const draw = (size: number, fanIn: number) =>
    Float64Array.from({ length: size }, () => Math.fround((2 * rng.uniform() - 1) / Math.sqrt(fanIn)));
  const weights: OracleWeights = [
    draw(dim * hidden, dim),
    draw(hidden, dim),
    draw(hidden * classes, hidden),
    draw(classes, hidden),
  ];
  const first = weights.map(({ length }) => new Float64Array(length));
  const second = weights.map(({ length }) => new Float64Array(length));
  const accuracies: number[] = [];
  let steps = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = rng.sample(rows.rows, rows.rows);
    let correct = 0;
    let seen = 0;
    for (let start = 0; start < order.length; start += batch) {
      const picked = order.slice(start, start + batch);
      if (picked.length === 1) continue;
      const gradients = weights.map(({ length }) => new Float64Array(length));
      for (const row of picked) {
        const x = data.subarray(row * dim, (row + 1) * dim);
        correct += addGradient(weights, gradients, x, labels[row], picked.length) ? 1 : 0;
      }
      seen += picked.length;
      steps++;
      for (const [i, w] of weights.entries()) adam(w, gradients[i], first[i], second[i], steps);
    }
    accuracies.push(correct / seen);
  }
  return { weights, accuracies };
}

/** Adds one row's share of the mean loss's gradients; whether the row was right. */
function addGradient(
  [w1, b1, w2, b2]: OracleWeights,
  gradients: Float64Array[],
  x: Float32Array,
  label: number,
  rows: number,
): boolean {
  const hidden = b1.map((bias, h) => Math.max(0, bias + dot(x, w1, h, b1.length)));
  const logits = b2.map((bias, c) => bias + dot(hidden, w2, c, b2.length));
  const top = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0);
  const byLogit = logits.map((logit, c) => (Math.exp(logit - top) / sum - (c === label ? 1 : 0)) / rows);
  for (let h = 0; h < hidden.length; h++) {
    let byHidden = 0;
    for (let c = 0; c < byLogit.length; c++) {
      gradients[2][h * byLogit.length + c] += hidden[h] * byLogit[c];
      byHidden += byLogit[c] * w2[h * byLogit.length + c];
    }
    if (hidden[h] <= 0) continue;
    gradients[1][h] += byHidden;
    for (let i = 0; i < x.length; i++) gradients[0][i * hidden.length + h] += x[i] * byHidden;
  }
  for (const [c, value] of byLogit.entries()) gradients[3][c] += value;
  return logits.indexOf(top) === label;
}

function dot(x: ArrayLike<number>, matrix: Float64Array, column: number, columns: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * matrix[i * columns + column];
  return sum;
}

/** torch.optim.Adam with its defaults, term by term. */
function adam(w: Float64Array, g: Float64Array, m: Float64Array, v: Float64Array, step: number): void {
  for (let i = 0; i < w.length; i++) {
    m[i] = 0.9 * m[i] + 0.1 * g[i];
    v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
    const denominator = Math.sqrt(v[i]) / Math.sqrt(1 - 0.999 ** step) + 1e-8;
    w[i] -= (LEARNING_RATE / (1 - 0.9 ** step)) * (m[i] / denominator);
  }
}
