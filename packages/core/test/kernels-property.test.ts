import { truncateSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AlfamixError } from '../src/errors.js';
import type { FlipSearchArgs, JobOptions, Kernels, RowSource } from '../src/kernels/kernels.js';
import { Pool } from '../src/pool/pool.js';
import { fails, npy, testFolder } from './support/files.js';
import { everyKernels } from './support/golden.js';
import { distance2, mixLead, type OracleInput, oracleRow } from './support/oracle.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

const { put } = testFolder();
/** The band of docs/flip-search.md. */
const band = (cap: number) => 1e-5 + 1e-4 * cap;

/** Uniform numbers in [0, 1), the same for the same seed. */
function uniform(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kinds = ['plain', 'relu', 'quantised', 'offset'] as const;

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
  classes: fc.integer({ min: 2, max: 12 }),
  anchorCount: fc.integer({ min: 0, max: 12 }),
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

/** Rows with little structure, for jobs that must be large. */
function noise(length: number, offset = 0): Float32Array {
  const next = uniform(length);
  return Float32Array.from({ length }, () => Math.fround(next() + offset));
}

function flipJob(rows: number, dim: number, classes = 4): FlipSearchArgs & { data: Float32Array } {
  const weight = noise(classes * dim);
  const anchors = noise(classes * dim + 1).subarray(1);
  return { data: noise(rows * dim), rows, dim, weight, bias: noise(classes), classes, anchors };
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
          exact.forEach((row, i) => {
            const at = `${kernels.level}, row ${i}`;
            // A tie of the two largest logits, to rounding: either label is right, and the rest follows it.
            if (found.pseudoLabel[i] !== row.label && row.gap <= 1e-6) return;
            expect(found.pseudoLabel[i], at).toBe(row.label);
            for (const key of ['confidence', 'margin', 'entropy'] as const) {
              expect(Math.abs(found[key][i] - row[key]), `${key}, ${at}`).toBeLessThanOrEqual(2e-5);
            }
            const [cap, anchor, to] = [found.flipCap[i], found.flipAnchor[i], found.flipTo[i]];
            // Far beyond any cap in use the last masked sum may be rounding alone: "large" is all there is to say.
            if (cap > 1e4 && row.flipCap > 1e4) return;
            if (row.flipCap === Number.POSITIVE_INFINITY) {
              expect([cap, anchor, to], at).toEqual([row.flipCap, -1, -1]);
              return;
            }
            expect(Math.abs(cap - row.flipCap), `${cap} for ${row.flipCap}, ${at}`).toBeLessThanOrEqual(
              band(row.flipCap),
            );
            // The anchor named is one of the nearest, to the same accuracy.
            expect(Math.abs(row.caps[anchor] - row.flipCap), at).toBeLessThanOrEqual(2 * band(row.flipCap));
            expect(to >= 0 && to < args.classes && to !== row.label, at).toBe(true);
            const z = args.data.subarray(i * args.dim, (i + 1) * args.dim);
            // 1e-14 of the largest product is what summing in double may lose.
            expect(mixLead(input, z, anchor, cap + 2 * band(cap)), at).toBeGreaterThan(-1e-14);
            const before = cap - 2 * band(cap);
            if (before <= 0) return;
            row.caps.forEach((_, k) => {
              if (row.caps[k] === Number.POSITIVE_INFINITY) return;
              expect(mixLead(input, z, k, before), `${at}, anchor ${k}`).toBeLessThan(1e-14);
            });
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

/** One call of each kernel, long enough to be stopped on the way. */
const longCalls: [string, (kernels: Kernels, options: JobOptions) => Promise<unknown>][] = (() => {
  const dim = 64;
  const rows = 150_000;
  let data: Float32Array | undefined;
  const matrix = () => {
    data ??= noise(rows * dim);
    return { data, rows, dim };
  };
  return [
    [
      'flipSearch',
      (kernels, options) => {
        const { data: _, rows: __, ...head } = flipJob(1, dim, 40);
        return kernels.flipSearch({ ...head, ...matrix(), ...options });
      },
    ],
    [
      'kmeans',
      (kernels, options) => kernels.kmeans({ ...matrix(), clusters: 50, maxIterations: 3, ...options }),
    ],
  ];
})();

const within = (kernels: Kernels) => (kernels.backend === 'js' ? 100 : 50);

describe.each(longCalls)('%s: abort and progress', (_name, call) => {
  test('a signal that has fired already', async () => {
    const signal = AbortSignal.abort('too late');
    for (const kernels of makers) {
      const error = await fails(() => call(kernels, { signal }), 'ABORTED', /aborted/);
      expect(error.cause).toBe('too late');
    }
  });

  test('a signal that fires on the way', async () => {
    for (const kernels of makers) {
      const controller = new AbortController();
      const reason = new Error('enough');
      let firedAt = 0;
      const running = call(kernels, { signal: controller.signal, threads: 2 });
      setTimeout(() => {
        firedAt = performance.now();
        controller.abort(reason);
      }, 15);
      const error = await fails(() => running, 'ABORTED', /aborted/);
      expect(performance.now() - firedAt, kernels.level).toBeLessThan(within(kernels));
      expect(error.cause).toBe(reason);
    }
  });
});

describe('progress', () => {
  test('never goes back and ends at the total', async () => {
    const args = flipJob(20_000, 32);
    for (const kernels of makers) {
      for (const call of [
        (options: JobOptions) => kernels.flipSearch({ ...args, ...options }),
        (options: JobOptions) => kernels.kmeans({ ...args, clusters: 10, maxIterations: 5, ...options }),
        (options: JobOptions) => kernels.normalizeRows({ ...args, ...options }),
      ]) {
        const seen: [number, number][] = [];
        await call({ onProgress: (done, total) => seen.push([done, total]), threads: 2 });
        expect(seen.length, kernels.level).toBeGreaterThan(0);
        for (let i = 1; i < seen.length; i++) expect(seen[i][0]).toBeGreaterThanOrEqual(seen[i - 1][0]);
        expect(seen.at(-1)![0], kernels.level).toBe(seen.at(-1)![1]);
      }
    }
  });

  test('the event loop stays free', async () => {
    const kernels = makers[0];
    expect(kernels.backend).toBe('js');
    const head = flipJob(20_000, 64, 10);
    for (const call of [
      () => kernels.flipSearch(head),
      () => kernels.kmeans({ ...head, clusters: 20, maxIterations: 3 }),
      () => kernels.normalizeRows(head),
    ]) {
      await call(); // compiled and warm
      let last = performance.now();
      let longest = 0;
      const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 1);
      await call();
      clearInterval(timer);
      expect(Math.max(longest, performance.now() - last)).toBeLessThan(30);
    }
  });
});

describe('where rows live', () => {
  const memory = (rows: number, dim: number) => flipJob(rows, dim);

  test('shared memory and views give the same bytes', async () => {
    const args = memory(333, 13);
    const shared = new Float32Array(new SharedArrayBuffer(args.data.byteLength));
    shared.set(args.data);
    const wide = new Float32Array(args.data.length + 3).fill(Number.NaN);
    wide.set(args.data, 1);
    const view = wide.subarray(1, 1 + args.data.length);
    for (const kernels of makers) {
      const expected = await kernels.flipSearch(args);
      for (const data of [shared, view]) {
        expect(await kernels.flipSearch({ ...args, data }), kernels.level).toEqual(expected);
        expect(await kernels.normalizeRows({ ...args, data })).toEqual(await kernels.normalizeRows(args));
        const clustered = await kernels.kmeans({ ...args, clusters: 5 });
        expect(await kernels.kmeans({ ...args, data, clusters: 5 })).toEqual(clustered);
      }
    }
  });

  test('a detached array is refused', async () => {
    const args = memory(20, 4);
    structuredClone(args.data.buffer, { transfer: [args.data.buffer as ArrayBuffer] });
    for (const kernels of makers) {
      await fails(() => kernels.flipSearch(args), 'INVALID_ARGUMENT', /detached/);
      await fails(() => kernels.kmeans({ ...args, clusters: 2 }), 'INVALID_ARGUMENT', /detached/);
      await fails(() => kernels.normalizeRows(args), 'INVALID_ARGUMENT', /detached/);
    }
  });

  test('a file gives the same bytes as memory', async () => {
    for (const [rows, dim] of [
      [1, 1],
      [70, 33],
      [9001, 130],
    ]) {
      const args = memory(rows, dim);
      using pool = await Pool.open(put(`same-${rows}.npy`, npy(args.data, [rows, dim])));
      for (const kernels of makers) {
        const expected = await kernels.flipSearch(args);
        for (const threads of [1, 2, 5]) {
          expect(await kernels.flipSearch({ ...args, data: pool.source, threads }), kernels.level).toEqual(
            expected,
          );
        }
      }
    }
  });

  test('the lowest bad row is named', async () => {
    const [rows, dim] = [9001, 130];
    for (const bad of [[8000], [4097, 8000], [0, 9000], [2300, 2301, 4097]]) {
      const args = memory(rows, dim);
      bad.forEach((row, at) => {
        args.data[row * dim + (row % dim)] = at % 2 ? Number.NEGATIVE_INFINITY : Number.NaN;
      });
      using pool = await Pool.open(put(`bad-${bad[0]}.npy`, npy(args.data, [rows, dim])));
      for (const kernels of makers) {
        for (const threads of [1, 2, 5]) {
          const job = { ...args, threads, clusters: 3 };
          const calls: (() => Promise<unknown>)[] = [
            () => kernels.flipSearch(job),
            () => kernels.flipSearch({ ...job, data: pool.source }),
            () => kernels.kmeans(job),
            () => kernels.normalizeRows(job),
          ];
          for (const [c, call] of calls.entries()) {
            const error = await fails(call, 'NON_FINITE', /finite/);
            expect(error.details.row, `${kernels.level}, call ${c}, ${threads} threads`).toBe(bad[0]);
          }
        }
      }
    }
  });

  test('a file cut short during the run', async () => {
    const [rows, dim] = [60_000, 64];
    const args = flipJob(rows, dim, 10);
    const bytes = npy(args.data, [rows, dim]);
    for (const kernels of makers) {
      const path = put(`cut-${kernels.level}.npy`, bytes);
      using pool = await Pool.open(path);
      const cutBefore = async (source: RowSource) => {
        const running = kernels.flipSearch({ ...args, data: source, threads: 1 });
        truncateSync(path, 5000);
        return running;
      };
      const error: AlfamixError = await fails(() => cutBefore(pool.source), 'IO', /./);
      expect(error.message).toContain(path);
    }
  });
});
