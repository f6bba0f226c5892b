type Floats = Float32Array | Float64Array;

/** Up to so many wanted of so many times more, a bound kept while reading beats a partition of all. */
const FEW = { count: 1024, times: 16 };
const few = (count: number, values: Floats): boolean =>
  count <= FEW.count && count * FEW.times <= values.length;

/** The k-th smallest value (k from 0), O(N): by a bound where k is small, else by quickselect on a copy. Infinity when there are not so many. */
export function orderStatistic(values: Floats, k: number): number {
  if (k >= values.length) return Number.POSITIVE_INFINITY;
  if (few(k + 1, values)) return values[fewSmallest(values, k + 1)[k]];
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
  if (few(count, values)) return fewSmallest(values, count);
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

/** As `smallest`: positions below a bound are kept, and when they are twice too many the bound falls. */
function fewSmallest(values: Floats, count: number): number[] {
  const most = Math.max(2 * count, 256);
  const order = (a: number, b: number) => (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : a - b);
  const kept: number[] = [];
  let bound = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    // Later positions lose ties, once there are enough.
    if (values[i] >= bound && kept.length >= count) continue;
    kept.push(i);
    if (kept.length < most) continue;
    kept.sort(order);
    kept.length = count;
    bound = values[kept[count - 1]];
  }
  return kept.sort(order).slice(0, count);
}

/** scale · values[row] for each of the rows; `values` themselves where all are meant. A loop: `Float32Array.from` with a function takes ten times as long. */
export function valuesAt(values: Float32Array, rows: Float64Array, scale = 1): Float32Array {
  if (scale === 1 && rows.length === values.length) return values;
  const out = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = scale * values[rows[i]];
  return out;
}
