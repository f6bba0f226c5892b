import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FlipSearchArgs, Kernels } from '../src/kernels/kernels.js';
import { noise, uniform } from './support/flip-job.js';
import { everyKernels } from './support/golden-cases.js';
import { distance2, mixLead, type OracleInput, oracleRow } from './support/oracle.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

/** The band of docs/flip-search.md. */
const band = (cap: number) => 1e-5 + 1e-4 * cap;

const kinds = ['plain', 'relu', 'sparse', 'quantised', 'offset'] as const;

interface Shape {
  rows: number;
  dim: number;
  classes: number;
  anchorCount: number;
  kind: (typeof kinds)[number];
  offset: number;
  equalHeads: boolean;
  seed: number;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  rows: fc.integer({ min: 1, max: 70 }),
  dim: fc.integer({ min: 1, max: 70 }),
  classes: fc.integer({ min: 2, max: 24 }),
  anchorCount: fc.integer({ min: 0, max: 40 }),
  kind: fc.constantFrom(...kinds),
  offset: fc.constantFrom(1, 10, 100),
  equalHeads: fc.boolean(),
  seed: fc.integer({ min: 0, max: 1 << 30 }),
});

function build(shape: Shape): FlipSearchArgs & { data: Float32Array } {
  const { rows, dim, classes, anchorCount, kind, offset, equalHeads } = shape;
  const next = uniform(shape.seed);
  const signed = () => 2 * next() - 1;
  const value = () => {
    const x = signed();
    if (kind === 'relu') return Math.max(0, x);
    if (kind === 'sparse') return Math.max(0, x - 0.5);
    if (kind === 'quantised') return Math.round(3 * x) / 2;
    return kind === 'offset' ? x + offset : x;
  };
  const fill = (length: number, make: () => number) => Float32Array.from({ length }, make);
  const data = fill(rows * dim, value);
  const anchors = fill(anchorCount * dim, value);
  const weight = fill(classes * dim, () => 2 * signed());
  const bias = fill(classes, signed);
  for (let i = 0; i < rows; i++) {
    const draw = Math.floor(next() * 10);
    const pick = Math.floor(next() * Math.max(1, anchorCount));
    if (draw === 0) data.fill(0, i * dim, (i + 1) * dim);
    if (draw === 1 && i > 0) data.copyWithin(i * dim, (i - 1) * dim, i * dim);
    if (draw === 2 && anchorCount > 0) data.set(anchors.subarray(pick * dim, (pick + 1) * dim), i * dim);
  }
  if (equalHeads) {
    const [from, to] = [Math.floor(next() * classes), Math.floor(next() * classes)];
    weight.copyWithin(to * dim, from * dim, (from + 1) * dim);
    bias[to] = next() < 0.5 ? bias[from] : bias[to];
  }
  return { data, rows, dim, weight, bias, classes, anchors };
}

describe('flipSearch against the paper’s step in double', () => {
  test('labels, scores, caps and the mix itself', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const args = build(shape);
        const input: OracleInput = args;
        const exact = Array.from({ length: args.rows }, (_, i) =>
          oracleRow(input, args.data.subarray(i * args.dim, (i + 1) * args.dim)),
        );
        for (const kernels of makers) {
          const found = await kernels.flipSearch({ ...args, threads: 1 + (shape.seed % 3) });
          // Compared first: hundreds of thousands of calls of `expect` would take longer than all else.
          exact.forEach((row, i) => {
            const holds = (ok: boolean, what: string) => {
              if (!ok) expect.unreachable(`${kernels.level}, row ${i}: ${what}`);
            };
            // A tie of the two largest logits, to rounding: either label is right, and the rest follows it.
            if (found.pseudoLabel[i] !== row.label && row.gap <= 1e-6) return;
            holds(found.pseudoLabel[i] === row.label, 'pseudoLabel');
            for (const key of ['confidence', 'margin', 'entropy'] as const) {
              holds(Math.abs(found[key][i] - row[key]) <= 2e-5, key);
            }
            const [cap, anchor, to] = [found.flipCap[i], found.flipAnchor[i], found.flipTo[i]];
            // Far beyond any cap in use the last masked sum may be rounding alone: "large" is all there is to say.
            if (cap > 1e4 && row.flipCap > 1e4) return;
            if (row.flipCap === Number.POSITIVE_INFINITY) {
              holds(cap === row.flipCap && anchor === -1 && to === -1, 'no flip');
              return;
            }
            holds(Math.abs(cap - row.flipCap) <= band(row.flipCap), 'flipCap');
            // The anchor named is one of the nearest, to the same accuracy.
            holds(Math.abs(row.caps[anchor] - row.flipCap) <= 2 * band(row.flipCap), 'flipAnchor');
            holds(to >= 0 && to < args.classes && to !== row.label, 'flipTo');
            const z = args.data.subarray(i * args.dim, (i + 1) * args.dim);
            // 1e-14 of the largest product is what summing in double may lose.
            holds(mixLead(input, z, anchor, cap + 2 * band(cap)) > -1e-14, 'flips no later');
            const before = cap - 2 * band(cap);
            if (before <= 0) return;
            const early = row.caps.findIndex(
              (own, k) => own !== Number.POSITIVE_INFINITY && !(mixLead(input, z, k, before) < 1e-14),
            );
            holds(early === -1, `anchor ${early} flips earlier`);
          });
        }
      }),
      { numRuns: 150 },
    );
  });
});

// −1 + 1 of the two equal rows once absorbed the third class, e^-38 less likely, in g = Σ q_c w_c.
test('equal head rows of label and runner-up: the third class still flips', async () => {
  const args = {
    rows: 1,
    dim: 2,
    classes: 3,
    data: Float32Array.of(19, 1),
    weight: Float32Array.of(-1, 0.25, 1, 0.5, 1, 0.5),
    bias: Float32Array.of(0, 0.1, 0),
    anchors: Float32Array.of(0, 0),
  };
  const exact = oracleRow(args, args.data).flipCap;
  expect(exact).toBeCloseTo(1.41426, 4);
  for (const kernels of makers) {
    const { flipCap } = await kernels.flipSearch(args);
    expect(Math.abs(flipCap[0] - exact), kernels.level).toBeLessThanOrEqual(band(exact));
  }
});

describe('k-means', () => {
  test('labels are nearest centers, inertia is their sum, no cluster is empty, all backends agree', async () => {
    const cases = fc.record({
      rows: fc.integer({ min: 1, max: 70 }),
      dim: fc.integer({ min: 1, max: 40 }),
      share: fc.constantFrom(0, 0.1, 0.5, 1),
      offset: fc.constantFrom(0, 1000),
      distinct: fc.constantFrom(3, 70),
      nInit: fc.integer({ min: 1, max: 2 }),
      seed: fc.integer({ min: 0, max: 1000 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, dim, share, offset, distinct, nInit, seed }) => {
        const data = noise(rows * dim, offset);
        for (let i = distinct; i < rows; i++) {
          data.copyWithin(i * dim, (i % distinct) * dim, ((i % distinct) + 1) * dim);
        }
        const unlike = new Set(
          Array.from({ length: rows }, (_, i) => data.slice(i * dim, (i + 1) * dim).join()),
        );
        const clusters = Math.max(1, Math.round(share * rows));
        const args = { data, rows, dim, clusters, seed, nInit };
        const results = await Promise.all(makers.map((kernels) => kernels.kmeans(args)));
        const { labels, centers, inertia } = results[0];
        let sum = 0;
        for (let i = 0; i < rows; i++) {
          const own = distance2(data, i, centers, labels[i], dim);
          for (let k = 0; k < clusters; k++) {
            expect(own).toBeLessThanOrEqual(distance2(data, i, centers, k, dim) * (1 + 1e-9));
          }
          sum += own;
        }
        expect(Math.abs(inertia - sum)).toBeLessThanOrEqual(1e-9 * sum);
        if (unlike.size >= clusters) expect(new Set(labels).size).toBe(clusters);
        if (clusters === unlike.size) expect(inertia).toBe(0);
        for (const other of results) expect(other).toEqual(results[0]);
      }),
      { numRuns: 150 },
    );
  });
});
