import { beforeAll, describe, expect, test } from 'vitest';
import { LinearHead, Pool, select } from '../src/index.js';
import type { FlipSearchArgs, Kernels } from '../src/kernels/kernels.js';
import { fails } from './support/files.js';
import { uniform } from './support/flip-job.js';
import { everyKernels } from './support/golden-cases.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

const f32 = (...values: number[]) => Float32Array.of(...values);

/** Finite in, true numbers out, at the edge of float32, at every level. */
describe('numbers so large that float32 sums overflow', () => {
  test.each([
    ['a product', { data: f32(1e19), weight: f32(2e19, -2e19), bias: f32(0, 0) }],
    ['a bias', { data: f32(1), weight: f32(0, 0), bias: f32(3.4e38, -3.4e38) }],
    ['a third class', { data: f32(1), weight: f32(0, 0, 0), bias: f32(1, 0, -3.4e38) }],
    ['a far class', { data: f32(1), weight: f32(0, 0, 0), bias: f32(3e38, 2.9e38, -3e38) }],
  ])('scores of %s', async (_, job) => {
    const args = { ...job, rows: 1, dim: 1, classes: job.bias.length };
    const wanted = await makers[0].scoreUncertainty(args);
    for (const kernels of makers) {
      const found = await kernels.scoreUncertainty(args);
      expect(found.pseudoLabel, kernels.level).toEqual(wanted.pseudoLabel);
      for (const name of ['confidence', 'margin', 'entropy'] as const)
        expect(found[name][0], `${name}, ${kernels.level}`).toBeCloseTo(wanted[name][0], 6);
      const { entropy } = await kernels.flipSearch({ ...args, anchors: f32(5) });
      expect(entropy[0], `flip search, ${kernels.level}`).toBeCloseTo(wanted.entropy[0], 6);
    }
  });

  test('select by entropy', async () => {
    const pool = Pool.fromArray(f32(1e19, 1.1e19, 0, 1e-20, 5e-21), { rows: 5, dim: 1 });
    const head = LinearHead.from({ weight: f32(2e19, -2e19), classes: 2, dim: 1 });
    for (const kernels of makers) {
      const { picks } = await select({ pool, head, budget: 3, strategy: 'entropy', kernels });
      expect(
        picks.map(({ row }) => row),
        kernels.level,
      ).toEqual([2, 4, 3]);
    }
  });

  test.each([1e-30, 1e-23, 1, 1e18, 1e19, 1e20, 3e38])('the unit gradient, of weights of %d', async (w) => {
    const args = { data: f32(0), rows: 1, dim: 1, weight: f32(w, -w), bias: f32(0.5, 0), classes: 2 };
    const plain = (await makers[0].pseudoLabelGradient(args)).gradient[0];
    for (const kernels of makers) {
      const { gradient } = await kernels.pseudoLabelGradient({ ...args, unit: true });
      expect(gradient[0], kernels.level).toBeCloseTo(-1, 6);
      expect((await kernels.pseudoLabelGradient(args)).gradient[0] / plain, kernels.level).toBeCloseTo(1, 5);
    }
  });

  test('closed-form alpha where the gradient is zero', async () => {
    for (const kernels of makers) {
      const alpha = await kernels.closedFormAlpha({
        data: f32(1, 5),
        rows: 1,
        dim: 2,
        anchors: f32(1e38, 1e38),
        anchorIndex: Int32Array.of(0),
        gradient: f32(0, 1),
        alphaCap: 1e300,
      });
      expect(alpha, kernels.level).toEqual(f32(0, 3.4028234663852886e38));
    }
  });

  test('logits beyond float32 are infinite, and those that come back from there are right', async () => {
    const job = { data: f32(2, 2, 2), rows: 1, dim: 3, bias: f32(0, 0, 0), classes: 3 };
    const weight = f32(3e38, -3e38, 3e38, 3e38, -3e38, 0, 1, 1, 1);
    const mix = { anchors: f32(), anchorIndex: Int32Array.of(-1), alpha: f32(0, 0, 0) };
    const wanted = f32(Number.POSITIVE_INFINITY, 0, 6);
    for (const kernels of makers) {
      const { logits } = await kernels.interpolate({ ...job, ...mix, weight });
      expect(logits, kernels.level).toEqual(wanted);
      expect(await kernels.logits({ ...job, weight }), kernels.level).toEqual(wanted);
    }
  });
});

/** Each of these had a native flip cap of 0 or far outside the band. */
describe('flip caps where float32 has too few digits', () => {
  test.each([
    [
      'a gradient far shorter than the distance',
      {
        data: [374049112064],
        anchors: [-2135899111424],
        bias: [-1.415656328201294, -0.35968077182769775, 0.38671523332595825],
      },
      [-1.5621744620542694e-13, -1.924922352590508e-13, -5.109598182929942e-13],
    ],
    [
      'logits of millions, two of them close',
      {
        data: [0, 1],
        anchors: [0, 0],
        bias: [0.15937936305999756, -0.7182709574699402, 0.10851583629846573],
      },
      [-2e6, -1e6, 0, 1e6, -1e6, -1e6],
    ],
    [
      'logits of a hundred million',
      { data: [1, 0], anchors: [0, 0], bias: [0.405631959438324, 0.45045745372772217, -0.2527846693992615] },
      [0, 1e8, -1e8, 1e8, -1e8, 0],
    ],
    [
      'weights of 1e-22',
      { data: [1, 2], anchors: [0.5, -1], bias: [0, 0, 0] },
      [1e-22, 2e-22, -1e-22, 3e-22, 2e-22, -3e-22],
    ],
  ])('%s', async (_, { data, anchors, bias }, weight) => {
    const args = {
      data: f32(...data),
      rows: 1,
      dim: data.length,
      weight: f32(...weight),
      bias: f32(...bias),
      classes: 3,
      anchors: f32(...anchors),
    };
    const wanted = await makers[0].flipSearch(args);
    expect(wanted.flipCap[0]).toBeGreaterThan(0);
    for (const kernels of makers) {
      const { flipCap, flipTo } = await kernels.flipSearch(args);
      const cap = wanted.flipCap[0];
      expect(Math.abs(flipCap[0] - cap), kernels.level).toBeLessThanOrEqual(1e-5 + 1e-4 * cap);
      expect(flipTo, kernels.level).toEqual(wanted.flipTo);
    }
  });
});

test('an alpha cap below the normal numbers is refused', async () => {
  const pool = Pool.fromArray(f32(0, 1), { rows: 2, dim: 1 });
  await fails(
    () => select({ pool, budget: 1, strategy: 'random', alphaCap: 5e-324 }),
    'INVALID_ARGUMENT',
    /^expected at least 2\.22\d*e-308 for alphaCap, got 5e-324$/,
  );
});

/** Rows and anchors of these values, against TypeScript's sums in double, at every level. */
describe('sums whose roundings add up', () => {
  const bfloat = (x: number) => {
    const value = Float32Array.of(x);
    new Uint32Array(value.buffer)[0] &= 0xffff0000;
    return value[0];
  };
  const gaussian = (seed: number) => {
    const next = uniform(seed);
    return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  };
  const agree = async (job: FlipSearchArgs) => {
    const wanted = await makers[0].flipSearch(job);
    for (const kernels of makers.slice(1)) {
      const found = await kernels.flipSearch(job);
      expect(found.pseudoLabel, kernels.level).toEqual(wanted.pseudoLabel);
      found.flipCap.forEach((cap, i) => {
        const exact = wanted.flipCap[i];
        const close = cap === exact || Math.abs(cap - exact) <= 1e-5 + 1e-4 * exact;
        expect(close, `${kernels.level}, row ${i}: ${cap}, not ${exact}`).toBe(true);
      });
    }
  };

  test.each([512, 1024, 2048])('squares of bfloat16 values far from zero, %d dimensions', async (dim) => {
    const normal = gaussian(dim);
    const [rows, classes, mean] = [400, 5, 3.5];
    const values = (n: number) => Float32Array.from({ length: n * dim }, () => bfloat(mean + 0.3 * normal()));
    const weight = Float32Array.from({ length: classes * dim }, () => 0.1 * normal());
    const bias = Float32Array.from({ length: classes }, (_, c) => {
      const own = weight.subarray(c * dim, (c + 1) * dim);
      return normal() - mean * own.reduce((sum, x) => sum + x, 0);
    });
    await agree({ data: values(rows), rows, dim, weight, bias, classes, anchors: values(classes) });
  });

  test('rows and head with a large mean, near a tie', async () => {
    const normal = gaussian(1);
    const [rows, dim, classes] = [4000, 128, 3];
    const center = Float32Array.from({ length: dim }, () => 1 + 0.1 * normal());
    const weight = Float32Array.from({ length: classes * dim }, () => 0.5 * (1 + 0.1 * normal()));
    const logit = (c: number) => center.reduce((sum, x, j) => sum + x * weight[c * dim + j], 0);
    const bias = Float32Array.from({ length: classes }, (_, c) => logit(0) - logit(c));
    const data = Float32Array.from({ length: rows * dim }, (_, i) => center[i % dim] + 5e-5 * normal());
    const anchors = Float32Array.from({ length: classes * dim }, () => 1 + 0.1 * normal());
    await agree({ data, rows, dim, weight, bias, classes, anchors });
  });

  test.each([1e-21, 1e-22])('sparse rows of size %d, whose squares are subnormal', async (size) => {
    const normal = gaussian(2);
    const [rows, dim, classes] = [300, 16, 5];
    const values = (n: number) => Float32Array.from({ length: n * dim }, () => Math.max(0, size * normal()));
    const weight = Float32Array.from({ length: classes * dim }, normal);
    const bias = Float32Array.from({ length: classes }, normal);
    await agree({ data: values(rows), rows, dim, weight, bias, classes, anchors: values(classes) });
  });
});
