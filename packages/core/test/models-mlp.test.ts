import { type LoadedTf, loadTf, Rng, type TfBackend } from '@alfamix/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Mlp } from '../src/models/mlp.js';
import type { TfOperations } from '../src/models/tf-types.js';
import { trainNetwork } from '../src/models/training-loop.js';
import { type DigitLike, digitLike } from './support/digit-like.js';
import { trainOracle } from './support/mlp-oracle.js';
import { hasTfjsNode } from './support/tfjs-node.js';

const HIDDEN = 32;
const backends: TfBackend[] = ['wasm', 'cpu', ...(hasTfjsNode ? (['node'] as const) : [])];

/** What came of training on these rows with the defaults of `mlp`, apart from the width. */
function train(
  tf: TfOperations,
  rows: DigitLike,
  { seed = 0, maxEpochs = 1000, targetAccuracy = 0.99 } = {},
) {
  const { data, labels, dim, classes } = rows;
  const mlp = new Mlp(tf, { inputs: dim, hidden: HIDDEN, classes, learningRate: 1e-3 });
  const rng = new Rng(seed);
  mlp.reset(rng);
  const initial = mlp.snapshot();
  const batches: number[] = [];
  const step = mlp.step.bind(mlp);
  mlp.step = (x, y) => {
    batches.push(y.length);
    return step(x, y);
  };
  const options = { batch: 64, targetAccuracy, maxEpochs };
  const result = trainNetwork(mlp, data, labels, rng, options, () => {});
  return { ...result, mlp, initial, batches, weights: mlp.snapshot() };
}

describe.each(backends)('mlp on %s', (backend) => {
  let tf: TfOperations;
  beforeAll(async () => {
    ({ tf } = (await loadTf({ backend })) as LoadedTf<TfOperations>);
  });

  it('ends with the weights of plain loops and PyTorch’s Adam', () => {
    // 129 rows: two batches, and one of a single row, which is skipped.
    const rows = digitLike(129);
    const oracle = trainOracle(rows, HIDDEN, 5, 4);
    const { weights, accuracy, batches } = train(tf, rows, { seed: 5, maxEpochs: 4, targetAccuracy: 1 });
    expect(batches).toEqual(Array(8).fill(64));
    expect(accuracy).toBeCloseTo(oracle.accuracies[3], 12);
    for (const [i, expected] of oracle.weights.entries()) {
      const furthest = weights[i].reduce((most, w, j) => Math.max(most, Math.abs(w - expected[j])), 0);
      // Eight steps move a weight by up to 8e-3; float32 rounding of the gradients is all that may differ.
      expect(furthest).toBeLessThan(2e-5);
    }
  });

  it('stops after the first epoch in which 99 % were right, counted before each step', () => {
    const rows = digitLike(150);
    const { epochs, accuracy } = train(tf, rows, { seed: 3 });
    const { accuracies } = trainOracle(rows, HIDDEN, 3, epochs);
    expect(accuracies.findIndex((share) => share >= 0.99)).toBe(epochs - 1);
    expect(accuracy).toBeCloseTo(accuracies[epochs - 1], 12);
    expect(epochs).toBeGreaterThan(1);
  });

  it('starts from ±1/√fan_in, by the seed alone, and gives the same bytes for the same seed', () => {
    const rows = digitLike(100);
    const [a, b] = [train(tf, rows, { seed: 7 }), train(tf, digitLike(100), { seed: 7 })];
    const other = train(tf, digitLike(40, { seed: 1 }), { seed: 7, maxEpochs: 1 });
    expect(b.weights).toEqual(a.weights);
    expect(other.initial).toEqual(a.initial);
    expect(train(tf, rows, { seed: 8, maxEpochs: 1 }).initial).not.toEqual(a.initial);
    for (const [i, fanIn] of [64, 64, HIDDEN, HIDDEN].entries()) {
      const largest = a.initial[i].reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
      expect(largest).toBeGreaterThan(0.6 / Math.sqrt(fanIn));
    }
  });

  it('trains on one row, and on one class', () => {
    const single = train(tf, digitLike(1));
    expect(single.accuracy).toBe(1);
    expect(single.batches.every((rows) => rows === 1)).toBe(true);
    const rows = digitLike(30);
    expect(train(tf, { ...rows, labels: new Int32Array(30).fill(4) }).accuracy).toBe(1);
  });

  it('does not stop early for a row that is skipped', () => {
    // 64 of 64 counted rows are right long before 1,000 epochs; 64 of 65 would never be 99 %.
    const { epochs, accuracy } = train(tf, digitLike(65));
    expect(accuracy).toBe(1);
    expect(epochs).toBeLessThan(100);
  });

  it('differentiates its logits by the input', () => {
    const rows = digitLike(80);
    const { mlp, weights } = train(tf, rows);
    mlp.use(weights);
    const x = rows.data.slice(0, 2 * 64);
    const { logits, gradients } = mlp.inputGradients(x, 2);
    const h = 1e-2;
    for (const i of [0, 17, 63]) {
      const moved = x.slice();
      moved[i] += h;
      const up = mlp.inputGradients(moved, 2).logits;
      for (let c = 0; c < 10; c++) expect((up[c] - logits[c]) / h).toBeCloseTo(gradients[c * 64 + i], 2);
    }
  });

  it('says that it diverged', () => {
    const rows = digitLike(20);
    rows.data.fill(3e38);
    expect(() => train(tf, rows)).toThrow(/expected finite logits while training, got NaN in epoch \d/);
  });
});
