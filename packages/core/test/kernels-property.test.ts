import { open } from 'node:fs/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FlipSearchArgs, Kernels } from '../src/kernels/kernels.js';
import { Pool } from '../src/pool/pool.js';
import { Rng } from '../src/random/xoshiro.js';
import { npy, testFolder } from './support/files.js';
import { everyKernels } from './support/golden.js';
import { oracleRow, type Problem, predictMixed } from './support/oracle.js';

const folder = testFolder();
let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

type Kind = 'gaussian' | 'relu' | 'quantised' | 'offset' | 'duplicates';

/** A seeded problem of a kind; anchors are means of two rows, and some rows are anchors or zero. */
function makeProblem(kind: Kind, rows: number, dim: number, classes: number, seed: number): Problem {
  const rng = new Rng(seed);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - rng.uniform())) * Math.cos(2 * Math.PI * rng.uniform());
  const shape = { gaussian: 0, relu: 0, quantised: 0, offset: 50, duplicates: 0 }[kind];
  const value = () => {
    const x = gauss() + shape;
    if (kind === 'relu') return Math.max(0, x);
    if (kind === 'quantised') return Math.round(2 * x);
    return x;
  };
  const data = Float32Array.from({ length: rows * dim }, value);
  if (kind === 'duplicates') {
    for (let i = 0; i < rows; i++) data.copyWithin(i * dim, (i % 3) * dim, ((i % 3) + 1) * dim);
  }
  const labelled = Float32Array.from({ length: 2 * classes * dim }, value);
  const anchors = Float32Array.from(
    { length: classes * dim },
    (_, i) => (labelled[i] + labelled[i + classes * dim]) / 2,
  );
  if (rows > 2) data.set(anchors.subarray(0, dim), dim);
  if (rows > 3) data.fill(0, 2 * dim, 3 * dim);
  const weight = Float32Array.from({ length: classes * dim }, gauss);
  const bias = Float32Array.from({ length: classes }, () => 0.1 * gauss());
  return { data, rows, dim, weight, bias, classes, anchors };
}

const problems = fc
  .record({
    kind: fc.constantFrom<Kind>('gaussian', 'relu', 'quantised', 'offset', 'duplicates'),
    rows: fc.integer({ min: 1, max: 70 }),
    dim: fc.integer({ min: 1, max: 70 }),
    classes: fc.integer({ min: 2, max: 12 }),
    seed: fc.integer({ min: 0, max: 1e6 }),
  })
  .map(({ kind, rows, dim, classes, seed }) => makeProblem(kind, rows, dim, classes, seed));

describe('flipSearch against the slow oracle', () => {
  test('pseudo-labels, flip caps, anchors', async () => {
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        for (const kernels of makers) {
          const found = await kernels.flipSearch(problem);
          for (let i = 0; i < problem.rows; i++) {
            const row = oracleRow(problem, i);
            const at = `${kernels.level}, row ${i}`;
            expect(found.pseudoLabel[i], at).toBe(row.pseudoLabel);
            // Above 1e4 caps are quotients by nearly no gain; there the oracle's own double rounding shows.
            if (row.flipCap > 1e4) {
              expect(found.flipCap[i], at).toBeGreaterThan(1e3);
              continue;
            }
            const band = 1e-5 + 1e-4 * row.flipCap;
            expect(Math.abs(found.flipCap[i] - row.flipCap), at).toBeLessThanOrEqual(band);
            expect(row.flipCaps[found.flipAnchor[i]] - row.flipCap, at).toBeLessThanOrEqual(2 * band);
          }
        }
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test('mixing just beyond the flip cap changes the prediction to flipTo, just before it does not', async () => {
    const problem = makeProblem('relu', 60, 24, 5, 3);
    for (const kernels of makers) {
      const found = await kernels.flipSearch(problem);
      let flips = 0;
      for (let i = 0; i < problem.rows; i++) {
        const cap = found.flipCap[i];
        if (!(cap > 1e-3 && cap < 100)) continue;
        flips++;
        expect(predictMixed(problem, i, found.flipAnchor[i], cap * 1.001)).toBe(found.flipTo[i]);
        expect(predictMixed(problem, i, found.flipAnchor[i], cap * 0.999)).toBe(found.pseudoLabel[i]);
      }
      expect(flips).toBeGreaterThan(40);
    }
  });

  test('wide heads, long rows, equal head rows, no anchors', async () => {
    for (const [dim, classes] of [
      [700, 3],
      [5, 130],
    ]) {
      const problem = makeProblem('relu', 40, dim, classes, 9);
      problem.weight.copyWithin(dim, 0, dim);
      problem.bias[1] = problem.bias[0];
      for (const kernels of makers) {
        const found = await kernels.flipSearch(problem);
        const bare = await kernels.flipSearch({ ...problem, anchors: new Float32Array(0) });
        expect(bare.pseudoLabel).toEqual(found.pseudoLabel);
        expect(bare.flipCap.every((cap) => cap === Number.POSITIVE_INFINITY)).toBe(true);
        for (let i = 0; i < problem.rows; i++) {
          const { flipCap, pseudoLabel } = oracleRow(problem, i);
          expect(found.pseudoLabel[i]).toBe(pseudoLabel);
          expect(Math.abs(found.flipCap[i] - flipCap)).toBeLessThanOrEqual(1e-5 + 1e-4 * flipCap);
        }
      }
    }
  });
});

describe('kmeans', () => {
  test('labels are the nearest centers in double, the inertia theirs, on every maker the same', async () => {
    await fc.assert(
      fc.asyncProperty(problems, fc.double({ min: 0, max: 1, noNaN: true }), async (problem, share) => {
        const { data, rows, dim } = problem;
        const clusters = 1 + Math.floor(share * (rows - 1));
        const [first, ...others] = await Promise.all(
          makers.map((kernels) => kernels.kmeans({ data, rows, dim, clusters, seed: 5 })),
        );
        const distance2 = (i: number, k: number) => {
          let sum = 0;
          for (let j = 0; j < dim; j++) sum += (data[i * dim + j] - first.centers[k * dim + j]) ** 2;
          return sum;
        };
        let inertia = 0;
        for (let i = 0; i < rows; i++) {
          const all = Array.from({ length: clusters }, (_, k) => distance2(i, k));
          const own = all[first.labels[i]];
          expect(own - Math.min(...all)).toBeLessThanOrEqual(1e-9 * (1 + own));
          inertia += own;
        }
        expect(Math.abs(first.inertia - inertia)).toBeLessThanOrEqual(1e-9 * (1 + inertia));
        const distinct = new Set(
          Array.from({ length: rows }, (_, i) => data.subarray(i * dim, (i + 1) * dim).join()),
        ).size;
        expect(new Set(first.labels).size).toBeLessThanOrEqual(distinct);
        if (clusters <= distinct) expect(new Set(first.labels).size).toBe(clusters);
        for (const other of others) expect(other.inertia).toBeLessThan(first.inertia * 1.5 + 1e-6);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  test('from the same centers the same labels, also far from the origin', async () => {
    const problem = makeProblem('gaussian', 600, 20, 2, 4);
    for (const offset of [0, 1000]) {
      const data = problem.data.map((x) => x + offset);
      const args = { data, rows: 600, dim: 20, clusters: 25, initialCenters: data.slice(0, 25 * 20) };
      const [first, ...others] = await Promise.all(makers.map((kernels) => kernels.kmeans(args)));
      expect(first.converged).toBe(true);
      for (const other of others) expect(other).toEqual(first);
    }
  });
});

describe('inputs, progress and abort', () => {
  const small = () => makeProblem('relu', 50, 33, 4, 8);

  test('views and shared memory give the same bytes as a plain array', async () => {
    const problem = small();
    const shared = new Float32Array(new SharedArrayBuffer(problem.data.byteLength));
    shared.set(problem.data);
    const wide = new Float32Array(problem.data.length + 10);
    wide.set(problem.data, 7);
    const view = wide.subarray(7, 7 + problem.data.length);
    for (const kernels of makers) {
      const plain = await kernels.flipSearch(problem);
      expect(await kernels.flipSearch({ ...problem, data: shared })).toEqual(plain);
      expect(await kernels.flipSearch({ ...problem, data: view })).toEqual(plain);
    }
  });

  test('a detached input is refused', async () => {
    for (const kernels of makers) {
      const problem = small();
      structuredClone(problem.data.buffer, { transfer: [problem.data.buffer as ArrayBuffer] });
      await expect(kernels.flipSearch(problem)).rejects.toMatchObject({ name: 'AlfamixError' });
    }
  });

  test('the lowest row with NaN or infinity is named, whatever the threads', async () => {
    for (const kernels of makers) {
      for (const threads of [1, 2, 5]) {
        const problem = makeProblem('gaussian', 9000, 40, 3, 1);
        problem.data[8000 * 40 + 3] = Number.NaN;
        problem.data[4321 * 40 + 39] = Number.POSITIVE_INFINITY;
        await expect(kernels.flipSearch({ ...problem, threads })).rejects.toMatchObject({
          code: 'NON_FINITE',
          details: { row: 4321 },
        });
      }
    }
  });

  test('a file gives the same bytes as memory, and an error when it ends early', async () => {
    const problem = makeProblem('relu', 3000, 37, 4, 6);
    const path = folder.put('pool.npy', npy(problem.data, [3000, 37]));
    const pool = await Pool.open(path);
    for (const kernels of makers) {
      const args: FlipSearchArgs = { ...problem, data: pool.source };
      expect(await kernels.flipSearch(args)).toEqual(await kernels.flipSearch(problem));
    }
    const file = await open(path, 'r+');
    await file.truncate(200_000);
    await file.close();
    for (const kernels of makers) {
      await expect(kernels.flipSearch({ ...problem, data: pool.source })).rejects.toMatchObject({
        code: 'IO',
      });
    }
    pool.close();
  });

  test('progress rises to the total; an abort is answered within 50 ms with its reason', async () => {
    const big = makeProblem('gaussian', 60_000, 128, 10, 2);
    for (const kernels of makers) {
      const seen: number[] = [];
      const rows = kernels.backend === 'js' ? 4000 : 60_000;
      const args = { ...big, data: big.data.subarray(0, rows * 128), rows };
      await kernels.flipSearch({ ...args, onProgress: (done, total) => seen.push(done / total) });
      expect(seen.at(-1)).toBe(1);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));

      const reason = new Error('enough');
      await expect(kernels.flipSearch({ ...args, signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
        code: 'ABORTED',
        cause: reason,
      });
      const controller = new AbortController();
      const job = kernels.kmeans({
        data: args.data,
        rows,
        dim: 128,
        clusters: Math.min(rows, 2000),
        signal: controller.signal,
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const start = performance.now();
      controller.abort(reason);
      await expect(job).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
      expect(performance.now() - start).toBeLessThan(50);
    }
  });
});
