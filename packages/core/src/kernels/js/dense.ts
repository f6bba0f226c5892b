/** y += scale · x over n values. */
export function addScaled(
  y: Float64Array,
  yStart: number,
  scale: number,
  x: Float64Array,
  xStart: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) y[yStart + i] += scale * x[xStart + i];
}

export interface ProductArgs {
  /** a[i, k] is a[i · rowStride + k · step]: a matrix or its transpose. */
  a: Float64Array;
  rowStride: number;
  step: number;
  /** depth×columns. */
  b: Float64Array;
  depth: number;
  columns: number;
  /** rows×columns. */
  out: Float64Array;
}

/**
 * out[i, c] = Σ_k a[i, k] · b[k, c] for rows i of [from, to), each sum from 0 in the order of k: the same bits as those
 * of `double_product` in C++. Two rows and four columns at once, so that a value loaded is used more than once.
 */
export function product(args: ProductArgs, from: number, to: number): void {
  const { columns } = args;
  let i = from;
  for (; i + 1 < to; i += 2) {
    let c = 0;
    for (; c + 3 < columns; c += 4) tile(args, i, c);
    for (; c < columns; c++) {
      cell(args, i, c);
      cell(args, i + 1, c);
    }
  }
  for (; i < to; i++) for (let c = 0; c < columns; c++) cell(args, i, c);
}

function tile({ a, rowStride, step, b, depth, columns, out }: ProductArgs, i: number, c: number): void {
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let at = i * rowStride;
  for (let k = 0, from = c; k < depth; k++, from += columns, at += step) {
    const x = a[at];
    const y = a[at + rowStride];
    const p = b[from];
    const q = b[from + 1];
    const r = b[from + 2];
    const s = b[from + 3];
    s00 += x * p;
    s01 += x * q;
    s02 += x * r;
    s03 += x * s;
    s10 += y * p;
    s11 += y * q;
    s12 += y * r;
    s13 += y * s;
  }
  const o = i * columns + c;
  out[o] = s00;
  out[o + 1] = s01;
  out[o + 2] = s02;
  out[o + 3] = s03;
  out[o + columns] = s10;
  out[o + columns + 1] = s11;
  out[o + columns + 2] = s12;
  out[o + columns + 3] = s13;
}

function cell({ a, rowStride, step, b, depth, columns, out }: ProductArgs, i: number, c: number): void {
  let sum = 0;
  for (let k = 0; k < depth; k++) sum += a[i * rowStride + k * step] * b[k * columns + c];
  out[i * columns + c] = sum;
}
