/**
 * exp and log in plain arithmetic: `Math.exp` differs in its last bits from engine to engine and from C's, and a fit
 * would end elsewhere on every backend. native/src/cpu/softmax_row.inl makes the same operations in the same order.
 */

/** ln 2 in two parts: products of the first with a small integer are exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** Added and taken away again it leaves the nearest integer. */
const TO_INTEGER = 1.5 * 2 ** 52;
const LEAST_EXPONENT = -1022;
const POWERS = Float64Array.from({ length: 1 - LEAST_EXPONENT }, (_, i) => 2 ** (i + LEAST_EXPONENT));
/** 1/13!, 1/12! … 1/0! */
const EXP_TERMS = [
  1.6059043836821613e-10, 2.08767569878681e-9, 2.505210838544172e-8, 2.755731922398589e-7,
  2.7557319223985893e-6, 2.48015873015873e-5, 0.0001984126984126984, 0.001388888888888889,
  0.008333333333333333, 0.041666666666666664, 0.16666666666666666, 0.5, 1, 1,
] as const;

/** e^x for x of at most 0, to the last bit or two; 0 below −708. */
export function expOfNegative(x: number): number {
  if (x < -708) return 0;
  const k = x * Math.LOG2E + TO_INTEGER - TO_INTEGER;
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum: number = EXP_TERMS[0];
  for (let i = 1; i < EXP_TERMS.length; i++) sum = sum * r + EXP_TERMS[i];
  return sum * POWERS[k - LEAST_EXPONENT];
}

const wide = new Float64Array(1);
const words = new Uint32Array(wide.buffer);
/** The word of a double that holds its exponent. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** ln x for finite x of at least 1: the method of fdlibm (Sun Microsystems, 1993). */
export function logOfLarge(x: number): number {
  wide[0] = x;
  let k = (words[HIGH] >>> 20) - 1023;
  words[HIGH] = (words[HIGH] & 0xfffff) | 0x3ff00000;
  let fraction = wide[0];
  if (fraction > Math.SQRT2) {
    fraction *= 0.5;
    k++;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + (odd + even)) + k * LN2_LOW) - f);
}

/** ln(1 + x) for finite x of at least 0, without what 1 + x rounds away. */
export function log1pOfPositive(x: number): number {
  const u = 1 + x;
  return u === 1 ? x : logOfLarge(u) + (x - (u - 1)) / u;
}
