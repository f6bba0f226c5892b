/**
 * The few dense products of the head's fit, on flat row-major Float64Arrays. Inner loops handle several rows at
 * once: each value loaded is used more than once, and independent sums keep the processor's adders busy.
 */

/** Σ a[i + aStart] · b[i + bStart] over n values, in four interleaved sums. */
export function dot(a: Float64Array, aStart: number, b: Float64Array, bStart: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < n; i += 4) {
    s0 += a[aStart + i] * b[bStart + i];
    s1 += a[aStart + i + 1] * b[bStart + i + 1];
    s2 += a[aStart + i + 2] * b[bStart + i + 2];
    s3 += a[aStart + i + 3] * b[bStart + i + 3];
  }
  for (; i < n; i++) s0 += a[aStart + i] * b[bStart + i];
  return s0 + s1 + (s2 + s3);
}

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

/** out[i, c] = x_i · w_c for rows i of [from, to): x is M×n, w C×n, out M×C. */
export function multiplyTransposed(
  x: Float64Array,
  w: Float64Array,
  n: number,
  classes: number,
  out: Float64Array,
  from: number,
  to: number,
): void {
  let i = from;
  for (; i + 1 < to; i += 2) {
    const x0 = i * n;
    const x1 = x0 + n;
    const o0 = i * classes;
    const o1 = o0 + classes;
    let c = 0;
    for (; c + 3 < classes; c += 4) {
      const w0 = c * n;
      const w1 = w0 + n;
      const w2 = w1 + n;
      const w3 = w2 + n;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let j = 0; j < n; j++) {
        const a = x[x0 + j];
        const b = x[x1 + j];
        const p = w[w0 + j];
        const q = w[w1 + j];
        const r = w[w2 + j];
        const s = w[w3 + j];
        s00 += a * p;
        s01 += a * q;
        s02 += a * r;
        s03 += a * s;
        s10 += b * p;
        s11 += b * q;
        s12 += b * r;
        s13 += b * s;
      }
      out[o0 + c] = s00;
      out[o0 + c + 1] = s01;
      out[o0 + c + 2] = s02;
      out[o0 + c + 3] = s03;
      out[o1 + c] = s10;
      out[o1 + c + 1] = s11;
      out[o1 + c + 2] = s12;
      out[o1 + c + 3] = s13;
    }
    for (; c < classes; c++) {
      out[o0 + c] = dot(x, x0, w, c * n, n);
      out[o1 + c] = dot(x, x1, w, c * n, n);
    }
  }
  for (; i < to; i++) {
    for (let c = 0; c < classes; c++) out[i * classes + c] = dot(x, i * n, w, c * n, n);
  }
}

/** g[c] += Σ_i r[i, c] · x_i over rows i of [from, to): r is M×C, x M×n, g C×n. */
export function accumulateOuter(
  r: Float64Array,
  x: Float64Array,
  n: number,
  classes: number,
  g: Float64Array,
  from: number,
  to: number,
): void {
  let i = from;
  for (; i + 3 < to; i += 4) {
    const x0 = i * n;
    const x1 = x0 + n;
    const x2 = x1 + n;
    const x3 = x2 + n;
    const r0 = i * classes;
    const r1 = r0 + classes;
    const r2 = r1 + classes;
    const r3 = r2 + classes;
    let c = 0;
    for (; c + 1 < classes; c += 2) {
      const g0 = c * n;
      const g1 = g0 + n;
      const a0 = r[r0 + c];
      const a1 = r[r1 + c];
      const a2 = r[r2 + c];
      const a3 = r[r3 + c];
      const b0 = r[r0 + c + 1];
      const b1 = r[r1 + c + 1];
      const b2 = r[r2 + c + 1];
      const b3 = r[r3 + c + 1];
      for (let j = 0; j < n; j++) {
        const p = x[x0 + j];
        const q = x[x1 + j];
        const s = x[x2 + j];
        const t = x[x3 + j];
        g[g0 + j] += a0 * p + a1 * q + (a2 * s + a3 * t);
        g[g1 + j] += b0 * p + b1 * q + (b2 * s + b3 * t);
      }
    }
    for (; c < classes; c++) {
      const g0 = c * n;
      const a0 = r[r0 + c];
      const a1 = r[r1 + c];
      const a2 = r[r2 + c];
      const a3 = r[r3 + c];
      for (let j = 0; j < n; j++) {
        g[g0 + j] += a0 * x[x0 + j] + a1 * x[x1 + j] + (a2 * x[x2 + j] + a3 * x[x3 + j]);
      }
    }
  }
  for (; i < to; i++) {
    for (let c = 0; c < classes; c++) addScaled(g, c * n, r[i * classes + c], x, i * n, n);
  }
}
