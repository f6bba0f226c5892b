import { fromTf, loadTf, Pool, type TfBackend } from '@alfamix/core';
import type * as core from '@tensorflow/tfjs-core';
import type * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { fails } from './support/files.js';
import { noise } from './support/flip-job.js';
import { hasTfjsNode } from './support/tfjs-node.js';

type Tf = typeof core & typeof layers;
const backends: TfBackend[] = ['wasm', 'cpu', ...(hasTfjsNode ? (['node'] as const) : [])];
const ROWS = 40;
const DIM = 12;
const inputs = Pool.fromArray(noise(ROWS * DIM), {
  rows: ROWS,
  dim: DIM,
  ids: Array.from({ length: ROWS }, (_, row) => `row-${row}`),
});
const signal = AbortSignal.abort(new Error('enough'));

/** N×C, head · embedding + bias. */
function logitsOf(embeddings: Float32Array, head: { weight: Float32Array; bias: Float32Array; dim: number }) {
  const classes = head.bias.length;
  return Array.from({ length: (embeddings.length / head.dim) * classes }, (_, i) => {
    const [row, c] = [Math.floor(i / classes), i % classes];
    let sum = head.bias[c];
    for (let d = 0; d < head.dim; d++) sum += head.weight[c * head.dim + d] * embeddings[row * head.dim + d];
    return sum;
  });
}

function softmax(logits: readonly number[], classes: number): number[] {
  return logits.map((logit, i) => {
    const row = logits.slice(Math.floor(i / classes) * classes).slice(0, classes);
    return Math.exp(logit) / row.reduce((sum, other) => sum + Math.exp(other), 0);
  });
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, digits = 5): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) expect(actual[i]).toBeCloseTo(expected[i], digits);
}

describe.each(backends)('fromTf on %s', (backend) => {
  let tf: Tf;
  beforeAll(async () => {
    ({ tf } = await loadTf<Tf>({ backend }));
  });

  const predict = (model: layers.LayersModel) =>
    (model.predict(tf.tensor2d(noise(ROWS * DIM), [ROWS, DIM])) as core.Tensor).dataSync();

  /** dim → 8 relu → `last`. */
  function network(...last: layers.layers.Layer[]): layers.Sequential {
    const hidden = tf.layers.dense({ units: 8, activation: 'relu', inputShape: [DIM] });
    return tf.sequential({ layers: [hidden, ...last] });
  }

  it('gives embeddings and a head that make the probabilities of the network', async () => {
    const endings = [
      () => network(tf.layers.dense({ units: 5, activation: 'softmax' })),
      () => network(tf.layers.dense({ units: 5 }), tf.layers.softmax()),
      () =>
        network(
          tf.layers.dense({ units: 5, useBias: false }),
          tf.layers.activation({ activation: 'softmax' }),
        ),
      () =>
        network(
          tf.layers.dropout({ rate: 0.5 }),
          tf.layers.dense({ units: 5, activation: 'softmax' }),
          tf.layers.dropout({ rate: 0.1 }),
        ),
    ];
    for (const make of endings) {
      const whole = make();
      const model = fromTf(tf, whole);
      const pool = await model.embed(inputs);
      expect([pool.rows, pool.dim, model.head.classes, model.head.dim]).toEqual([ROWS, 8, 5, 8]);
      expect(pool.ids).toEqual(inputs.ids);
      expectClose(softmax(logitsOf(await pool.toArray(), model.head), 5), predict(whole));
    }
  });

  it('leaves logits as they are where no activation follows', async () => {
    const whole = network(tf.layers.dense({ units: 3, biasInitializer: 'ones' }));
    const model = fromTf(tf, whole, { name: 'mine', classNames: ['a', 'b', 'c'] });
    expect(model.name).toBe('mine');
    expect(model.head.classNames).toEqual(['a', 'b', 'c']);
    expectClose(logitsOf(await (await model.embed(inputs)).toArray(), model.head), predict(whole));
  });

  it('takes one sigmoid unit as two classes', async () => {
    const whole = network(tf.layers.dense({ units: 1, activation: 'sigmoid' }));
    const model = fromTf(tf, whole);
    expect(model.head.classes).toBe(2);
    const logits = logitsOf(await (await model.embed(inputs)).toArray(), model.head);
    const second = softmax(logits, 2).filter((_, i) => i % 2 === 1);
    expectClose(second, predict(whole));
  });

  it('takes a functional network with branches, and one that is a single layer', async () => {
    const x = tf.input({ shape: [DIM] });
    const [a, b] = [6, 4].map((units) => tf.layers.dense({ units, activation: 'tanh' }).apply(x));
    const joined = tf.layers.concatenate().apply([a, b] as layers.SymbolicTensor[]);
    const out = tf.layers.dense({ units: 3, activation: 'softmax' }).apply(joined) as layers.SymbolicTensor;
    const branched = tf.model({ inputs: x, outputs: out });
    const model = fromTf(tf, branched);
    expect(model.head.dim).toBe(10);
    const probabilities = softmax(logitsOf(await (await model.embed(inputs)).toArray(), model.head), 3);
    expectClose(probabilities, predict(branched));

    const single = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [DIM] })] });
    const embeddings = await fromTf(tf, single).embed(inputs);
    expect(await embeddings.toArray()).toEqual(await inputs.toArray());
  });

  it('reshapes flat rows to the network’s input', async () => {
    const whole = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [4, 3, 1] }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3 }),
      ],
    });
    const model = fromTf(tf, whole);
    const expected = whole.predict(tf.tensor4d(noise(ROWS * DIM), [ROWS, 4, 3, 1])) as core.Tensor;
    expectClose(logitsOf(await (await model.embed(inputs)).toArray(), model.head), expected.dataSync());
  });

  it('differentiates each logit by the input', async () => {
    // Smooth: a difference across ReLU's kink, which weights drawn anew now and then put there, is no derivative.
    const smooth = tf.sequential({
      layers: [
        tf.layers.dense({ units: 8, activation: 'tanh', inputShape: [DIM] }),
        tf.layers.dense({ units: 3 }),
      ],
    });
    const model = fromTf(tf, smooth);
    const x = noise(2 * DIM);
    const { logits, gradients } = await model.inputGradients!(x, 2);
    for (const i of [0, 5, 11]) {
      const moved = x.slice();
      moved[i] += 1e-2;
      const up = (await model.inputGradients!(moved, 2)).logits;
      for (let c = 0; c < 3; c++) expect((up[c] - logits[c]) / 1e-2).toBeCloseTo(gradients[c * DIM + i], 2);
    }
  });

  it('puts dropout to work, by the seed, and batch normalisation not', async () => {
    expect(fromTf(tf, network(tf.layers.dense({ units: 3 }))).dropoutLogits).toBeUndefined();
    const whole = network(
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 3 }),
    );
    const model = fromTf(tf, whole);
    const plain = logitsOf(await (await model.embed(inputs)).toArray(), model.head);
    const [a, again, other] = await Promise.all(
      [1, 1, 2].map((seed) => model.dropoutLogits!(inputs, { seed })),
    );
    expect(again).toEqual(a);
    expect(other).not.toEqual(a);
    // Unbiased: the mean of many passes is the pass without.
    const passes = await Promise.all(
      Array.from({ length: 200 }, (_, seed) => model.dropoutLogits!(inputs, { seed })),
    );
    const scale = Math.max(...plain.map(Math.abs));
    for (let i = 0; i < 3; i++) {
      const mean = passes.reduce((sum, logits) => sum + logits[i], 0) / passes.length;
      expect(Math.abs(mean - plain[i])).toBeLessThan(0.3 * scale);
    }
    expectClose(logitsOf(await (await model.embed(inputs)).toArray(), model.head), plain, 6);
    expectClose(predict(whole), plain);
  });

  it('refuses what it can’t cut, and says what was expected', async () => {
    const dense = (args: object) => tf.layers.dense({ units: 3, ...args });
    const two = tf.model({
      inputs: tf.input({ shape: [DIM] }),
      outputs: [],
    });
    const cases: [() => layers.LayersModel, RegExp][] = [
      [() => network(dense({ activation: 'relu' })), /expected softmax or no activation.* got relu/],
      [
        () => network(dense({ activation: 'sigmoid' })),
        /expected softmax or no activation.* 3 units.* got sigmoid/,
      ],
      [
        () => network(dense({ units: 1, activation: 'softmax' })),
        /expected sigmoid or no activation.* got softmax/,
      ],
      [() => network(dense({ activation: 'softmax' }), tf.layers.softmax()), /got softmax, then softmax/],
      [
        () => network(dense({}), tf.layers.leakyReLU()),
        /expected a Dense last layer for model, got LeakyReLU/,
      ],
      [() => network(dense({}), tf.layers.batchNormalization()), /got BatchNormalization/],
      [() => two, /expected one output for model, got 0 outputs/],
    ];
    for (const [make, message] of cases) await fails(() => fromTf(tf, make()), 'INVALID_ARGUMENT', message);
    await fails(
      () => fromTf({} as Tf, network(dense({}))),
      'INVALID_ARGUMENT',
      /namespace with layers for tf/,
    );
    await fails(
      () => fromTf(tf, {} as layers.LayersModel),
      'INVALID_ARGUMENT',
      /expected a LayersModel for model/,
    );
  });

  it('checks its inputs, stops on an abort, and is closed once', async () => {
    const model = fromTf(tf, network(tf.layers.dense({ units: 3 })));
    const narrow = Pool.fromArray(noise(20), { rows: 2, dim: 10 });
    await fails(() => model.embed(narrow), 'SHAPE_MISMATCH', /expected rows of 12 numbers.* got 10/);
    const odd = noise(ROWS * DIM);
    odd[17 * DIM + 2] = Number.NaN;
    const hole = Pool.fromArray(odd, { rows: ROWS, dim: DIM });
    await fails(() => model.embed(hole), 'NON_FINITE', /row 17 of the inputs .*column 2/);
    await fails(() => model.embed(inputs, { signal }), 'ABORTED', /aborted/);
    const before = tf.memory().numTensors;
    await model.embed(inputs);
    await model.inputGradients!(noise(DIM), 1);
    expect(tf.memory().numTensors).toBe(before);
    model.close();
    model.close();
    await fails(() => model.embed(inputs), 'INVALID_ARGUMENT', /expected an open model/);
  });
});
