import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../src/random/xoshiro.js';
import { fails } from './support/files.js';

const MASK = (1n << 64n) - 1n;
const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (64n - k))) & MASK;

/** The published algorithms, in 64-bit arithmetic. */
function reference(seed: number, count: number): bigint[] {
  let x = BigInt(seed);
  const s = Array.from({ length: 4 }, () => {
    x = (x + 0x9e3779b97f4a7c15n) & MASK;
    let z = x;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
  });
  return Array.from({ length: count }, () => {
    const result = (rotl((s[1] * 5n) & MASK, 7n) * 9n) & MASK;
    const t = (s[1] << 17n) & MASK;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45n);
    return result;
  });
}

const seeds = fc.oneof(fc.nat(), fc.maxSafeNat());

describe('Rng', () => {
  test('seed 0 begins with the known words of splitmix64 and xoshiro256**', () => {
    expect(reference(0, 2)).toEqual([0x99ec5f36cb75f2b4n, 0xbf6e1f784956452an]);
  });

  test('is xoshiro256**, bit for bit', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const rng = new Rng(seed);
        const words = Array.from({ length: 40 }, () => {
          const [low, high] = rng.next();
          return (BigInt(high) << 32n) | BigInt(low);
        });
        expect(words).toEqual(reference(seed, 40));
      }),
      { numRuns: 200 },
    );
  });

  test('uniform is the top 53 bits', () => {
    const rng = new Rng(7);
    for (const word of reference(7, 100)) expect(rng.uniform()).toBe(Number(word >> 11n) / 2 ** 53);
  });

  test('below stays in range', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 1e9 }), (seed, n) => {
        const value = new Rng(seed).below(n);
        return Number.isInteger(value) && value >= 0 && value < n;
      }),
    );
  });

  test('sample draws distinct integers in range, and a shorter sample is a prefix', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 200 }), fc.nat(), (seed, n, pick) => {
        const count = n === 0 ? 0 : pick % (n + 1);
        const drawn = new Rng(seed).sample(n, count);
        expect(new Set(drawn).size).toBe(count);
        expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < n)).toBe(true);
        expect(new Rng(seed).sample(n, Math.floor(count / 2))).toEqual(drawn.slice(0, Math.floor(count / 2)));
      }),
    );
  });

  test('every item is as likely as another', () => {
    const counts = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 4000; seed++) {
      for (const item of new Rng(seed).sample(10, 3)) counts[item]++;
    }
    // 1200 expected, standard deviation 29.
    for (const count of counts) expect(Math.abs(count - 1200)).toBeLessThan(150);
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses seed %s', async (seed) => {
    await fails(() => new Rng(seed), 'INVALID_ARGUMENT', /^expected an integer from 0 to 2\^53 - 1 for seed/);
  });
});
