import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { barelyBeatsMajority } from '../src/head/cross-validation.js';
import { makeFolds } from '../src/head/folds.js';
import { LinearHead } from '../src/head/linear-head.js';
import { Rng } from '../src/random/xoshiro.js';
import { goldenFile } from './support/golden-tensors.js';

const golden = goldenFile('head-digits');
const digits = { embeddings: golden.f32('embeddings'), labels: golden.ints('labels') };

/** Labels that the features know nothing of. */
function noise(rows: number, dim: number, classes: number) {
  const rng = new Rng(0);
  return {
    embeddings: Float32Array.from({ length: rows * dim }, () => rng.uniform()),
    labels: Int32Array.from({ length: rows }, () => rng.below(classes)),
  };
}

describe('makeFolds', () => {
  test('holds each row out once, but for the only row of a class, and leaves every class in training', () => {
    const labels = fc.array(fc.nat(12), { minLength: 2, maxLength: 160 });
    fc.assert(
      fc.property(labels, fc.nat(), (list, seed) => {
        const array = Int32Array.from(list);
        const { heldOut, kind } = makeFolds(array, seed);
        const count = (label: number) => list.filter((other) => other === label).length;
        const shared = [...array.keys()].filter((row) => count(array[row]) > 1);
        expect(heldOut.flat().sort((a, b) => a - b)).toEqual(shared);
        expect(kind).toBe(list.length <= 50 ? 'leave-one-out' : 'stratified');
        for (const fold of heldOut) {
          const training = list.filter((_, row) => !fold.includes(row));
          expect(new Set(training)).toEqual(new Set(list));
        }
      }),
      { numRuns: 200 },
    );
  });

  test('five folds of equal size, a fifth of each class in each', () => {
    const labels = Int32Array.from({ length: 100 }, (_, i) => i % 4);
    const { heldOut } = makeFolds(labels, 9);
    for (const fold of heldOut) {
      for (let label = 0; label < 4; label++) {
        expect(fold.filter((row) => labels[row] === label)).toHaveLength(5);
      }
    }
    expect(makeFolds(labels, 9)).toEqual({ kind: 'stratified', heldOut });
    expect(makeFolds(labels, 10).heldOut).not.toEqual(heldOut);
  });
});

describe('the ridge chosen', () => {
  test('digits: stratified, the best of the grid, the same for the same seed', async () => {
    const head = await LinearHead.fit({ ...digits, seed: 4 });
    const report = head.fitted?.crossValidation;
    expect(report).toMatchObject({ folds: 5, kind: 'stratified', heldOut: 150 });
    expect(report?.grid.map(({ l2 }) => l2)).toEqual([1e-4, 1e-3, 0.01, 0.1, 1, 10]);
    const chosen = report?.grid.find(({ l2 }) => l2 === head.fitted?.l2);
    const better = report?.grid.filter(
      ({ accuracy, logLoss }) =>
        chosen && (accuracy > chosen.accuracy || (accuracy === chosen.accuracy && logLoss < chosen.logLoss)),
    );
    expect(better).toEqual([]);
    expect(report?.accuracy).toBe(chosen?.accuracy);
    expect(report?.accuracy).toBeGreaterThan(0.8);
    expect(report?.warning).toBeUndefined();
    const again = await LinearHead.fit({ ...digits, seed: 4 });
    expect(again.fitted).toEqual(head.fitted);
    expect(again.weight).toEqual(head.weight);
  });

  test('the fit at the chosen ridge is the fit with that ridge given', async () => {
    const chosen = await LinearHead.fit(digits);
    const given = await LinearHead.fit({ ...digits, l2: chosen.fitted?.l2 });
    const scale = Math.max(...given.weight.map(Math.abs));
    for (let i = 0; i < 640; i++)
      expect(Math.abs(chosen.weight[i] - given.weight[i])).toBeLessThan(1e-5 * scale);
  });

  test('held-out losses are those of fits without the row', async () => {
    const rows = 40;
    const embeddings = digits.embeddings.slice(0, rows * 64);
    const labels = digits.labels.slice(0, rows);
    const report = (await LinearHead.fit({ embeddings, labels })).fitted?.crossValidation;
    expect(report?.kind).toBe('leave-one-out');
    let right = 0;
    let loss = 0;
    let held = 0;
    for (let row = 0; row < rows; row++) {
      if (labels.filter((label) => label === labels[row]).length === 1) continue;
      held++;
      const kept = [...labels.keys()].filter((other) => other !== row);
      const head = await LinearHead.fit({
        embeddings: kept.map((other) => [...embeddings.subarray(other * 64, other * 64 + 64)]),
        labels: kept.map((other) => labels[other]),
        classes: 10,
        l2: 1,
      });
      const logits = [...head.bias].map((bias, c) =>
        embeddings
          .subarray(row * 64, row * 64 + 64)
          .reduce((sum, value, j) => sum + value * head.weight[c * 64 + j], bias),
      );
      const top = Math.max(...logits);
      if (logits.indexOf(top) === labels[row]) right++;
      loss +=
        top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)) - logits[labels[row]];
    }
    const point = report?.grid.find(({ l2 }) => l2 === 1);
    expect(report?.heldOut).toBe(held);
    // Fits inside cross-validation stop early.
    expect(Math.abs((point?.accuracy ?? 0) - right / held)).toBeLessThanOrEqual(1 / held);
    expect(point?.logLoss).toBeCloseTo(loss / held, 1);
  });

  test('a head that knows nothing is said to', async () => {
    const { fitted } = await LinearHead.fit(noise(80, 6, 4));
    expect(fitted?.crossValidation?.majority).toBe(25 / 80);
    expect(fitted?.crossValidation?.warning).toMatch(
      /^the head's accuracy in cross-validation, [\d.]+ % of 80 rows, barely beats the most frequent class, 31\.3 %/,
    );
  });

  test('barely: within two standard errors of the majority', () => {
    expect(barelyBeatsMajority(0.6, 0.5, 100)).toBe(true);
    expect(barelyBeatsMajority(0.61, 0.5, 100)).toBe(false);
    expect(barelyBeatsMajority(0.4, 0.5, 100)).toBe(true);
    expect(barelyBeatsMajority(1, 1, 100)).toBe(true);
  });
});
