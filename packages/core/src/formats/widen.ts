import type { DType } from './dtype.js';

type FloatDType = Extract<DType, 'float16' | 'bfloat16' | 'float32' | 'float64'>;

/** Stored values to float32, `out.length` of them: 16-bit floats exactly, float64 rounded to nearest. */
export function widen(
  values: Uint16Array | Float64Array,
  dtype: Exclude<FloatDType, 'float32'>,
  out: Float32Array,
): Float32Array {
  if (dtype === 'float64') {
    out.set(values);
    return out;
  }
  if (dtype === 'float16') {
    halves ??= halfTable();
    for (let i = 0; i < out.length; i++) out[i] = halves[values[i]];
    return out;
  }
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) bits[i] = values[i] << 16;
  return out;
}

/** `count` stored values of little-endian bytes, which must begin at a multiple of their size. */
export function widenBytes(bytes: Uint8Array, dtype: FloatDType, count: number): Float32Array {
  const { buffer, byteOffset } = bytes;
  if (dtype === 'float32') return new Float32Array(buffer, byteOffset, count);
  const out = new Float32Array(count);
  return dtype === 'float64'
    ? widen(new Float64Array(buffer, byteOffset, count), dtype, out)
    : widen(new Uint16Array(buffer, byteOffset, count), dtype, out);
}

/** The value of each of the 65,536 float16. */
let halves: Float32Array | undefined;

function halfTable(): Float32Array {
  return Float32Array.from({ length: 1 << 16 }, (_, half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const sign = half & 0x8000 ? -1 : 1;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
}
