import { describe, expect, test } from 'vitest';
import { agreementNote } from '../src/head/agreement.js';
import { LinearHead } from '../src/head/linear-head.js';
import { LabeledSet } from '../src/labels/labeled-set.js';
import { Pool } from '../src/pool/pool.js';
import { score } from '../src/score.js';
import { select } from '../src/select.js';
import { everyKernels } from './support/golden-cases.js';

const head = LinearHead.from({ weight: Float32Array.of(1, 0, 0, 1), classes: 2, dim: 2 });
const rows = [
  [1, 0],
  [0, 1],
  [2, 1],
];
const labeled = (...labels: number[]) =>
  LabeledSet.from({ embeddings: rows, labels, classNames: ['yak', 'zed'] });

describe('a head that was given', () => {
  test('agrees with the labels, or there is a note', async () => {
    for (const kernels of await everyKernels()) {
      expect(await agreementNote(head, labeled(0, 1, 0), kernels, {})).toBeUndefined();
      // As many as the most frequent class alone has: no reason to doubt.
      expect(await agreementNote(head, labeled(0, 1, 1), kernels, {})).toBeUndefined();
      expect(await agreementNote(head, labeled(1, 0, 1), kernels, {})).toBe(
        'the head agrees with 0 of 3 labelled rows, the most frequent class alone with 2: is it a head for these embeddings, and are its classes in this order: yak, zed?',
      );
    }
  });

  test('select and score pass the note on; a head fitted here needs none', async () => {
    const pool = Pool.fromArray(Float32Array.of(1, 0, 0, 1, 3, 1), { rows: 3, dim: 2 });
    const wrong = labeled(1, 0, 1);
    const doubt = [expect.stringMatching(/agrees with 0 of 3 labelled rows/)];
    expect((await select({ pool, labeled: wrong, head, budget: 1, strategy: 'margin' })).stats.notes).toEqual(
      doubt,
    );
    expect((await score({ pool, labeled: wrong, head })).notes).toEqual(doubt);
    expect((await score({ pool, labeled: labeled(0, 1, 0), head })).notes).toEqual([]);
    expect((await score({ pool, labeled: wrong })).notes).toEqual([]);
  });
});
