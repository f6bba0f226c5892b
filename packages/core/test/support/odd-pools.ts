import { LabeledSet, LinearHead, Pool } from '../../src/index.js';
import { uniform } from './flip-job.js';

export interface OddPool {
  name: string;
  pool: Pool;
  labeled: LabeledSet;
  head: LinearHead;
}

function oddPool(name: string, rows: number, dim: number, classes: number, data?: Float32Array): OddPool {
  const next = uniform(rows * 31 + dim);
  const noise = (n: number) => Float32Array.from({ length: n }, () => (next() - 0.5) * 4);
  // The last class has no labels where there are more than two.
  const seen = Math.max(2, classes - 1);
  const labels = Array.from({ length: 3 * seen }, (_, i) => i % seen);
  return {
    name,
    pool: Pool.fromArray(data ?? noise(rows * dim), { rows, dim }),
    labeled: LabeledSet.from({ embeddings: noise(labels.length * dim), labels }),
    head: LinearHead.from({ weight: noise(classes * dim), bias: noise(classes), classes, dim }),
  };
}

/** Small pools of the kinds that break strategies, with labels and a head; `budgets` for each up to all rows. */
export const oddPools: readonly OddPool[] = [
  oddPool('any', 29, 5, 4),
  oddPool('one row', 1, 3, 2),
  oddPool('two rows', 2, 3, 3),
  oddPool('one dimension', 17, 1, 2),
  oddPool(
    'four rows, ten times each',
    40,
    3,
    3,
    Float32Array.from({ length: 120 }, (_, p) => ((Math.floor(p / 3) % 4) + 1) * ((p % 3) - 0.7)),
  ),
  oddPool('equal rows', 21, 4, 3, new Float32Array(84).fill(0.5)),
  oddPool('rows of zeros', 9, 4, 2, new Float32Array(36)),
  oddPool(
    'far from the origin',
    30,
    6,
    3,
    Float32Array.from({ length: 180 }, (_, p) => 1000 + Math.sin(p * p)),
  ),
];

/** 1, about half and all of the rows. */
export const budgetsOf = ({ pool: { rows } }: Omit<OddPool, 'name'>): number[] => [
  ...new Set([1, Math.ceil(rows / 2), rows]),
];
