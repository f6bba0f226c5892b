import { Rng } from '../random/xoshiro.js';
import { type Dataset, takeRows } from './dataset.js';

/** Share of the rows held out where no test set is given. */
const SHARE = 0.2;

/** Divides a dataset in pool and test rows, each in the order they have in it; the test rows are drawn by `seed`. */
export function holdOut(set: Dataset, seed: number): { pool: Dataset; test: Dataset } {
  const count = Math.max(1, Math.round(set.rows * SHARE));
  const held = new Set(new Rng(seed).sample(set.rows, count));
  const rows = Array.from({ length: set.rows }, (_, row) => row);
  return {
    pool: takeRows(
      set,
      rows.filter((row) => !held.has(row)),
    ),
    test: takeRows(
      set,
      rows.filter((row) => held.has(row)),
      `${set.name} (held out)`,
    ),
  };
}
