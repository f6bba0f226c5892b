import type * as Core from '@alfamix/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digitLike } from './support/digit-like.js';
import { hasTfjsNode } from './support/tfjs-node.js';

// The built files: a worker thread of a TypeScript source can't start.
const core: typeof Core = await import(new URL('../dist/index.js', import.meta.url).href);
const { AlfamixError, createTrainer, Pool } = core;

const digits = digitLike(300);
const inputs = Pool.fromArray(digits.data, {
  rows: digits.rows,
  dim: digits.dim,
  ids: Array.from({ length: digits.rows }, (_, row) => `d${row}`),
});
const backends: Core.TfBackend[] = ['wasm', ...(hasTfjsNode ? (['node'] as const) : [])];

function trainerOf(name: Core.TrainerName, options: Core.TrainerOptions = {}): Core.Trainer {
  const trainer = createTrainer(name, { backend: 'wasm', ...options });
  onTestFinished(() => trainer.close());
  return trainer;
}

/** Training on the first rows. */
function args(count: number, more: Partial<Core.TrainArgs> = {}): Core.TrainArgs {
  const rows = Array.from({ length: count }, (_, row) => row);
  return { inputs, rows, labels: digits.labels.slice(0, count), classes: 10, seed: 0, ...more };
}

/** The share of all rows that the head gets right on the embeddings. */
async function accuracy(model: Core.Model, pool: Core.Pool): Promise<number> {
  const { head } = model;
  const data = await (await model.embed(pool)).toArray();
  let right = 0;
  for (let row = 0; row < pool.rows; row++) {
    const logits = Array.from({ length: head.classes }, (_, c) => {
      let sum = head.bias[c];
      for (let d = 0; d < head.dim; d++) sum += head.weight[c * head.dim + d] * data[row * head.dim + d];
      return sum;
    });
    if (logits.indexOf(Math.max(...logits)) === digits.labels[row]) right++;
  }
  return right / pool.rows;
}

async function failure(action: Promise<unknown>): Promise<Core.AlfamixError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AlfamixError);
  return error as Core.AlfamixError;
}

describe.each(backends)('the mlp trainer on %s', (backend) => {
  it('trains in a worker to 99 %, and gives embeddings after ReLU with the inputs’ ids', async () => {
    const trainer = trainerOf('mlp', { backend });
    const model = await trainer.train(args(200));
    expect(model.trainingAccuracy).toBeGreaterThanOrEqual(0.99);
    expect(model.epochs).toBeGreaterThan(1);
    expect([model.head.classes, model.head.dim]).toEqual([10, 256]);
    const embeddings = await model.embed(inputs);
    expect([embeddings.rows, embeddings.dim, embeddings.idOf(7)]).toEqual([300, 256, 'd7']);
    const data = await embeddings.toArray();
    expect(data.every((value) => value >= 0)).toBe(true);
    expect(data.some((value) => value > 0)).toBe(true);
    expect(await accuracy(model, inputs)).toBeGreaterThan(0.85);
  });

  it('gives the same bytes for the same seed, in the same worker, after others, and in another', async () => {
    const trainer = trainerOf('mlp', { backend, hidden: 16 });
    const [first, other] = await Promise.all([trainer.train(args(60)), trainer.train(args(90, { seed: 1 }))]);
    const second = await trainer.train(args(60));
    const elsewhere = await trainerOf('mlp', { backend, hidden: 16 }).train(args(60));
    for (const model of [second, elsewhere]) {
      expect(model.head.weight).toEqual(first.head.weight);
      expect(await (await model.embed(inputs)).toArray()).toEqual(
        await (await first.embed(inputs)).toArray(),
      );
    }
    expect(other.head.weight).not.toEqual(first.head.weight);
  });
});

describe('the mlp trainer', () => {
  it('trains with classes that have no label, one class, and one row', async () => {
    const trainer = trainerOf('mlp', { hidden: 16 });
    const some = await trainer.train(args(4));
    expect(some.head.classes).toBe(10);
    const one = await trainer.train(args(1));
    expect([one.trainingAccuracy, one.head.classes]).toEqual([1, 10]);
    const same = await trainer.train(args(20, { labels: new Int32Array(20).fill(9) }));
    expect(same.trainingAccuracy).toBe(1);
  });

  it('starts from weights of the seed’s own, whatever the rows', async () => {
    const trainer = trainerOf('mlp', { hidden: 16, targetAccuracy: 1, learningRate: 1e-9, maxEpochs: 1 });
    const few = await trainer.train(args(40));
    const many = await trainer.train(args(90));
    const other = await trainer.train(args(40, { seed: 1 }));
    const furthest = (a: Float32Array, b: Float32Array) =>
      Math.max(...a.map((value, i) => Math.abs(value - b[i])));
    expect(few.head.weight.some((value) => Math.abs(value) > 1e-3)).toBe(true);
    expect(furthest(few.head.weight, many.head.weight)).toBeLessThan(1e-6);
    expect(furthest(few.head.weight, other.head.weight)).toBeGreaterThan(1e-3);
  });

  it('stops at the most epochs, and tells its progress in them', async () => {
    const seen: [number, number][] = [];
    const trainer = trainerOf('mlp', { hidden: 128, targetAccuracy: 1, learningRate: 1e-6, maxEpochs: 60 });
    const model = await trainer.train(args(300, { onProgress: (done, total) => seen.push([done, total]) }));
    expect(model.epochs).toBe(60);
    expect(model.trainingAccuracy).toBeLessThan(0.5);
    expect(seen.at(-1)).toEqual([60, 60]);
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a - b));
  });

  it('stops within 50 ms of an abort, and trains again', async () => {
    const trainer = trainerOf('mlp', { targetAccuracy: 1, learningRate: 1e-7, maxEpochs: 100_000 });
    const controller = new AbortController();
    const reason = new Error('enough');
    let aborted = 0;
    const onProgress = () => {
      if (aborted) return;
      aborted = performance.now();
      controller.abort(reason);
    };
    const error = await failure(trainer.train(args(300, { signal: controller.signal, onProgress })));
    expect(performance.now() - aborted).toBeLessThan(50);
    expect([error.code, error.cause]).toEqual(['ABORTED', reason]);
    // The worker itself has stopped too: it answers the next call, whose own training would never end.
    const second = new AbortController();
    const next = failure(trainer.train(args(1, { signal: second.signal, onProgress: () => second.abort() })));
    expect((await next).code).toBe('ABORTED');
    const fired = await failure(trainer.train(args(5, { signal: AbortSignal.abort() })));
    expect(fired.code).toBe('ABORTED');
  });

  it('carries errors of the worker across, with code and details', async () => {
    const wild = Pool.fromArray(new Float32Array(20 * 64).fill(3e38), { rows: 20, dim: 64 });
    const trainer = trainerOf('mlp', { hidden: 8 });
    const rows = Array.from({ length: 20 }, (_, row) => row);
    const error = await failure(trainer.train(args(20, { inputs: wild, rows })));
    expect(error.code).toBe('NON_FINITE');
    expect(error.message).toMatch(
      /expected finite logits while training, got NaN in epoch \d+: scale the inputs/,
    );
    expect(error.details).toMatchObject({ epoch: expect.any(Number) });
    expect((await trainer.train(args(20))).epochs).toBeGreaterThan(0);
    const cnn = await failure(trainerOf('cnn').train(args(20)));
    expect(cnn.code).toBe('TF_UNAVAILABLE');
    expect(cnn.message).toMatch(/got wasm.*setup:tfjs-node/);
    const onProgress = () => {
      throw new RangeError('mine');
    };
    await expect(trainer.train(args(20, { onProgress }))).rejects.toThrow(new RangeError('mine'));
  });

  it('checks what it is given', async () => {
    const trainer = trainerOf('mlp');
    const odd = digits.data.slice();
    odd[5 * 64 + 3] = Number.POSITIVE_INFINITY;
    const hole = Pool.fromArray(odd, { rows: 300, dim: 64 });
    const cases: [Partial<Core.TrainArgs>, RegExp][] = [
      [{ inputs: {} as Core.Pool }, /expected a Pool for inputs/],
      [{ rows: [] }, /expected at least one row for rows/],
      [{ labels: Int32Array.of(1) }, /expected 3 labels, one a row, for labels/],
      [{ labels: Int32Array.of(0, 1, 10) }, /an integer from 0 to 9 for labels\[2\], got 10/],
      [{ rows: [0, 1, 300] }, /rows\[2\]/],
      [{ classes: 1 }, /classes, got 1/],
      [{ seed: -1 }, /seed, got -1/],
      [{ inputs: hole }, /row 5 of the inputs .*column 3/],
    ];
    for (const [more, message] of cases)
      expect((await failure(trainer.train(args(3, more)))).message).toMatch(message);
    for (const options of [
      { hidden: 0 },
      { batch: 1 },
      { targetAccuracy: 2 },
      { maxEpochs: 0 },
      { learningRate: 0 },
    ])
      expect(() => createTrainer('mlp', options)).toThrow(
        /expected .* for (hidden|batch|targetA|maxE|learn)/,
      );
    expect(() => createTrainer('tree' as 'mlp')).toThrow(
      'expected one of linear, mlp, cnn for trainer, got "tree"',
    );
  });

  it('ends with close, as do the models', async () => {
    const trainer = trainerOf('mlp', { hidden: 8 });
    const model = await trainer.train(args(30));
    const narrow = Pool.fromArray(new Float32Array(4), { rows: 2, dim: 2 });
    expect((await failure(model.embed(narrow))).message).toMatch(/expected rows of 64 numbers .* got 2/);
    model.close();
    model.close();
    expect((await failure(model.embed(inputs))).message).toMatch(/expected an open model/);
    const running = failure(trainer.train(args(300, { seed: 4 })));
    await trainer.close();
    expect((await running).message).toMatch(/expected an open trainer/);
    expect((await failure(trainer.train(args(3)))).message).toMatch(/expected an open trainer/);
    await trainer.close();
  });
});

describe('the cnn trainer', () => {
  it('trains on the cpu backend', async () => {
    const trainer = trainerOf('cnn', {
      backend: 'cpu',
      hidden: 8,
      learningRate: 1e-2,
      batch: 10,
      maxEpochs: 40,
      dropout: 0.2,
    });
    const small = digitLike(9, { dim: 16, classes: 3 });
    const images = Pool.fromArray(small.data, { rows: 9, dim: 16 });
    const model = await trainer.train(args(9, { inputs: images, labels: small.labels, classes: 3 }));
    expect(model.trainingAccuracy).toBeGreaterThanOrEqual(0.99);
    const few = Pool.fromArray(small.data.slice(0, 3 * 16), { rows: 3, dim: 16 });
    expect((await model.embed(few)).dim).toBe(8);
    const logits = await model.dropoutLogits!(few, { seed: 3 });
    expect(logits).toEqual(await model.dropoutLogits!(few, { seed: 3 }));
    expect(logits.length).toBe(9);
  });
});

describe('the linear trainer', () => {
  it('fits a head on the inputs themselves, also with unlabelled classes', async () => {
    const trainer = trainerOf('linear');
    const model = await trainer.train(args(100));
    expect(await model.embed(inputs)).toBe(inputs);
    expect([model.head.classes, model.head.dim, model.epochs]).toEqual([10, 64, undefined]);
    expect(model.trainingAccuracy).toBeGreaterThan(0.95);
    expect(await accuracy(model, inputs)).toBeGreaterThan(0.8);
    expect((await trainer.train(args(3))).head.classes).toBe(10);
  });

  it('predicts the only class that has labels', async () => {
    const model = await trainerOf('linear').train(args(6, { labels: new Int32Array(6).fill(3) }));
    expect(model.trainingAccuracy).toBe(1);
    const { logits, gradients } = await model.inputGradients!(digits.data.slice(0, 64), 1);
    expect(logits.indexOf(Math.max(...logits))).toBe(3);
    expect(gradients).toEqual(new Float32Array(640));
  });

  it('chooses the ridge by cross-validation where asked', async () => {
    const model = await trainerOf('linear', { l2: 'cross-validation' }).train(args(60));
    expect(model.head.fitted?.crossValidation).toBeDefined();
    expect((await trainerOf('linear').train(args(60))).head.fitted?.l2).toBe(1);
    expect(() => createTrainer('linear', { l2: 0 })).toThrow(/for l2, got 0/);
  });
});
