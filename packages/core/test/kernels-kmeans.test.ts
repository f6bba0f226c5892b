import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Kernels, KMeansArgs, KMeansResult } from '../src/kernels/kernels.js';
import { Rng } from '../src/random/xoshiro.js';
import { noise } from './support/flip-job.js';
import { everyKernels } from './support/golden-cases.js';
import { distance2 } from './support/oracle.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

/** The same bytes from every backend and level. */
async function agreed(args: KMeansArgs): Promise<KMeansResult> {
  const [first, ...others] = await Promise.all(makers.map((kernels) => kernels.kmeans(args)));
  for (const other of others) expect(other).toEqual(first);
  return first;
}

/** Rows around `groups` centers, some rows twice, as far from the origin as `offset`. */
function clumped(rows: number, dim: number, groups: number, seed: number, offset = 0): Float32Array {
  const rng = new Rng(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - rng.uniform())) * Math.cos(2 * Math.PI * rng.uniform());
  const middles = Float32Array.from({ length: groups * dim }, () => 2 * normal());
  const data = new Float32Array(rows * dim);
  for (let i = 0; i < rows; i++) {
    const group = rng.below(groups);
    for (let j = 0; j < dim; j++) data[i * dim + j] = offset + middles[group * dim + j] + normal();
    if (i > 0 && rng.uniform() < 0.1) data.copyWithin(i * dim, (i - 1) * dim, i * dim);
  }
  return data;
}

function counts({ labels }: KMeansResult, clusters: number): Int32Array {
  const sizes = new Int32Array(clusters);
  for (const k of labels) sizes[k]++;
  return sizes;
}

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 90 }),
  dim: fc.integer({ min: 1, max: 40 }),
  share: fc.constantFrom(0, 0.1, 0.3, 0.7, 1),
  offset: fc.constantFrom(0, 1000),
  distinct: fc.constantFrom(3, 90),
  nInit: fc.integer({ min: 1, max: 2 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

function job({ rows, dim, share, offset, distinct, nInit, seed }: Record<string, number>): KMeansArgs {
  const data = noise(rows * dim, offset);
  for (let i = distinct; i < rows; i++)
    data.copyWithin(i * dim, (i % distinct) * dim, ((i % distinct) + 1) * dim);
  return { data, rows, dim, clusters: Math.max(1, Math.round(share * rows)), nInit, seed };
}

describe("Hartigan's moves", () => {
  test('end where no single row would lower the inertia elsewhere, centers moving along', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const args = job(shape);
        const { data, rows, dim, clusters } = args;
        const found = await agreed({ ...args, algorithm: 'hartigan' });
        expect(found.converged).toBe(true);
        const sizes = counts(found, clusters);
        const slack = 1e-5 * (1 + shape.offset ** 2 * 1e-3);
        for (let i = 0; i < rows; i++) {
          const own = found.labels[i];
          if (sizes[own] === 1) continue;
          const saved = (sizes[own] / (sizes[own] - 1)) * distance2(data, i, found.centers, own, dim);
          for (let k = 0; k < clusters; k++) {
            if (k === own) continue;
            const cost = (sizes[k] / (sizes[k] + 1)) * distance2(data, i, found.centers, k, dim);
            expect(saved).toBeLessThanOrEqual(cost + slack * dim);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test('end lower than Lloyd where clusters are small', async () => {
    const args = { data: clumped(900, 24, 60, 1), rows: 900, dim: 24, clusters: 200 };
    const lloyd = await agreed(args);
    const hartigan = await agreed({ ...args, algorithm: 'hartigan' });
    expect(hartigan.inertia).toBeLessThan(0.97 * lloyd.inertia);
  });

  test('stop at maxIterations', async () => {
    const args = { data: clumped(600, 8, 30, 2), rows: 600, dim: 8, clusters: 60 };
    const found = await agreed({ ...args, algorithm: 'hartigan', maxIterations: 3 });
    expect([found.iterations, found.converged]).toEqual([3, false]);
  });
});

describe('many passes over few moved centers', () => {
  test.each([
    ['clumps', 0],
    ['clumps far from the origin', 300],
  ])('%s: the bytes of the twin, at any number of threads', async (_name, offset) => {
    const args = { data: clumped(3000, 33, 150, 3, offset), rows: 3000, dim: 33, clusters: 90, seed: 5 };
    for (const algorithm of ['lloyd', 'hartigan'] as const) {
      const found = await agreed({ ...args, algorithm });
      expect(found.converged).toBe(true);
      expect(found.iterations).toBeGreaterThan(8);
      for (const threads of [1, 2, 5])
        expect(await makers.at(-1)!.kmeans({ ...args, algorithm, threads })).toEqual(found);
    }
  });

  test('values whose products leave float32', async () => {
    for (const factor of [1e25, 1e-30]) {
      const data = clumped(300, 9, 20, 4).map((x) => x * factor);
      for (const algorithm of ['lloyd', 'hartigan'] as const)
        expect((await agreed({ data, rows: 300, dim: 9, clusters: 20, algorithm })).converged).toBe(true);
    }
  });
});

describe('rows by index and scaled', () => {
  test('are clustered as their copy is', async () => {
    const dim = 19;
    const data = clumped(500, dim, 25, 6);
    const rng = new Rng(9);
    const index = Int32Array.from({ length: 240 }, () => rng.below(500));
    const scale = Float32Array.from({ length: 240 }, () => rng.uniform() + 0.5);
    const copy = (factor: (i: number) => number) =>
      Float32Array.from({ length: 240 * dim }, (_, p) => {
        const i = Math.floor(p / dim);
        return data[index[i] * dim + (p % dim)] * factor(i);
      });
    const rows = { rows: 240, dim, clusters: 30, seed: 2 };
    for (const algorithm of ['lloyd', 'hartigan'] as const) {
      const plain = await agreed({ ...rows, algorithm, data: copy(() => 1) });
      expect(await agreed({ ...rows, algorithm, data, index })).toEqual(plain);
      const scaled = await agreed({ ...rows, algorithm, data: copy((i) => scale[i]) });
      expect(await agreed({ ...rows, algorithm, data, index, scale })).toEqual(scaled);
      const { centers, labels } = scaled;
      const members = { rows: 240, dim, clusters: 30, centers, labels };
      for (const kernels of makers) {
        const wanted = await kernels.nearestMembers({ ...members, data: copy((i) => scale[i]) });
        expect(await kernels.nearestMembers({ ...members, data, index, scale })).toEqual(wanted);
      }
    }
  });

  test('are named by their place where they are not finite', async () => {
    const data = clumped(50, 3, 5, 7);
    data[31 * 3] = Number.NaN;
    const args = { data, rows: 4, dim: 3, clusters: 2 };
    for (const kernels of makers) {
      const index = Int32Array.of(2, 31, 31, 4);
      await expect(kernels.kmeans({ ...args, index })).rejects.toThrow(/infinity in row 1$/);
      await kernels.kmeans({ ...args, index: Int32Array.of(2, 30, 32, 4) });
    }
  });
});

describe('seeds', () => {
  test('cost no more than those of greedy k-means++, one draw a seed', async () => {
    const dim = 16;
    for (const groups of [8, 40, 400]) {
      const data = clumped(1500, dim, groups, groups);
      const clusters = 40;
      const mean = { batched: 0, greedy: 0 };
      for (let seed = 0; seed < 6; seed++) {
        const args = { data, rows: 1500, dim, clusters, seed };
        mean.batched += (await makers.at(-1)!.kmeans(args)).inertia;
        const initialCenters = greedySeeds(data, dim, clusters, seed);
        mean.greedy += (await makers.at(-1)!.kmeans({ ...args, initialCenters })).inertia;
      }
      expect(mean.batched).toBeLessThan(1.01 * mean.greedy);
    }
  });
});

/** Greedy k-means++ as it is written down: 2 + ⌊ln K⌋ draws a seed, the best of them taken. */
function greedySeeds(data: Float32Array, dim: number, clusters: number, seed: number): Float32Array {
  const rows = data.length / dim;
  const rng = new Rng(seed);
  const centers = new Float32Array(clusters * dim);
  let closest = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const lowered = (row: number) => closest.map((d, i) => Math.min(d, distance2(data, i, data, row, dim)));
  const total = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  for (let k = 0; k < clusters; k++) {
    const draws = k === 0 ? 1 : 2 + Math.floor(Math.log(clusters));
    let best = 0;
    let after: Float64Array<ArrayBuffer> | undefined;
    for (let draw = 0; draw < draws; draw++) {
      let row = k === 0 ? rng.below(rows) : 0;
      if (k > 0)
        for (let left = rng.uniform() * total(closest) - closest[0]; left >= 0; left -= closest[row]) row++;
      const next = lowered(row);
      if (after && total(next) >= total(after)) continue;
      after = next;
      best = row;
    }
    closest = after!;
    centers.set(data.subarray(best * dim, (best + 1) * dim), k * dim);
  }
  return centers;
}

test('rows of one repeated value, whose products round the same way every time', async () => {
  const [rows, dim, clusters] = [3000, 256, 300];
  const data = new Float32Array(rows * dim);
  let state = 1;
  for (let i = 0; i < rows; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data.fill(state / 2 ** 32, i * dim, (i + 1) * dim);
  }
  const { converged } = await agreed({ data, rows, dim, clusters, seed: 0 });
  expect(converged).toBe(true);
});
