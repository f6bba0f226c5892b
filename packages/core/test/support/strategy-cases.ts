import { expect } from 'vitest';
import { Context, type Kernels, LabeledSet, LinearHead, Pool, Rng, select } from '../../src/index.js';
import { noise, uniform } from './flip-job.js';
import { everyKernels } from './golden-cases.js';

/** What a strategy may be faced with. */
export interface StrategyCase {
  name: string;
  pool: Pool;
  labeled: LabeledSet;
  head: LinearHead;
  budget: number;
  exclude?: number[];
}

/** Signed rows, of which only so many differ. */
export function rowsOf(rows: number, dim: number, distinct = rows, seed = 1): Float32Array {
  const next = uniform(seed);
  const data = Float32Array.from({ length: rows * dim }, () => Math.round(64 * (next() - 0.5)) / 16);
  for (let i = distinct; i < rows; i++)
    data.copyWithin(i * dim, (i % distinct) * dim, ((i % distinct) + 1) * dim);
  return data;
}

const headOf = (classes: number, dim: number, scale = 1): LinearHead =>
  LinearHead.from({
    weight: noise(classes * dim, -0.5).map((w) => scale * w),
    bias: noise(classes),
    classes,
    dim,
  });

const caseOf = (
  name: string,
  data: Float32Array,
  dim: number,
  budget: number,
  more: Partial<StrategyCase> & { labels?: number[] } = {},
): StrategyCase => {
  const { labels = [0, 1, 2, 0], ...rest } = more;
  return {
    name,
    pool: Pool.fromArray(data, { rows: data.length / dim, dim }),
    labeled: LabeledSet.from({ embeddings: rowsOf(labels.length, dim, labels.length, 9), labels }),
    head: headOf(3, dim),
    budget,
    ...rest,
  };
};

/** Pools with duplicates, ties, nothing but one row, classes without labels; budgets up to the pool. */
export const degenerateCases: StrategyCase[] = [
  caseOf('one row', rowsOf(1, 5), 5, 1),
  caseOf('budget = pool', rowsOf(17, 5), 5, 17),
  caseOf('duplicates', rowsOf(40, 5, 3), 5, 20),
  caseOf('duplicates, all of them', rowsOf(40, 5, 3), 5, 40),
  caseOf('equal rows', rowsOf(12, 5, 1), 5, 7),
  caseOf('zeros', new Float32Array(60), 5, 7),
  caseOf('one dimension', rowsOf(30, 1), 1, 5),
  caseOf('two classes', rowsOf(30, 5), 5, 6, { head: headOf(2, 5), labels: [0, 1, 1] }),
  caseOf('a binary head', rowsOf(30, 5), 5, 6, { head: headOf(1, 5), labels: [0, 1, 1] }),
  caseOf('labels of one class', rowsOf(30, 5), 5, 6, { labels: [1, 1] }),
  caseOf('one label', rowsOf(30, 5), 5, 6, { labels: [2] }),
  caseOf('classes without labels', rowsOf(30, 5), 5, 6, { head: headOf(9, 5), labels: [0, 8] }),
  caseOf('a saturated head', rowsOf(30, 5), 5, 6, { head: headOf(3, 5, 1000) }),
  caseOf('a head of zeros', rowsOf(30, 5), 5, 6, {
    head: LinearHead.from({ weight: new Float32Array(15), classes: 3, dim: 5 }),
  }),
  caseOf('excluded rows', rowsOf(30, 5), 5, 10, { exclude: [0, 3, 4, 28, 29] }),
];

/** Runs a strategy on every degenerate case and kernel: the budget's different rows, the same for a seed. */
export async function survivesDegenerateCases(strategy: string): Promise<void> {
  for (const { name, ...args } of degenerateCases) {
    for (const kernels of await everyKernels()) {
      const run = () => select({ ...args, strategy, kernels, seed: 3 });
      const picks = (await run()).picks.map(({ row }) => row);
      const at = `${name}, ${kernels.level}`;
      expect(new Set(picks).size, at).toBe(args.budget);
      for (const row of picks) {
        expect(row >= 0 && row < args.pool.rows && !args.exclude?.includes(row), at).toBe(true);
      }
      expect(
        (await run()).picks.map(({ row }) => row),
        at,
      ).toEqual(picks);
    }
  }
}

/** A context as `select` makes it. */
export function contextOf(
  { pool, labeled, head, budget, exclude = [] }: Omit<StrategyCase, 'name'>,
  kernels: Kernels,
  seed = 0,
): Context {
  const available = Float64Array.from(
    Array.from({ length: pool.rows }, (_, i) => i).filter((i) => !exclude.includes(i)),
  );
  return new Context({
    pool,
    labeled,
    head,
    kernels,
    rng: new Rng(seed),
    seed,
    budget,
    alphaCap: 0.2,
    maxCandidates: undefined,
    available,
    threads: undefined,
    signal: undefined,
    onProgress: undefined,
    timings: {},
  });
}

/** Kernels that tell `seen` the arguments of each call of one of them. */
export function watched<Name extends 'kmeansPlusPlus' | 'kCenterGreedy' | 'logits'>(
  kernels: Kernels,
  name: Name,
  seen: (args: Parameters<Kernels[Name]>[0]) => void,
): Kernels {
  return new Proxy(kernels, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (args: never) => {
        if (key === name) seen(args);
        return value.call(target, args);
      };
    },
  });
}
