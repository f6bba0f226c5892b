import type { Rng } from '../random/xoshiro.js';

const TWO_32 = 4294967296;

/**
 * Multiplies out[from … to) by masks of inverted dropout: 0 with probability `rate` (to 32 bits), else 1/(1 − rate).
 * The draws depend on how many numbers are asked for in one call: two come from each 64 bits.
 */
export function dropOut(out: Float32Array, from: number, to: number, rate: number, rng: Rng): void {
  const dropped = rate * TWO_32;
  const kept = 1 / (1 - rate);
  for (let i = from; i < to; i += 2) {
    const [low, high] = rng.next();
    out[i] *= low < dropped ? 0 : kept;
    if (i + 1 < to) out[i + 1] *= high < dropped ? 0 : kept;
  }
}
