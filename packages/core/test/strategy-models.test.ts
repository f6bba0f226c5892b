import { fromTf, LinearHead, loadTf, type Model, Pool, Rng, select } from '@alfamix/core';
import type * as core from '@tensorflow/tfjs-core';
import type * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { noise } from './support/flip-job.js';

type Tf = typeof core & typeof layers;
const [rows, dim] = [60, 6];
const inputs = Pool.fromArray(noise(rows * dim, -0.5), { rows, dim });

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTf<Tf>({ backend: 'cpu' }));
});

const picked = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

function softmax(logits: Float32Array): number[] {
  const odds = Array.from(logits, (l) => Math.exp(l));
  const sum = odds.reduce((a, b) => a + b);
  return odds.map((o) => o / sum);
}

const entropy = (p: number[]) => p.reduce((sum, x) => sum - x * Math.log(x), 0);

const ordered = (values: number[], sign: 1 | -1) =>
  [...values.keys()].sort((a, b) => sign * (values[a] - values[b])).slice(0, 20);

/** Without a seed the passes may hardly differ, now and then. */
const initial = (seed: number) => tf.initializers.glorotUniform({ seed });

describe('strategies on a tfjs network', () => {
  it('bald runs its dropout layers in training mode', async () => {
    const network = tf.sequential({
      layers: [
        tf.layers.dense({ units: 8, activation: 'relu', inputShape: [dim], kernelInitializer: initial(1) }),
        tf.layers.dropout({ rate: 0.4 }),
        tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: initial(2) }),
      ],
    });
    const model: Model = fromTf(tf, network);
    const pool = await model.embed(inputs);
    const result = await select({ pool, model, inputs, budget: 20, strategy: 'bald:passes=5', seed: 3 });
    const rng = new Rng(3);
    const passes: Float32Array[] = [];
    for (let t = 0; t < 5; t++) passes.push(await model.dropoutLogits!(inputs, { seed: rng.below(2 ** 31) }));
    const information = Array.from({ length: rows }, (_, i) => {
      const each = passes.map((logits) => softmax(logits.subarray(3 * i, 3 * i + 3)));
      const mean = each[0].map((_p, c) => each.reduce((sum, p) => sum + p[c] / 5, 0));
      return entropy(mean) - each.reduce((sum, p) => sum + entropy(p) / 5, 0);
    });
    expect(Math.max(...information)).toBeGreaterThan(0.01);
    expect(picked(result)).toEqual(ordered(information, -1));
    model.close();
  });

  it('deepfool finds in input space what the closed form says of a linear network', async () => {
    const network = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [dim] })] });
    const [kernel, bias] = [noise(dim * 4, -0.5), noise(4)];
    network.setWeights([tf.tensor2d(kernel, [dim, 4]), tf.tensor1d(bias)]);
    const model: Model = fromTf(tf, network);
    const pool = await model.embed(inputs);
    const strategy = 'deepfool';
    const found = await select({ pool, model, inputs, budget: 20, strategy });
    expect(found.stats.notes[0]).toMatch(/^distances to the boundary in the input space of model/);
    const head = LinearHead.from({
      weight: Float32Array.from(kernel, (_, at) => kernel[(at % dim) * 4 + Math.floor(at / dim)]),
      bias,
      classes: 4,
      dim,
    });
    const exact = await select({ pool: inputs, head, budget: 20, strategy });
    expect(picked(found)).toEqual(picked(exact));
    model.close();
  });
});
