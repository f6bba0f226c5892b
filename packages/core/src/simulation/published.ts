import { expected } from '../errors.js';
import { holm } from './holm.js';
import type { Spread } from './statistics.js';
import { studentTwoSided } from './student-t.js';

/** A mean over seeds, as a paper gives it. */
export interface Summary {
  readonly mean: number;
  /** In the unit of the mean, at least 0. */
  readonly std: number;
  /** Seeds, at least 2. */
  readonly n: number;
  /** How `std` was counted; default `sample`. Code with numpy's `std` gives `population`. */
  readonly spread?: Spread;
}

export interface PublishedComparison {
  /** Ours − theirs. */
  readonly difference: number;
  /** Infinite where neither side varies and they differ. */
  readonly t: number;
  /** Of Welch and Satterthwaite; NaN where neither side varies. */
  readonly df: number;
  /** Two-sided. */
  readonly p: number;
  /** After Holm's adjustment over all pairs given. */
  readonly adjusted: number;
}

/**
 * Compares means with published ones, whose seeds aren't known, by Welch's unpaired t-test (Biometrika 34, 1947:
 * unequal variances), adjusted by Holm over all pairs.
 *
 * @throws INVALID_ARGUMENT for a mean or std that isn't finite, a negative std, fewer than 2 seeds
 * @example
 * compareWithPublished([
 *   { ours: { mean: 0.934, std: 0.006, n: 5 }, theirs: { mean: 0.927, std: 0.003, n: 5, spread: 'population' } },
 * ])[0].adjusted; // 0.061
 */
export function compareWithPublished(
  pairs: readonly { readonly ours: Summary; readonly theirs: Summary }[],
): PublishedComparison[] {
  const tests = pairs.map(({ ours, theirs }) => welch(ours, theirs));
  const adjusted = holm(tests.map(({ p }) => p));
  return tests.map((test, i) => ({ ...test, adjusted: adjusted[i] }));
}

function welch(ours: Summary, theirs: Summary): Omit<PublishedComparison, 'adjusted'> {
  const difference = ours.mean - theirs.mean;
  const [a, b] = [ours, theirs].map(squaredError);
  const df = (a + b) ** 2 / (a ** 2 / (ours.n - 1) + b ** 2 / (theirs.n - 1));
  const t = difference === 0 ? 0 : difference / Math.sqrt(a + b);
  // Without any spread there are no degrees of freedom; 1, the fewest, is as good: t is 0 or infinite.
  return { difference, t, df, p: studentTwoSided(t, Number.isNaN(df) ? 1 : df) };
}

/** The squared standard error of a mean. */
function squaredError({ mean, std, n, spread }: Summary): number {
  if (!Number.isFinite(mean)) throw expected('a finite number', 'mean', mean);
  if (!Number.isFinite(std) || std < 0) throw expected('a number of at least 0', 'std', std);
  if (!Number.isSafeInteger(n) || n < 2) throw expected('an integer of at least 2', 'n', n);
  return std ** 2 / (spread === 'population' ? n - 1 : n);
}
