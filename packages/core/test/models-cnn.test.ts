import { LinearHead, type LoadedTf, loadTf, Rng, type TfBackend } from '@alfamix/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Cnn } from '../src/models/cnn.js';
import { createNetwork } from '../src/models/create-network.js';
import { headLogits } from '../src/models/head-logits.js';
import type { TfOperations } from '../src/models/tf-types.js';
import { trainNetwork } from '../src/models/training-loop.js';
import type { NetworkOptions } from '../src/models/worker-messages.js';
import { digitLike } from './support/digit-like.js';
import { fails } from './support/files.js';
import { hasTfjsNode } from './support/tfjs-node.js';

const backends: TfBackend[] = ['cpu', ...(hasTfjsNode ? (['node'] as const) : [])];
const rows = digitLike(12, { dim: 16, classes: 3 });
const loop = { batch: 6, targetAccuracy: 0.99, maxEpochs: 60 };
const options: NetworkOptions = { kind: 'cnn', hidden: 8, learningRate: 1e-2, dropout: 0, ...loop };

describe.each(backends)('cnn on %s', (backend) => {
  let tf: TfOperations;
  beforeAll(async () => {
    ({ tf } = (await loadTf({ backend })) as LoadedTf<TfOperations>);
  });

  const make = (dropout = 0) =>
    new Cnn(tf, { image: [4, 4, 1], hidden: 8, classes: 3, learningRate: 1e-2, dropout });

  function train() {
    const cnn = make();
    const rng = new Rng(1);
    cnn.reset(rng);
    const result = trainNetwork(cnn, rows.data, rows.labels, rng, loop, () => {});
    const weights = cnn.snapshot();
    cnn.use(weights);
    return { cnn, weights, ...result };
  }

  it('learns, and gives the same weights for the same seed', () => {
    const first = train();
    expect(first.accuracy).toBeGreaterThanOrEqual(0.99);
    expect(train().weights).toEqual(first.weights);
    const { cnn, weights } = first;
    const embeddings = cnn.embed(rows.data, rows.rows);
    expect(embeddings.length).toBe(rows.rows * 8);
    expect(embeddings.every((value) => value >= 0)).toBe(true);
    const { weight, bias } = cnn.head(weights);
    const { logits } = cnn.inputGradients(rows.data.slice(0, 16), 1);
    for (let c = 0; c < 3; c++) {
      const logit =
        bias[c] + weight.slice(c * 8, c * 8 + 8).reduce((sum, w, d) => sum + w * embeddings[d], 0);
      expect(logits[c]).toBeCloseTo(logit, 4);
    }
  });

  it('moves every weight against the gradient of the mean cross-entropy', () => {
    const cnn = make();
    cnn.reset(new Rng(2));
    const before = cnn.snapshot();
    const [x, y] = [rows.data.slice(0, 6 * 16), rows.labels.slice(0, 6)];
    const loss = (weights: readonly Float32Array[]) => {
      cnn.use(weights);
      const head = LinearHead.from({ ...cnn.head(weights), classes: 3, dim: 8 });
      const logits = headLogits(head, cnn.embed(x, 6));
      const perRow = Array.from(y, (label, row) => {
        const own = Array.from(logits.slice(row * 3, row * 3 + 3));
        return Math.log(own.reduce((sum, logit) => sum + Math.exp(logit), 0)) - own[label];
      });
      return perRow.reduce((sum, value) => sum + value, 0) / 6;
    };
    cnn.step(x, y);
    const after = cnn.snapshot();
    // Adam's first step moves each weight by the learning rate, against its gradient's sign.
    for (const [i, weights] of before.entries()) {
      const slopes = Array.from(weights.slice(0, 8), (_, j) => {
        const shifted = before.map((array) => array.slice());
        shifted[i][j] += 1e-2;
        const up = loss(shifted);
        shifted[i][j] -= 2e-2;
        return (up - loss(shifted)) / 2e-2;
      });
      const steep = slopes
        .map((slope, j) => ({ slope, j }))
        .sort((a, b) => Math.abs(b.slope) - Math.abs(a.slope));
      const { slope, j } = steep[0];
      expect(Math.abs(slope)).toBeGreaterThan(1e-4);
      expect(after[i][j] - weights[j]).toBeCloseTo(-1e-2 * Math.sign(slope), 5);
    }
  });

  it('has dropout logits where it has dropout', () => {
    expect(make().dropoutLogits).toBeUndefined();
    const cnn = make(0.5);
    cnn.reset(new Rng(1));
    cnn.step(rows.data, rows.labels);
    cnn.use(cnn.snapshot());
    const logits = (seed: number) => cnn.dropoutLogits!(rows.data, rows.rows, new Rng(seed));
    expect(logits(1)).toEqual(logits(1));
    expect(logits(1)).not.toEqual(logits(2));
    expect(logits(1).length).toBe(rows.rows * 3);
  });
});

describe('the shape of a cnn', () => {
  const tf = {} as TfOperations;

  it('is a square unless it is given, and must fit', async () => {
    const build = (backend: string, dim: number, shape?: NetworkOptions['shape']) => () =>
      createNetwork(tf, backend, { ...options, shape }, dim, 3);
    await fails(build('wasm', 64), 'TF_UNAVAILABLE', /trains convolutions.*setup:tfjs-node.*'cpu'/);
    await fails(build('cpu', 65), 'SHAPE_MISMATCH', /squares of one channel, or a shape.* got 65/);
    await fails(build('cpu', 64, [4, 4, 3]), 'SHAPE_MISMATCH', /expected 48 numbers a row.* got 64/);
    await fails(build('cpu', 9), 'SHAPE_MISMATCH', /at least 4 x 4/);
  });
});
