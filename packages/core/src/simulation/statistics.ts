/** How a spread is counted: the sample's estimate of its source (n − 1), or of these values alone (n). */
export type Spread = 'sample' | 'population';

/** The arithmetic mean; NaN of no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The variance, summed around the mean; NaN where the sample has one value, or there is none. */
export function variance(values: readonly number[], spread: Spread = 'sample'): number {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const n = spread === 'sample' ? values.length - 1 : values.length;
  return n > 0 ? squares / n : Number.NaN;
}

/** The standard deviation; NaN where `variance` is. */
export const std = (values: readonly number[], spread: Spread = 'sample'): number =>
  Math.sqrt(variance(values, spread));

/**
 * The value below which a share of the values lies, interpolated as NumPy does it; NaN of no values.
 * @param share 0 … 1; 0.5 is the median
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return low === high || sorted.length === 0
    ? (sorted[low] ?? Number.NaN)
    : sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}
