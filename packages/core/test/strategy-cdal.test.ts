import { describe, expect, test } from 'vitest';
import { LabeledSet, LinearHead, Pool, select } from '../src/index.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { distance2, softmax } from './support/oracle.js';
import { survivesDegenerateCases } from './support/strategy-cases.js';

const picked = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

function probabilities(head: LinearHead, data: Float32Array): Float64Array {
  const rows = data.length / head.dim;
  return Float64Array.from(
    Array.from({ length: rows }, (_, i) =>
      softmax({ ...head, anchors: new Float32Array(0) }, data.subarray(i * head.dim, (i + 1) * head.dim)),
    ).flat(),
  );
}

/**
 * Walks the picks by brute force: each must be as far from all before as the farthest row is, up to what rounding of
 * the probabilities to float32 may hide.
 */
function expectFarthestFirst(
  picks: number[],
  data: Float64Array,
  centers: Float64Array,
  dim: number,
  at: string,
) {
  const rows = data.length / dim;
  const nearest = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const meet = (from: Float64Array, k: number) => {
    for (let i = 0; i < rows; i++) nearest[i] = Math.min(nearest[i], distance2(data, i, from, k, dim));
  };
  for (let k = 0; k < centers.length / dim; k++) meet(centers, k);
  picks.forEach((row, rank) => {
    const farthest = nearest.reduce((a, b) => Math.max(a, b));
    expect(nearest[row], `${at}, rank ${rank}`).toBeGreaterThanOrEqual(farthest - 1e-5);
    meet(data, row);
    nearest[row] = Number.NEGATIVE_INFINITY;
  });
}

describe('cdal', () => {
  test.each(digitsEntries.map((entry) => [entry.name, entry] as const))(
    '%s: farthest first by class probabilities',
    async (_, entry) => {
      const { pool, labeled, head } = goldenCase(entry);
      const data = probabilities(head, pool.source as Float32Array);
      const centers = probabilities(head, labeled.embeddings);
      let first: number[] | undefined;
      for (const kernels of await everyKernels()) {
        const result = await select({ pool, labeled, head, budget: 40, strategy: 'cdal', kernels });
        expectFarthestFirst(picked(result), data, centers, head.classes, kernels.level);
        first ??= picked(result);
        expect(picked(result), kernels.level).toEqual(first);
      }
    },
  );

  test('rows that may not be picked are no centers; ties go to the lower row', async () => {
    // Probabilities of σ(z): rows 0 and 3 are sure of one class, 1 and 4 of the other, 2 of neither.
    const pool = Pool.fromArray(Float32Array.of(-90, 90, 0, -90, 90), { rows: 5, dim: 1 });
    const head = LinearHead.from({ weight: Float32Array.of(1), classes: 1, dim: 1 });
    const labeled = LabeledSet.from({ embeddings: [[90]], labels: [1] });
    const args = { pool, labeled, head, strategy: 'cdal' };
    for (const kernels of await everyKernels()) {
      const all = await select({ ...args, budget: 5, kernels });
      expect(picked(all), kernels.level).toEqual([0, 2, 1, 3, 4]);
      const some = await select({ ...args, budget: 3, kernels, exclude: [0] });
      expect(picked(some), kernels.level).toEqual([3, 2, 1]);
    }
  });

  test('degenerate pools, labels and heads', () => survivesDegenerateCases('cdal'));

  test('needs labels, even beside a head', async () => {
    const { pool, head } = goldenCase(digitsEntries[0]);
    await fails(
      () => select({ pool, head, budget: 2, strategy: 'cdal' }),
      'INVALID_ARGUMENT',
      /^expected labels, which strategy cdal needs, for labeled, got undefined$/,
    );
  });
});
