import { expected } from '../errors.js';

const MASK = (1n << 64n) - 1n;

/**
 * xoshiro256** 1.0 (Blackman and Vigna, 2018), seeded by splitmix64: the same numbers, bit for bit, as
 * native/src/cpu/rng.h, so that a seed gives the same picks on every backend. 64-bit words are kept as two halves
 * because BigInt is two orders of magnitude slower.
 */
export class Rng {
  /** s[2i] is the low half of word i, s[2i + 1] the high one. */
  readonly #s = new Uint32Array(8);

  /** @param seed an integer, 0 … 2^53 − 1 */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw expected('an integer from 0 to 2^53 - 1', 'seed', seed);
    let x = BigInt(seed);
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b97f4a7c15n) & MASK;
      let z = x;
      z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
      z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
      z ^= z >> 31n;
      this.#s[2 * i] = Number(z & 0xffffffffn);
      this.#s[2 * i + 1] = Number(z >> 32n);
    }
  }

  /** The next 64 random bits, as [low, high] 32-bit halves. */
  next(): [number, number] {
    const s = this.#s;
    // result = rotl(s1 * 5, 7) * 9
    let lo = s[2] * 5;
    let hi = (Math.imul(s[3], 5) + Math.floor(lo / 4294967296)) >>> 0;
    lo >>>= 0;
    const rotLo = ((lo << 7) | (hi >>> 25)) >>> 0;
    const rotHi = ((hi << 7) | (lo >>> 25)) >>> 0;
    lo = rotLo * 9;
    hi = (Math.imul(rotHi, 9) + Math.floor(lo / 4294967296)) >>> 0;
    lo >>>= 0;
    const shiftLo = s[2] << 17;
    const shiftHi = (s[3] << 17) | (s[2] >>> 15);
    s[4] ^= s[0];
    s[5] ^= s[1];
    s[6] ^= s[2];
    s[7] ^= s[3];
    s[2] ^= s[4];
    s[3] ^= s[5];
    s[0] ^= s[6];
    s[1] ^= s[7];
    s[4] ^= shiftLo;
    s[5] ^= shiftHi;
    // rotl(s3, 45): swap the halves, then rotate by 13
    const a = s[7];
    const b = s[6];
    s[6] = (a << 13) | (b >>> 19);
    s[7] = (b << 13) | (a >>> 19);
    return [lo, hi];
  }

  /** A double in [0, 1) with 53 random bits. */
  uniform(): number {
    const [lo, hi] = this.next();
    return (hi * 2097152 + (lo >>> 11)) / 9007199254740992;
  }

  /** An integer in [0, n), n ≤ 2^53. */
  below(n: number): number {
    return Math.min(Math.floor(this.uniform() * n), n - 1);
  }

  /** `count` distinct integers from [0, n), in the order drawn (a sparse Fisher–Yates shuffle). */
  sample(n: number, count: number): number[] {
    const moved = new Map<number, number>();
    const drawn: number[] = [];
    for (let i = 0; i < count; i++) {
      const j = i + this.below(n - i);
      drawn.push(moved.get(j) ?? j);
      moved.set(j, moved.get(i) ?? i);
    }
    return drawn;
  }
}
