type Floats = Float32Array | Float64Array;

/** The k-th smallest value (k from 0), by quickselect on a copy: O(N). Infinity when there are not so many. */
export function orderStatistic(values: Floats, k: number): number {
  if (k >= values.length) return Number.POSITIVE_INFINITY;
  const a = values.slice();
  let low = 0;
  let high = a.length - 1;
  while (low < high) {
    const pivot = medianOfThree(a[low], a[(low + high) >>> 1], a[high]);
    let i = low;
    let j = high;
    while (i <= j) {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i > j) break;
      const swap = a[i];
      a[i++] = a[j];
      a[j--] = swap;
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return a[k];
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

/** The positions of the `count` smallest values, ties by the lower position, smallest value first. */
export function smallest(values: Floats, count: number): number[] {
  if (count <= 0) return [];
  const limit = orderStatistic(values, Math.min(count, values.length) - 1);
  const below: number[] = [];
  const equal: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < limit) below.push(i);
    else if (values[i] === limit && equal.length < count) equal.push(i);
  }
  below.sort((a, b) => values[a] - values[b] || a - b);
  return below.concat(equal.slice(0, count - below.length));
}

/** scale · values[row] for each of the rows. A loop: `Float32Array.from` with a function takes ten times as long. */
export function valuesAt(values: Float32Array, rows: Float64Array, scale = 1): Float32Array {
  const out = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = scale * values[rows[i]];
  return out;
}
