import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Kernels } from '../src/kernels/kernels.js';
import type { ClosedFormAlphaArgs } from '../src/kernels/mixing.js';
import { computeAnchors } from '../src/labels/anchors.js';
import { fails } from './support/files.js';
import { uniform } from './support/flip-job.js';
import { everyKernels, goldenCase, goldenIndex } from './support/golden-cases.js';
import { goldenFile } from './support/golden-tensors.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

describe('mixing-digits', () => {
  const [rows, dim, classes] = [20, 64, 10];
  const file = goldenFile('mixing-digits');
  const head = { weight: file.f32('weight'), bias: file.f32('bias'), classes };
  const data = file.f32('rows');
  const anchorIndex = file.ints('anchor_index');
  // Stored in float64, and a mean in float32 is what a user has: the differences it makes are below 1e-7 of each value.
  const anchors = Float32Array.from(file.f64('anchors'));

  test('pseudoLabelGradient', async () => {
    const exact = file.f64('expect_gradient');
    for (const kernels of makers) {
      const { gradient, pseudoLabel } = await kernels.pseudoLabelGradient({ data, rows, dim, ...head });
      const { pseudoLabel: expected } = await kernels.scoreUncertainty({ data, rows, dim, ...head });
      expect(pseudoLabel, kernels.level).toEqual(expected);
      for (let i = 0; i < rows; i++) {
        const [from, to] = [i * dim, (i + 1) * dim];
        const error = norm(gradient.subarray(from, to).map((g, j) => g - exact[from + j]));
        expect(error / norm(exact.subarray(from, to)), `${kernels.level}, row ${i}`).toBeLessThan(1e-5);
      }
    }
  });

  test('closedFormAlpha, then interpolate', async () => {
    const exactAlpha = file.f64('expect_alpha');
    const exactMix = file.f64('expect_mixed');
    const exactLogits = file.f64('expect_mixed_logits');
    for (const kernels of makers) {
      const { gradient } = await kernels.pseudoLabelGradient({ data, rows, dim, ...head });
      const mix = { data, rows, dim, anchors, anchorIndex };
      const alpha = await kernels.closedFormAlpha({ ...mix, gradient, alphaCap: 0.2 });
      const { mixed, logits } = await kernels.interpolate({ ...mix, alpha, ...head });
      for (let i = 0; i < rows * dim; i++) {
        const at = `${kernels.level}, row ${Math.floor(i / dim)}, dimension ${i % dim}`;
        const z = data[i];
        const delta = anchors[anchorIndex[Math.floor(i / dim)] * dim + (i % dim)] - z;
        expect(alpha[i] === 0, at).toBe(delta === 0);
        // By what it does: α itself is as uncertain as 1/δ, which the anchor's rounding to float32 changes.
        expect(Math.abs(alpha[i] - exactAlpha[i]) * Math.abs(delta), at).toBeLessThanOrEqual(1e-6);
        expect(Math.abs(mixed[i] - exactMix[i]), at).toBeLessThanOrEqual(1e-6);
      }
      for (let i = 0; i < rows * classes; i++)
        expect(Math.abs(logits[i] - exactLogits[i]), kernels.level).toBeLessThanOrEqual(1e-5);
    }
  });
});

describe('the kernels together', () => {
  // The flip search's own claim: mixed a little beyond its flip cap a row predicts flipTo, a little before its label.
  test.each(['digits-relu', 'digits-tanh', 'digits-saturated-head', 'edge-offset', 'edge-two-classes'])(
    'mixing %s at the flip cap',
    async (name) => {
      const { tensors, head, pool, labeled } = goldenCase(goldenIndex.find((entry) => entry.name === name)!);
      const { weight, bias, classes } = head;
      const anchors = computeAnchors(labeled, classes);
      const shape = { data: tensors.f32('unlabeled'), rows: pool.rows, dim: pool.dim };
      for (const kernels of makers) {
        const found = await kernels.flipSearch({ ...shape, weight, bias, classes, anchors });
        const anchorIndex = found.flipAnchor;
        const { gradient } = await kernels.pseudoLabelGradient({
          ...shape,
          weight,
          bias,
          classes,
          unit: true,
        });
        const logitsAt = async (factor: number) => {
          const alphaCap = found.flipCap.map((cap) => (cap < 1e4 ? cap * factor : 0));
          const mix = { ...shape, anchors, anchorIndex };
          const alpha = await kernels.closedFormAlpha({ ...mix, gradient, alphaCap });
          const { logits } = await kernels.interpolate({ ...mix, alpha, weight, bias, classes });
          return logits;
        };
        const [before, after] = [await logitsAt(0.99), await logitsAt(1.01)];
        let flips = 0;
        for (let i = 0; i < shape.rows; i++) {
          // Caps next to nothing are ties, and huge ones rounding.
          if (!(found.flipCap[i] > 1e-3 && found.flipCap[i] < 1e2)) continue;
          flips++;
          const at = `${kernels.level}, row ${i}`;
          const own = before.subarray(i * classes, (i + 1) * classes);
          expect(own.indexOf(Math.max(...own)), at).toBe(found.pseudoLabel[i]);
          // A third class may have overtaken both by now.
          const [from, to] = [i * classes + found.pseudoLabel[i], i * classes + found.flipTo[i]];
          expect(after[to], at).toBeGreaterThan(after[from]);
        }
        expect(flips).toBeGreaterThan(shape.rows / 2);
      }
    },
  );

  test('gradients agree with the twin, alphas and mixes to the byte', async () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 1, max: 80 }),
      dim: fc.integer({ min: 1, max: 80 }),
      classes: fc.integer({ min: 2, max: 20 }),
      anchorCount: fc.integer({ min: 1, max: 12 }),
      scale: fc.constantFrom(0.1, 1, 40),
      equalHeads: fc.boolean(),
      unit: fc.boolean(),
      seed: fc.integer({ min: 0, max: 1 << 30 }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ rows, dim, classes, anchorCount, scale, equalHeads, unit, seed }) => {
        const next = uniform(seed);
        const fill = (length: number, most: number) =>
          Float32Array.from({ length }, () => most * Math.round(64 * (next() - 0.5)));
        const data = fill(rows * dim, 1 / 32);
        const weight = fill(classes * dim, scale / 32);
        if (equalHeads) weight.copyWithin(0, dim, 2 * dim);
        const bias = fill(classes, 1 / 64);
        const anchors = fill(anchorCount * dim, 1 / 32);
        const anchorIndex = Int32Array.from(
          { length: rows },
          () => Math.floor(next() * (anchorCount + 1)) - 1,
        );
        const shape = { data, rows, dim, threads: 1 + (seed % 3) };
        const head = { weight, bias, classes };
        const js = await makers[0].pseudoLabelGradient({ ...shape, ...head, unit });
        const mix = { ...shape, anchors, anchorIndex };
        const alphaCap = seed % 2 ? 0.3 : Float32Array.from({ length: rows }, () => next());
        const alpha = await makers[0].closedFormAlpha({ ...mix, gradient: js.gradient, alphaCap });
        const expected = await makers[0].interpolate({ ...mix, alpha, ...head });
        for (const kernels of makers.slice(1)) {
          const found = await kernels.pseudoLabelGradient({ ...shape, ...head, unit });
          expect(found.pseudoLabel, kernels.level).toEqual(js.pseudoLabel);
          for (let i = 0; i < rows; i++) {
            const exact = js.gradient.subarray(i * dim, (i + 1) * dim);
            const error = norm(exact.map((g, j) => g - found.gradient[i * dim + j]));
            expect(error, `${kernels.level}, row ${i}`).toBeLessThanOrEqual(1e-4 * norm(exact) + 1e-36);
          }
          expect(await kernels.closedFormAlpha({ ...mix, gradient: js.gradient, alphaCap })).toEqual(alpha);
          const mixed = await kernels.interpolate({ ...mix, alpha, ...head });
          expect(mixed.mixed, kernels.level).toEqual(expected.mixed);
          for (let i = 0; i < rows; i++) {
            const size = norm(mixed.mixed.subarray(i * dim, (i + 1) * dim)) * scale * Math.sqrt(dim);
            for (let c = i * classes; c < (i + 1) * classes; c++) {
              expect(Math.abs(mixed.logits[c] - expected.logits[c])).toBeLessThanOrEqual(1e-6 * (size + 1));
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test('unit gradients stay exact where the gradient is below float32', async () => {
    // Logits 0 and 200: p − e is e^-200.
    const args = { rows: 1, dim: 2, classes: 2, data: Float32Array.of(100, 1) };
    const head = { weight: Float32Array.of(2, 0, 0, 1), bias: Float32Array.of(0, -1) };
    for (const kernels of makers) {
      const plain = await kernels.pseudoLabelGradient({ ...args, ...head });
      expect(Array.from(plain.gradient, (g) => g + 0)).toEqual([0, 0]);
      const { gradient } = await kernels.pseudoLabelGradient({ ...args, ...head, unit: true });
      expect(gradient[0]).toBeCloseTo(-2 / Math.sqrt(5), 6);
      expect(gradient[1]).toBeCloseTo(1 / Math.sqrt(5), 6);
    }
  });
});

describe('scoreUncertainty', () => {
  test('is what the flip search says of the prediction', async () => {
    for (const { name } of goldenIndex.filter(({ labeled }) => labeled > 0)) {
      const { pool, labeled, head } = goldenCase(goldenIndex.find((entry) => entry.name === name)!);
      const { weight, bias, classes } = head;
      const args = { data: pool.source, rows: pool.rows, dim: pool.dim, weight, bias, classes };
      const anchors = computeAnchors(labeled, classes);
      for (const kernels of makers) {
        const found = await kernels.scoreUncertainty(args);
        expect(Object.keys(found).sort()).toEqual(['confidence', 'entropy', 'margin', 'pseudoLabel']);
        const { pseudoLabel, confidence, margin, entropy } = await kernels.flipSearch({ ...args, anchors });
        expect(found.pseudoLabel, `${name}, ${kernels.level}`).toEqual(pseudoLabel);
        for (const [scores, others] of [
          [found.confidence, confidence],
          [found.margin, margin],
          [found.entropy, entropy],
        ]) {
          // A row that the flip search had to decide in double has its scores from there too.
          scores.forEach((score, i) => {
            expect(Math.abs(score - others[i]), `${name}, ${kernels.level}, row ${i}`).toBeLessThan(2e-5);
          });
        }
      }
    }
  });
});

describe('edges', () => {
  const shape = { rows: 2, dim: 2, data: Float32Array.of(1, 2, 3, 4) };
  const anchors = Float32Array.of(1, 5);
  const mix: ClosedFormAlphaArgs = {
    ...shape,
    anchors,
    anchorIndex: Int32Array.of(0, -1),
    gradient: Float32Array.of(0.5, 0.5, 1, 1),
    alphaCap: 0.2,
  };

  test('no anchor, no gradient, no difference', async () => {
    for (const kernels of makers) {
      const alpha = await kernels.closedFormAlpha(mix);
      expect(Array.from(alpha).map((a) => a !== 0)).toEqual([false, true, false, false]);
      const { mixed, logits } = await kernels.interpolate({ ...mix, alpha });
      expect([mixed[0], mixed[2], mixed[3], logits.length]).toEqual([1, 3, 4, 0]);
      expect(mixed[1]).toBeCloseTo(2 + (0.2 / Math.SQRT2) * 3 * Math.SQRT1_2, 6);
      const none = await kernels.closedFormAlpha({ ...mix, gradient: new Float32Array(4) });
      expect(Array.from(none)).toEqual([0, 0, 0, 0]);
    }
  });

  test('an alpha beyond float32 is cut, and the mix stays finite', async () => {
    const tiny = 1e-44;
    const data = Float32Array.of(0, 3);
    const args = { rows: 1, dim: 2, data, anchors: Float32Array.of(tiny, 5), anchorIndex: Int32Array.of(0) };
    for (const kernels of makers) {
      const alpha = await kernels.closedFormAlpha({ ...args, gradient: Float32Array.of(1, 0), alphaCap: 1 });
      expect(alpha[0]).toBeCloseTo(3.4028234663852886e38);
      const { mixed } = await kernels.interpolate({ ...args, alpha });
      expect(mixed.every(Number.isFinite)).toBe(true);
    }
  });

  test('bad arguments', async () => {
    for (const kernels of makers) {
      const index = (values: number[]) =>
        kernels.closedFormAlpha({ ...mix, anchorIndex: Int32Array.from(values) });
      await fails(() => index([0]), 'SHAPE_MISMATCH', /2 values, one a row, for anchorIndex, got 1$/);
      await fails(
        () => index([0, 1]),
        'INVALID_ARGUMENT',
        /from 0 to 0, or -1, for anchorIndex\[1\], got 1$/,
      );
      await fails(() => index([-2, 0]), 'INVALID_ARGUMENT', /anchorIndex\[0\], got -2$/);
      for (const alphaCap of [Number.NaN, -1, Number.POSITIVE_INFINITY])
        await fails(() => kernels.closedFormAlpha({ ...mix, alphaCap }), 'INVALID_ARGUMENT', /for alphaCap/);
      await fails(
        () => kernels.closedFormAlpha({ ...mix, alphaCap: Float32Array.of(1, Number.NaN) }),
        'INVALID_ARGUMENT',
        /alphaCap\[1\]/,
      );
      await fails(
        () => kernels.interpolate({ ...mix, alpha: new Float32Array(4), classes: 2 }),
        'INVALID_ARGUMENT',
        /for weight/,
      );
      const data = Float32Array.of(1, 2, Number.NaN, 4);
      const error = await fails(() => kernels.closedFormAlpha({ ...mix, data }), 'NON_FINITE', /row 1/);
      expect(error.details.row).toBe(1);
      await fails(
        () => kernels.interpolate({ ...mix, data, alpha: new Float32Array(4) }),
        'NON_FINITE',
        /row 1/,
      );
      const head = { weight: new Float32Array(4), bias: new Float32Array(2), classes: 2 };
      await fails(() => kernels.pseudoLabelGradient({ ...shape, ...head, data }), 'NON_FINITE', /row 1/);
      await fails(
        () => kernels.pseudoLabelGradient({ ...shape, ...head, unit: 1 as never }),
        'INVALID_ARGUMENT',
        /true or false for unit/,
      );
    }
  });
});
