/** Whether two contenders found the same: undefined, or the sentence that says where they differ. */
import type { Outputs, Problem } from './problem.js';

/**
 * @param expected of the reference
 * @param found maybe on fewer rows, or more: what both have is compared
 */
export type Compare = (expected: Outputs, found: Outputs, problem: Problem) => string | undefined;

/** The band of docs/flip-search.md; an infinity has none. */
const band = (cap: number) => (Number.isFinite(cap) ? 1e-5 + 1e-4 * cap : 0);
/** Of the rows, those that a plain float32 expression, without a second look in double, may decide otherwise. */
const PLAIN_SHARE = 1e-3;
/**
 * Of the rows, those where two anchors or two classes may tie within the rounding of double, which each level does in an
 * order of its own (docs/flip-search.md). On the bench's data there are none.
 */
const TIED_SHARE = 1e-4;

/**
 * All that a flip search gives. Of an outside peer what it has: pseudo-labels and flip caps; or, where it finds candidates
 * at one cap only, those.
 */
export const sameFlips: Compare = (expected, found, problem) => {
  const { arrays, outside, numbers } = found;
  if (outside && arrays.candidate) return sameCandidates(expected, found, problem.args.alphaCap as number);
  const plain = numbers.plain === true ? PLAIN_SHARE : 0;
  const caps: Compare = () =>
    sameRows(
      'flip cap',
      expected.arrays.flipCap,
      arrays.flipCap,
      plain,
      (a, b) => a === b || Math.abs(a - b) <= band(a),
    );
  const checks = [sameInts('pseudoLabel', plain), caps];
  if (!outside)
    checks.push(
      sameProbabilities(2e-5),
      possibleFlips,
      sameInts('flipAnchor', TIED_SHARE),
      sameInts('flipTo', TIED_SHARE),
    );
  // score() names the rows too.
  if (expected.arrays.row) checks.push(sameInts('row'));
  return all(...checks)(expected, found, problem);
};

/** Where a row flips: an anchor there is, to a class there is which isn't its pseudo-label; where none does: −1 and −1. */
const possibleFlips: Compare = (_, { arrays }, { args, arrays: given }) => {
  const { pseudoLabel, flipCap, flipAnchor, flipTo } = arrays;
  if (!flipAnchor || !flipTo) return 'expected flipAnchor and flipTo, got none';
  const anchors = given.anchors.length / args.dim;
  const classes = args.classes as number;
  for (let i = 0; i < flipCap.length; i++) {
    const [anchor, to] = [flipAnchor[i], flipTo[i]];
    const never = flipCap[i] === Number.POSITIVE_INFINITY;
    const good = never
      ? anchor === -1 && to === -1
      : anchor >= 0 && anchor < anchors && to >= 0 && to < classes && to !== pseudoLabel[i];
    if (!good)
      return `row ${i}, of pseudo-label ${pseudoLabel[i]}, flips at ${flipCap[i]}: impossible with anchor ${anchor} to class ${to}`;
  }
  return undefined;
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
  sameProbabilities(1e-5)(expected, found, problem);

const sameProbabilities = (tolerance: number): Compare =>
  all(sameFloats('confidence', tolerance), sameFloats('margin', tolerance), sameFloats('entropy', tolerance));

/** The same picks and, of our own, at the same distances; of a peer with random numbers of its own, as many different ones. */
export const samePicks: Compare = (expected, found, problem) => {
  if (found.numbers.ownStream !== true) {
    const distances = found.outside ? [] : [sameFloats('distance2', 1e-9)];
    return all(sameInts('rows'), ...distances)(expected, found, problem);
  }
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

/** The very same finite numbers and booleans. */
export const sameNumbers =
  (...names: readonly string[]): Compare =>
  (expected, found) => {
    const name = names.find((name) => {
      const value = found.numbers[name];
      const real = typeof value === 'boolean' || Number.isFinite(value);
      return !real || value !== expected.numbers[name];
    });
    return name && `expected ${expected.numbers[name]} as ${name}, got ${found.numbers[name]}`;
  };

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
