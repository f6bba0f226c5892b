/**
 * Holm's step-down adjustment (Scandinavian Journal of Statistics 6, 1979): rejecting every test whose adjusted p is
 * at most α keeps the chance of even one false rejection among all of them at α, however they depend on each other.
 *
 * @param pValues 0 … 1; NaN is no test: it isn't counted and stays NaN
 * @returns the adjusted p values, in the same order, 0 … 1
 */
export function holm(pValues: readonly number[]): number[] {
  const tests = pValues.flatMap((p, i) => (Number.isNaN(p) ? [] : [{ p, i }])).sort((a, b) => a.p - b.p);
  const adjusted = pValues.map(() => Number.NaN);
  let least = 0;
  tests.forEach(({ p, i }, rank) => {
    least = Math.max(least, Math.min(1, (tests.length - rank) * p));
    adjusted[i] = least;
  });
  return adjusted;
}
