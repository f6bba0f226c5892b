/** Whether two contenders found the same: undefined, or the sentence that says where they differ. */
import type { Outputs, Problem } from './problem.js';

/**
 * @param expected of the reference
 * @param found maybe on fewer rows, or more: what both have is compared
 */
export type Compare = (expected: Outputs, found: Outputs, problem: Problem) => string | undefined;

/** The band of docs/flip-search.md; an infinity has none. */
const band = (cap: number) => (Number.isFinite(cap) ? 1e-5 + 1e-4 * cap : 0);
/** Rows of a hundred thousand that a plain float32 expression, without a second look in double, may decide otherwise. */
const PLAIN_SHARE = 1e-3;

/** Pseudo-labels and flip caps; of a peer that finds candidates at one cap only, those. */
export const sameFlips: Compare = (expected, found, problem) => {
  const caps = expected.arrays.flipCap;
  if (found.arrays.candidate) return sameCandidates(expected, found, problem.args.alphaCap as number);
  const plain = found.numbers.plain === true ? PLAIN_SHARE : 0;
  const labels = sameInts('pseudoLabel', plain)(expected, found, problem);
  if (labels) return labels;
  return sameRows(
    'flip cap',
    caps,
    found.arrays.flipCap,
    plain,
    (a, b) => a === b || Math.abs(a - b) <= band(a),
  );
};

function sameCandidates(expected: Outputs, found: Outputs, cap: number): string | undefined {
  const { flipCap, pseudoLabel } = expected.arrays;
  const { candidate, pseudoLabel: label } = found.arrays;
  const decided = Array.from(candidate, (is, i) =>
    i < flipCap.length && Math.abs(flipCap[i] - cap) <= band(cap) ? Number(flipCap[i] < cap) : is,
  );
  const wanted = Array.from(flipCap, (value) => Number(value < cap));
  return (
    sameRows('pseudo-label', pseudoLabel, label, PLAIN_SHARE, Object.is) ??
    sameRows(`candidate at ${cap}`, wanted, decided, PLAIN_SHARE, Object.is)
  );
}

export const sameScores: Compare = (expected, found, problem) =>
  sameInts('pseudoLabel', found.numbers.plain === true ? PLAIN_SHARE : 0)(expected, found, problem) ??
  sameFloats('confidence', 1e-5)(expected, found, problem) ??
  sameFloats('margin', 1e-5)(expected, found, problem) ??
  sameFloats('entropy', 1e-5)(expected, found, problem);

/** The same picks; of a peer with random numbers of its own, as many and different ones. */
export const samePicks: Compare = (expected, found, problem) => {
  if (found.numbers.ownStream !== true) return sameInts('rows')(expected, found, problem);
  const picks = found.arrays.rows;
  const good = new Set(Array.from(picks).filter((row) => row >= 0 && row < problem.args.rows));
  const wanted = expected.arrays.rows.length;
  if (good.size === wanted && picks.length === wanted) return undefined;
  return `expected ${wanted} different rows, got ${good.size}`;
};

/** Equal but for `share` of the rows. */
export const sameInts =
  (name: string, share = 0): Compare =>
  ({ arrays: a }, { arrays: b }) =>
    sameRows(name, a[name], b[name], share, Object.is);

/** Equal within `tolerance`, absolute up to 1 and relative beyond. */
export const sameFloats =
  (name: string, tolerance: number): Compare =>
  ({ arrays: a }, { arrays: b }) =>
    sameRows(
      name,
      a[name],
      b[name],
      0,
      (x, y) => x === y || Math.abs(x - y) <= (Number.isFinite(x) ? tolerance * Math.max(1, Math.abs(x)) : 0),
    );

export const all =
  (...compares: readonly Compare[]): Compare =>
  (...args) => {
    for (const compare of compares) {
      const difference = compare(...args);
      if (difference) return difference;
    }
    return undefined;
  };

function sameRows(
  what: string,
  expected: ArrayLike<number> | undefined,
  found: ArrayLike<number> | undefined,
  share: number,
  same: (a: number, b: number) => boolean,
): string | undefined {
  if (!expected || !found) return `expected ${what}, got none`;
  const count = Math.min(expected.length, found.length);
  let different = 0;
  let first = -1;
  for (let i = 0; i < count; i++) {
    if (same(expected[i], found[i])) continue;
    if (first < 0) first = i;
    different++;
  }
  if (count > 0 && different <= share * count) return undefined;
  if (count === 0) return `expected values of ${what}, got none`;
  return `expected ${expected[first]} as ${what} ${first}, got ${found[first]}; ${different} of ${count} differ`;
}

/**
 * Whether a clustering is what it says: its inertia is counted again from its own labels and centers, in double. Which
 * optimum it is in is no matter of right and wrong; the inertias are shown side by side.
 */
export function honestInertia(read: () => Float32Array, dim: number): Compare {
  return (_, { arrays, numbers }) => {
    const data = read();
    const labels = arrays.labels as Int32Array;
    const centers = arrays.centers as Float32Array;
    let sum = 0;
    for (let i = 0; i < labels.length; i++) {
      const row = i * dim;
      const center = labels[i] * dim;
      for (let j = 0; j < dim; j++) sum += (data[row + j] - centers[center + j]) ** 2;
    }
    const claimed = numbers.inertia as number;
    return Math.abs(sum - claimed) <= 1e-4 * sum ? undefined : `claims inertia ${claimed}, has ${sum}`;
  };
}
