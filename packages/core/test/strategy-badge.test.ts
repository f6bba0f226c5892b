import { describe, expect, test } from 'vitest';
import { getKernels, LinearHead, Pool, select } from '../src/index.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { distance2, softmax } from './support/oracle.js';
import { rowsOf, survivesDegenerateCases, watched } from './support/strategy-cases.js';

/** p − e_ŷ in double, the other classes' sum for 1 − p_ŷ. */
function factorsOf(head: LinearHead, z: ArrayLike<number>): number[] {
  const p = softmax({ ...head, anchors: new Float32Array(0) }, z);
  const label = p.indexOf(Math.max(...p));
  const others = p.reduce((sum, x, c) => (c === label ? sum : sum + x), 0);
  return p.map((x, c) => (c === label ? -others : x));
}

/** The gradient embeddings, formed: N × (C·D). */
function gradientEmbeddings(pool: Pool, head: LinearHead): Float64Array {
  const data = pool.source as Float32Array;
  return Float64Array.from(
    Array.from({ length: pool.rows }, (_, i) => {
      const z = data.subarray(i * pool.dim, (i + 1) * pool.dim);
      return factorsOf(head, z).flatMap((a) => Array.from(z, (x) => a * x));
    }).flat(),
  );
}

const picked = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);

describe('badge', () => {
  test.each(digitsEntries.map((entry) => [entry.name, entry] as const))(
    '%s: the largest gradient first; everywhere the same rows',
    async (_, entry) => {
      const { pool, head } = goldenCase(entry);
      const wide = head.classes * pool.dim;
      const points = gradientEmbeddings(pool, head);
      const zero = new Float64Array(wide);
      const norms = Array.from({ length: pool.rows }, (_, i) => distance2(points, i, zero, 0, wide));
      const [first, ...others] = await everyKernels();
      const strategy = 'badge';
      const rows = picked(await select({ pool, head, budget: 60, strategy, kernels: first, seed: 4 }));
      expect(rows[0]).toBe(norms.indexOf(Math.max(...norms)));
      expect(new Set(rows).size).toBe(60);
      for (const kernels of others) {
        const result = await select({ pool, head, budget: 60, strategy, kernels, seed: 4 });
        expect(picked(result), kernels.level).toEqual(rows);
      }
    },
  );

  // The law itself: after the largest norm each row by D² to those before, worked out on the formed outer products;
  // 4,000 seeds, 5 standard deviations of a share.
  test('draws by D² of the gradient embeddings', async () => {
    const [rows, dim] = [6, 3];
    const pool = Pool.fromArray(rowsOf(rows, dim), { rows, dim });
    const head = LinearHead.from({
      weight: rowsOf(3, dim, 3, 2).map((w) => w / 8),
      classes: 3,
      dim,
    });
    const points = gradientEmbeddings(pool, head);
    const wide = 3 * dim;
    const zero = new Float64Array(wide);
    const chance = new Map<string, number>();
    const walk = (before: number[], probability: number): void => {
      if (before.length === 3) {
        chance.set(before.join(), probability);
        return;
      }
      const weights = Array.from({ length: rows }, (_, i) =>
        before.includes(i) ? 0 : Math.min(...before.map((b) => distance2(points, i, points, b, wide))),
      );
      const total = weights.reduce((a, b) => a + b);
      weights.forEach((w, i) => {
        if (w > 0) walk([...before, i], (probability * w) / total);
      });
    };
    const norms = Array.from({ length: rows }, (_, i) => distance2(points, i, zero, 0, wide));
    walk([norms.indexOf(Math.max(...norms))], 1);
    expect(chance.size).toBe(20);
    const counts = new Map<string, number>();
    const kernels = await getKernels('js');
    const runs = 4000;
    for (let seed = 0; seed < runs; seed++) {
      const key = picked(await select({ pool, head, budget: 3, strategy: 'badge', kernels, seed })).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.keys()].every((key) => chance.has(key))).toBe(true);
    for (const [key, p] of chance) {
      const deviation = Math.sqrt((p * (1 - p)) / runs);
      expect(Math.abs((counts.get(key) ?? 0) / runs - p), key).toBeLessThanOrEqual(5 * deviation);
    }
  });

  test('a confident head’s gradients are small, not nothing; only rows that may be picked are given', async () => {
    // Logits of ±20, ±25 …: p_ŷ is 1 in float32 and in double.
    const head = LinearHead.from({ weight: Float32Array.of(1, -1), classes: 2, dim: 1 });
    const pool = Pool.fromArray(Float32Array.of(30, 25, -20, 22), { rows: 4, dim: 1 });
    for (const maker of await everyKernels()) {
      let factors: Float32Array | undefined;
      const kernels = watched(maker, 'kmeansPlusPlus', (args) => {
        factors = args.factors;
      });
      const result = await select({ pool, head, budget: 3, strategy: 'badge', kernels, exclude: [1] });
      expect(result.picks[0].row).toBe(2);
      const exact = [30, -20, 22].flatMap((z) => factorsOf(head, [z]));
      expect(factors?.length).toBe(exact.length);
      exact.forEach((a, i) => {
        expect(a).not.toBe(0);
        expect(Math.abs((factors?.[i] ?? 0) / a - 1), maker.level).toBeLessThan(1e-6);
      });
    }
  });

  test('degenerate pools, labels and heads', () => survivesDegenerateCases('badge'));

  test('needs a head, given or fitted', async () => {
    const { pool, labeled } = goldenCase(digitsEntries[0]);
    await fails(
      () => select({ pool, budget: 2, strategy: 'badge' }),
      'INVALID_ARGUMENT',
      /^expected a head, or labels to fit one, which strategy badge needs, for head, got undefined$/,
    );
    const fitted = await select({ pool, labeled, budget: 2, strategy: 'badge' });
    expect(fitted.head?.classes).toBe(10);
  });
});
