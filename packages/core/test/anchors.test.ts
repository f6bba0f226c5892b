import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTensor } from '../src/formats/tensor-file.js';
import { computeAnchors } from '../src/labels/anchors.js';
import { LabeledSet } from '../src/labels/labeled-set.js';
import { fails } from './support/files.js';

const golden = (name: string) => join(import.meta.dirname, 'golden', `${name}.safetensors`);

describe('computeAnchors', () => {
  test('means by class; a class without labels takes the mean of all', () => {
    const labeled = LabeledSet.from({
      embeddings: [
        [1, 0],
        [3, 4],
        [5, 5],
      ],
      labels: [0, 0, 2],
    });
    expect([...computeAnchors(labeled, 4)]).toEqual([2, 2, 3, 3, 5, 5, 3, 3]);
  });

  test('sums in double and rounds once', () => {
    const labeled = LabeledSet.from({
      embeddings: [[2 ** 25], [1], [1], [-(2 ** 25)]],
      labels: [0, 0, 0, 0],
    });
    expect([...computeAnchors(labeled, 1)]).toEqual([0.5]);
  });

  test.each([
    'digits-relu',
    'digits-tanh',
    'digits-missing-classes',
    'digits-raw-linear',
    'edge-offset',
    'edge-identical-labelled',
  ])('as the reference: %s', async (name) => {
    const embeddings = await readTensor(`${golden(name)}#labeled`, { dtype: 'float', rank: 2 });
    const labels = await readTensor(`${golden(name)}#labels`, { dtype: 'int', rank: 1 });
    const wanted = await readTensor(`${golden(name)}#expect_anchors`, { dtype: 'float', rank: 2 });
    const labeled = LabeledSet.from({ embeddings: embeddings.data as Float32Array, labels: labels.data });
    expect(computeAnchors(labeled, wanted.shape[0])).toEqual(Float32Array.from(wanted.data));
  });

  test('bad input', async () => {
    const labeled = LabeledSet.from({ embeddings: [[1], [2]], labels: [0, 3] });
    await fails(
      () => computeAnchors(labeled, 3),
      'INVALID_ARGUMENT',
      /^expected a label below 3, the number of classes, for labels\[1\], got 3$/,
    );
    await fails(
      () => computeAnchors(labeled, 0),
      'INVALID_ARGUMENT',
      /^expected a positive integer for classes, got 0$/,
    );
  });
});
