import { Rng } from '@alfamix/core';

/** Seeded standard normal values (Box and Muller), float32. */
export function gaussian(count: number, seed: number): Float32Array {
  const rng = new Rng(seed);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - rng.uniform()));
    const angle = 2 * Math.PI * rng.uniform();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** What a ReLU layer makes of them: a quarter of the units silent in every row, the rest positive or zero. */
export function relu(values: Float32Array, dim: number): Float32Array {
  return values.map((x, i) => ((i % dim) % 4 === 0 ? 0 : Math.max(0, x + 0.5)));
}

/** The bits of the nearest bfloat16, ties to even; finite values only. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (b) => (b + 0x7fff + ((b >>> 16) & 1)) >>> 16);
}

/** The bits of the nearest float16, ties to even; finite values below 65,520 only. */
export function toFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (x) => {
    const size = Math.abs(x);
    const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
    // Below 2^-14 the steps are all 2^-24.
    if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
    const exponent = Math.floor(Math.log2(size));
    // A mantissa that rounds up to 2,048 carries into the exponent by itself.
    return sign | (((exponent + 14) << 10) + roundEven(size * 2 ** (10 - exponent)));
  });
}

function roundEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/** Divides each row by its norm. */
export function unitRows(values: Float32Array, dim: number): Float32Array {
  const unit = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += dim) {
    let sum = 0;
    for (let j = start; j < start + dim; j++) sum += values[j] ** 2;
    const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let j = start; j < start + dim; j++) unit[j] = values[j] * scale;
  }
  return unit;
}
