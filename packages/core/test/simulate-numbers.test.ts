import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  getKernels,
  getStrategy,
  hashData,
  type LinearHead,
  makeDataset,
  Pool,
  simulate,
  type Trainer,
} from '../src/index.js';
import { Rng } from '../src/random/xoshiro.js';
import { testFolder } from './support/files.js';
import { noise } from './support/flip-job.js';
import { oneStepTrainer } from './support/one-step-trainer.js';

const folder = testFolder();
const DIM = 4;

/** Three noisy blobs, of embeddings far from unit length. */
function blobs(rows: number) {
  const features = noise(rows * DIM, 0).map((value) => value * 3);
  for (let i = 0; i < rows; i++) features[i * DIM + (i % 3)] += 2;
  const labels = Array.from({ length: rows }, (_, i) => ['a', 'b', 'c'][i % 3]);
  return makeDataset('blobs', { features, rows, dim: DIM, labels });
}
const pool = blobs(60);
const held = blobs(41);

const rowOf = (features: Float32Array, row: number) => [...features.subarray(row * DIM, (row + 1) * DIM)];

function predict({ weight, bias, classes }: LinearHead, x: number[]): number {
  const logits = Array.from({ length: classes }, (_, c) =>
    x.reduce((sum, value, d) => sum + value * weight[c * DIM + d], bias[c]),
  );
  return logits.indexOf(Math.max(...logits));
}

function unit(x: number[]): number[] {
  const norm = Math.hypot(...x);
  return x.map((value) => value / norm);
}

test('accuracy, misclassified and diversity are what the head and the picks give; one seed for all rounds', async () => {
  const heads: LinearHead[] = [];
  const seeds: (number | undefined)[] = [];
  const inner = oneStepTrainer();
  const spy: Trainer = {
    name: inner.name,
    close: () => inner.close(),
    async train(args) {
      seeds.push(args.seed);
      const model = await inner.train(args);
      heads.push(model.head);
      return model;
    },
  };
  const { lines } = await simulate({
    folder: join(folder.path, 'run'),
    settings: {
      format: 'alfamix-run',
      version: 1,
      alfamix: '0',
      data: {
        spec: 'blobs',
        test: null,
        splitSeed: 0,
        labelName: null,
        scale: 'none',
        rows: pool.rows,
        testRows: held.rows,
        inputDim: DIM,
        classes: pool.classNames.slice(),
        sha256: hashData(pool, held),
      },
      model: 'one-step',
      tf: null,
      l2: null,
      init: 6,
      budget: 5,
      rounds: 2,
      alphaCap: null,
      maxCandidates: null,
      seeds: [7],
    },
    pool,
    test: held,
    strategies: [getStrategy('margin')],
    kernels: await getKernels('js'),
    makeTrainer: () => spy,
  });
  expect(seeds).toEqual([7, 7, 7]);
  const labelled = new Rng(7).sample(pool.rows, 6);
  for (const { round, accuracy, query } of lines) {
    // The head is the one trained on what was labelled by then.
    const labels = Int32Array.from(labelled, (row) => pool.labels[row]);
    const inputs = Pool.fromArray(pool.features, { rows: pool.rows, dim: pool.dim });
    const again = await inner.train({ inputs, rows: labelled, labels, classes: 3, seed: 7 });
    expect(again.head.weight).toEqual(heads[round].weight);
    const head = heads[round];
    let right = 0;
    for (let row = 0; row < held.rows; row++)
      right += Number(predict(head, rowOf(held.features, row)) === held.labels[row]);
    expect(accuracy).toBeCloseTo(right / held.rows, 12);
    if (query === null) continue;
    const wrong = query.picks.filter(
      (row) => predict(head, rowOf(pool.features, row)) !== pool.labels[row],
    ).length;
    expect(query.misclassified).toBeCloseTo(wrong / 5, 12);
    const units = query.picks.map((row) => unit(rowOf(pool.features, row)));
    const distances = units.flatMap((a, i) =>
      units.slice(0, i).map((b) => Math.hypot(...a.map((v, d) => v - b[d]))),
    );
    expect(distances).toHaveLength(10);
    expect(query.diversity).toBeCloseTo(distances.reduce((a, b) => a + b) / 10, 5);
    labelled.push(...query.picks);
  }
  // Of a run in which all could go wrong.
  expect(lines.some(({ accuracy }) => accuracy > 0 && accuracy < 1)).toBe(true);
  expect(
    lines.some(({ query }) => query !== null && query.misclassified > 0 && query.misclassified < 1),
  ).toBe(true);
});
