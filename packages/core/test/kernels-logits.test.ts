import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Kernels } from '../src/kernels/kernels.js';
import { Pool } from '../src/pool/pool.js';
import { fails, npy, testFolder } from './support/files.js';
import { flipJob, noise } from './support/flip-job.js';
import { everyKernels, goldenCase, goldenIndex } from './support/golden-cases.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

const { put } = testFolder();

describe('logits', () => {
  test.each(goldenIndex.filter(({ name }) => /^(digits|edge)/.test(name)).map(({ name }) => name))(
    'of %s: their argmax is the pseudo-label',
    async (name) => {
      const { tensors, head, pool } = goldenCase(goldenIndex.find((entry) => entry.name === name)!);
      const { weight, bias, classes } = head;
      const labels = tensors.ints('expect_pseudo_label');
      const margins = tensors.f64('expect_margin');
      for (const kernels of makers) {
        const args = { data: pool.source, rows: pool.rows, dim: pool.dim, weight, bias, classes };
        const logits = await kernels.logits(args);
        expect(logits.length).toBe(pool.rows * classes);
        for (let i = 0; i < pool.rows; i++) {
          if (margins[i] < 1e-6) continue;
          const own = logits.subarray(i * classes, (i + 1) * classes);
          expect(own.indexOf(Math.max(...own)), `${kernels.level}, row ${i}`).toBe(labels[i]);
        }
      }
    },
  );

  test('agree with sums in double, and with themselves for any threads', async () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 1, max: 150 }),
      dim: fc.integer({ min: 1, max: 600 }),
      classes: fc.integer({ min: 2, max: 150 }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ rows, dim, classes }) => {
        const { anchors: _, ...args } = flipJob(rows, dim, classes);
        const [first, ...others] = makers;
        const exact = await first.logits(args);
        for (const kernels of others) {
          const logits = await kernels.logits({ ...args, threads: 1 });
          // One `expect` for all: each takes microseconds, and these are millions.
          const far = logits.findIndex((logit, i) => !(Math.abs(logit - exact[i]) <= 1e-6 * dim));
          expect(far === -1 ? undefined : [far, logits[far], exact[far]], kernels.level).toBeUndefined();
          expect(await kernels.logits({ ...args, threads: 3 })).toEqual(logits);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('read files and other types as they are in memory', async () => {
    const { anchors: _, ...args } = flipJob(3000, 40, 7);
    const file = await Pool.open(put('pool.npy', npy(args.data, [3000, 40])));
    const wide = Pool.fromArray(Float64Array.from(args.data), { rows: 3000, dim: 40 });
    for (const kernels of makers) {
      const logits = await kernels.logits(args);
      expect(await kernels.logits({ ...args, data: file.source })).toEqual(logits);
      expect(await kernels.logits({ ...args, data: wide.source })).toEqual(logits);
    }
  });

  test('name the first row that is not finite; overflow is infinite', async () => {
    const { anchors: _, ...args } = flipJob(500, 9, 3);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const data = noise(500 * 9);
      data[123 * 9 + 8] = bad;
      data[400 * 9] = bad;
      for (const kernels of makers) {
        const error = await fails(() => kernels.logits({ ...args, data }), 'NON_FINITE', /row 123/);
        expect(error.details).toEqual({ row: 123 });
      }
    }
    const huge = { data: Float32Array.of(3e38, 3e38), rows: 1, dim: 2, classes: 2 };
    const head = { weight: Float32Array.of(1, 1, 1, -1), bias: new Float32Array(2) };
    for (const kernels of makers)
      expect([...(await kernels.logits({ ...huge, ...head }))]).toEqual([Number.POSITIVE_INFINITY, 0]);
  });
});
