import { describe, expect, test } from 'vitest';
import { getKernels, getStrategy, type Kernels, LabeledSet, Pool, Rng, select } from '../src/index.js';
import { Slices } from '../src/kernels/js/slices.js';
import { dropOut } from '../src/strategies/dropout.js';
import { CosineGraph, product } from '../src/strategies/gcn-graph.js';
import { Gcn } from '../src/strategies/gcn-network.js';
import { fails } from './support/files.js';
import { digitsEntries, everyKernels, goldenCase } from './support/golden-cases.js';
import { distance2 } from './support/oracle.js';
import { rowsOf, survivesDegenerateCases, watched } from './support/strategy-cases.js';

const picked = ({ picks }: { picks: { row: number }[] }) => picks.map(({ row }) => row);
const slices = () => new Slices(1, {});

function unit(data: Float32Array, dim: number): Float32Array {
  return data.map((x, k) => {
    const row = Math.floor(k / dim) * dim;
    return x / (Math.hypot(...data.subarray(row, row + dim)) || 1);
  });
}

/** A = (XXᵀ − I)·diag(1 / degree) + I, formed. */
function affinities(x: Float32Array, rows: number): number[][] {
  const dim = x.length / rows;
  const cosine = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: rows }, (_column, j) => {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += x[i * dim + k] * x[j * dim + k];
      return sum;
    }),
  );
  const degree = cosine.map((_, j) => {
    const sum = cosine.reduce((total, row) => total + row[j], -1);
    const squares = cosine.reduce((total, row) => total + row[j] ** 2, -1);
    return Math.max(sum, squares);
  });
  return cosine.map((row, i) =>
    row.map((value, j) => {
      const self = i === j ? 1 : 0;
      return (degree[j] > 1e-4 ? (value - self) / degree[j] : 0) + self;
    }),
  );
}

const times = (a: number[][], v: ArrayLike<number>) =>
  a.map((row) => row.reduce((sum, value, j) => sum + value * v[j], 0));

/** Each number within tolerance · (1 + its size). */
function expectClose(
  found: ArrayLike<number>,
  exact: ArrayLike<number>,
  tolerance: number,
  at: string,
): void {
  expect(found.length, at).toBe(exact.length);
  const off = Array.from(exact, (value, i) => Math.abs(found[i] - value) / (1 + Math.abs(value)));
  const worst = off.reduce((most, value) => Math.max(most, value), 0);
  expect(worst, `${at}, number ${off.indexOf(worst)}`).toBeLessThanOrEqual(tolerance);
}

const graphs: [string, Float32Array, number][] = [
  ['features of one sign', rowsOf(30, 6).map(Math.abs), 6],
  ['signed features', rowsOf(30, 6), 6],
  ['many signed features', rowsOf(60, 24), 24],
  ['duplicates', rowsOf(30, 6, 4), 6],
  ['opposite rows', Float32Array.of(1, 0, -1, 0, 1, 0, -1, 0), 2],
  ['rows at right angles', Float32Array.of(1, 0, 0, 0, 2, 0, 0, 0, 3), 3],
  ['zeros', Float32Array.of(0, 0, 1, 2, 0, 0, 2, 1), 2],
  ['one dimension', Float32Array.of(1, -2, 3, 0), 1],
  ['two rows', Float32Array.of(1, 2, 2, 1), 2],
];

test('products of any number of columns, in parts too', async () => {
  const dim = 300_000;
  for (const columns of [1, 2, 3, 4, 7]) {
    const [a, b] = [rowsOf(3, dim), rowsOf(columns, dim, columns, 2)];
    const bias = Float32Array.from({ length: columns }, (_, c) => c + 1);
    const exact = Array.from({ length: 3 * columns }, (_, at) => {
      const [i, c] = [Math.floor(at / columns), at % columns];
      let sum = bias[c];
      for (let j = 0; j < dim; j++) sum += a[i * dim + j] * b[c * dim + j];
      return sum;
    });
    for (const kernels of await everyKernels()) {
      const found = await product({ kernels }, a, b, dim, bias);
      // Sums of 300,000 numbers of about 1, in float32.
      expectClose(found, exact, 1e-4, `${columns} columns, ${kernels.level}`);
    }
  }
});

describe('the graph of cosines', () => {
  test.each(graphs)('%s: as if the affinities were formed', async (_, data, dim) => {
    const rows = data.length / dim;
    const x = unit(data, dim);
    const a = affinities(x, rows);
    const transposed = a.map((_row, i) => a.map((row) => row[i]));
    const v = Float64Array.from({ length: rows }, (_value, i) => Math.sin(3 * i));
    for (const kernels of await everyKernels()) {
      const at = kernels.level;
      const graph = await CosineGraph.of(x, rows, { kernels }, slices());
      expectClose(await graph.times(v, { kernels }), times(a, v), 2e-6, at);
      expectClose(await graph.transposedTimes(v, { kernels }), times(transposed, v), 2e-6, at);
      for (let j = 0; j < dim; j++) {
        const column = times(
          a,
          Array.from({ length: rows }, (_value, i) => x[i * dim + j]),
        );
        const found = Array.from(column, (_value, i) => graph.propagated[i * dim + j]);
        expectClose(found, column, 2e-6, at);
        expect(Array.from(graph.propagatedT.subarray(j * rows, (j + 1) * rows))).toEqual(found);
      }
    }
  });

  test('with features of one sign the degree is the plain column sum', () => {
    const x = unit(rowsOf(30, 6).map(Math.abs), 6);
    const a = affinities(x, 30);
    for (let j = 0; j < 30; j++) {
      // Columns of (XXᵀ − I)·diag(1 / sums) sum to one.
      expect(a.reduce((sum, row) => sum + row[j], 0)).toBeCloseTo(2, 10);
    }
  });
});

const HIDDEN = 128;

/** The network and its training by the loss alone: dense affinities, gradients by central differences, in double. */
class Oracle {
  readonly parameters: Float64Array;
  /** Hidden units that came so near to ReLU's kink that a difference may reach over it. */
  readonly doubtful = new Set<number>();
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #steps = 0;

  constructor(
    readonly a: number[][],
    readonly x: Float32Array,
    readonly dim: number,
    readonly unlabelled: number,
    readonly rng: Rng,
  ) {
    const first = HIDDEN * (dim + 1);
    this.parameters = Float64Array.from({ length: first + HIDDEN + 1 }, (_, i) =>
      Math.fround((i < first ? 1 / Math.sqrt(HIDDEN) : 1) * (2 * rng.uniform() - 1)),
    );
    this.#mean = new Float64Array(this.parameters.length);
    this.#square = new Float64Array(this.parameters.length);
  }

  /** A·X·W₁ + b₁. */
  inner(): number[][] {
    const { x, dim, parameters, a } = this;
    const support = a.map((_, i) =>
      Array.from({ length: HIDDEN }, (_value, k) => {
        let sum = 0;
        for (let j = 0; j < dim; j++) sum += x[i * dim + j] * parameters[k * dim + j];
        return sum;
      }),
    );
    return a.map((row) =>
      Array.from({ length: HIDDEN }, (_value, k) =>
        row.reduce((sum, value, j) => sum + value * support[j][k], parameters[HIDDEN * dim + k]),
      ),
    );
  }

  hidden(): number[][] {
    return this.inner().map((row) => row.map((value) => Math.max(0, value)));
  }

  loss(lambda: number, masks: Float32Array): number {
    const second = HIDDEN * (this.dim + 1);
    const support = this.hidden().map((row, i) =>
      row.reduce((sum, h, k) => sum + h * masks[i * HIDDEN + k] * this.parameters[second + k], 0),
    );
    const outputs = times(this.a, support).map((o) => o + this.parameters[second + HIDDEN]);
    const unlabelled = outputs.slice(0, this.unlabelled).map((o) => -Math.log(1 / (1 + Math.exp(o))));
    const labelled = outputs.slice(this.unlabelled).map((o) => -Math.log(1 / (1 + Math.exp(-o))));
    const mean = (values: number[]) => values.reduce((p, q) => p + q) / values.length;
    return mean(labelled) + lambda * mean(unlabelled);
  }

  step(lambda: number): void {
    const masks = new Float32Array(this.a.length * HIDDEN).fill(1);
    for (let i = 0; i < this.a.length; i++) dropOut(masks, i * HIDDEN, (i + 1) * HIDDEN, 0.3, this.rng);
    for (const row of this.inner()) {
      row.forEach((value, k) => {
        if (Math.abs(value) < 3e-5) this.doubtful.add(k);
      });
    }
    const gradient = this.parameters.map((value, i) => {
      const around = [1e-5, -1e-5].map((move) => {
        this.parameters[i] = value + move;
        return this.loss(lambda, masks);
      });
      this.parameters[i] = value;
      return (around[0] - around[1]) / 2e-5 + 5e-4 * value;
    });
    this.#steps++;
    gradient.forEach((g, i) => {
      this.#mean[i] = 0.9 * this.#mean[i] + 0.1 * g;
      this.#square[i] = 0.999 * this.#square[i] + 0.001 * g * g;
      const mean = this.#mean[i] / (1 - 0.9 ** this.#steps);
      const square = this.#square[i] / (1 - 0.999 ** this.#steps);
      this.parameters[i] -= (1e-3 * mean) / (Math.sqrt(square) + 1e-8);
    });
  }
}

describe('the graph network', () => {
  test.each([
    ['signed features', rowsOf(9, 3), 1.2],
    ['features of one sign', rowsOf(9, 3).map(Math.abs), 3],
  ] as const)('%s: trains as the loss’s own differences say', async (_, data, lambda) => {
    const x = unit(data, 3);
    const oracle = new Oracle(affinities(x, 9), x, 3, 6, new Rng(8));
    const before = oracle.hidden().flat();
    for (let i = 0; i < 8; i++) oracle.step(lambda);
    const exact = oracle.hidden().flat();
    expect(oracle.doubtful.size).toBeLessThan(HIDDEN / 20);
    // What 8 steps move is well above the tolerance.
    expect(Math.max(...exact.map((h, i) => Math.abs(h - before[i])))).toBeGreaterThan(5e-3);
    for (const kernels of await everyKernels()) {
      const products = { kernels };
      const rng = new Rng(8);
      const graph = await CosineGraph.of(x, 9, products, slices());
      const network = new Gcn(graph, 6, rng);
      for (let i = 0; i < 8; i++) await network.step(lambda, rng, products, slices());
      const found = await network.hidden(products, slices());
      const certain = (_h: number, i: number) => !oracle.doubtful.has(i % HIDDEN);
      expectClose(found.filter(certain), exact.filter(certain), 2e-5, kernels.level);
    }
  });
});

/** Walks the picks: each is as far from all centers and earlier picks as the farthest row, the lowest on a tie. */
function farthestFirst(data: Float32Array, centers: Float32Array, dim: number, budget: number): number[] {
  const rows = data.length / dim;
  const nearest = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const meet = (from: Float32Array, k: number) => {
    for (let i = 0; i < rows; i++) nearest[i] = Math.min(nearest[i], distance2(data, i, from, k, dim));
  };
  for (let k = 0; k < centers.length / dim; k++) meet(centers, k);
  return Array.from({ length: budget }, () => {
    const best = nearest.indexOf(nearest.reduce((p, q) => Math.max(p, q)));
    meet(data, best);
    nearest[best] = Number.NEGATIVE_INFINITY;
    return best;
  });
}

/** The hidden features that a selection ends with, unlabelled and labelled. */
async function watch(kernels: Kernels, run: (kernels: Kernels) => Promise<{ picks: { row: number }[] }>) {
  const seen = { data: new Float32Array(0), centers: new Float32Array(0) };
  const result = await run(
    watched(kernels, 'kCenterGreedy', ({ data, centers = new Float32Array(0) }) =>
      Object.assign(seen, { data: data.slice(), centers: centers.slice() }),
    ),
  );
  return { ...seen, picks: picked(result) };
}

describe('gcn', () => {
  test('digits: farthest first on the trained features, alike everywhere', async () => {
    const { pool, labeled } = goldenCase(digitsEntries[0]);
    const args = { pool, labeled, budget: 40, strategy: 'gcn:steps=4', seed: 1 };
    let first: Float32Array | undefined;
    for (const kernels of await everyKernels()) {
      const { data, centers, picks } = await watch(kernels, (watching) =>
        select({ ...args, kernels: watching }),
      );
      expect(data.length).toBe(pool.rows * HIDDEN);
      expect(centers.length).toBe(labeled.rows * HIDDEN);
      expect(picks, kernels.level).toEqual(farthestFirst(data, centers, HIDDEN, 40));
      first ??= data;
      // Adam divides by the gradient's size: where that is next to nothing, rounding decides a step of 1e-3.
      expectClose(data, first, 2e-3, kernels.level);
      const again = await select({ ...args, kernels, threads: 3 });
      expect(picked(again), kernels.level).toEqual(picks);
    }
  }, 60_000);

  test('a larger pool than the graph: a seeded sample of both, no more rows than asked', async () => {
    const { pool, labeled } = goldenCase(digitsEntries[0]);
    const args = { pool, labeled, budget: 20, strategy: 'gcn:steps=3:rows=80' };
    const { data, centers, picks } = await watch(await getKernels('js'), (kernels) =>
      select({ ...args, kernels, seed: 6 }),
    );
    expect([data.length / HIDDEN, centers.length / HIDDEN]).toEqual([40, 40]);
    expect(new Set(picks).size).toBe(20);
    const result = await select({ ...args, budget: 60, seed: 6, exclude: [0] });
    expect(result.candidates).toBe(40);
    expect(result.stats.filled).toBe(20);
    expect(result.picks.map(({ filled }) => filled)).toEqual(Array.from({ length: 60 }, (_, i) => i >= 40));
    expect(new Set(picked(result)).size).toBe(60);
    expect(result.stats.notes).toEqual([
      'the graph has 40 of the 1449 rows that may be picked, drawn at random',
      'the graph has 40 of the 50 labelled rows, drawn at random',
      '20 of 60 picks were filled at random: the graph has no more rows',
    ]);
    const other = await select({ ...args, seed: 7 });
    expect(picked(other)).not.toEqual(picks);
  });

  test('degenerate pools, labels and heads', () => survivesDegenerateCases('gcn:steps=4'), 60_000);

  test('what it needs, what it names, and an abort', async () => {
    const { pool, head, labeled } = goldenCase(digitsEntries[0]);
    await fails(
      () => select({ pool, head, budget: 2, strategy: 'gcn' }),
      'INVALID_ARGUMENT',
      /^expected labels, which strategy gcn needs, for labeled, got undefined$/,
    );
    await fails(() => getStrategy('gcn:rows=1'), 'INVALID_ARGUMENT', /an integer of at least 2 for rows/);
    const data = rowsOf(20, 3);
    data[9 * 3 + 1] = Number.NaN;
    const bad = Pool.fromArray(data, { rows: 20, dim: 3 });
    const few = LabeledSet.from({ embeddings: rowsOf(2, 3), labels: [0, 1], dim: 3 });
    const error = await fails(
      () => select({ pool: bad, labeled: few, budget: 2, strategy: 'gcn', exclude: [0, 4] }),
      'NON_FINITE',
      /row 9 of the pool/,
    );
    expect(error.details.row).toBe(9);
    const stop = new AbortController();
    const onProgress = (stage: string) => void (stage === 'train' && stop.abort('enough'));
    await fails(
      () => select({ pool, labeled, budget: 2, strategy: 'gcn', signal: stop.signal, onProgress }),
      'ABORTED',
      /aborted/,
    );
  });
});
