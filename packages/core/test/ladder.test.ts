import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ladder } from '../src/ladder.js';
import { orderStatistic, smallest } from '../src/order.js';

const capsOf = (ladder: Ladder) => Array.from({ length: ladder.length }, (_, i) => ladder.cap(i + 1));

describe('Ladder', () => {
  test.each<[number, number[]]>([
    [0.2, [0.2, 0.4, 0.6, 0.8, 1]],
    [0.3, [0.3, 0.6, 0.9, 1.2]],
    [1 / 3, [1 / 3, 0.666666666666667, 1]],
    [0.7, [0.7, 1.4]],
    [1, [1]],
    [5, [5]],
  ])('step %d', (step, caps) => {
    expect(capsOf(new Ladder(step))).toEqual(caps);
  });

  test.each([0.1, 0.05, 0.02, 0.01, 1e-3, 1 / 7, 1 / 49])('step %d ends at 1', (step) => {
    const ladder = new Ladder(step);
    expect(ladder.length).toBe(Math.round(1 / step));
    expect(ladder.cap(ladder.length)).toBe(1);
  });

  test('a billion rungs are not walked', () => {
    const ladder = new Ladder(1e-9);
    expect(ladder.length).toBe(1e9);
    expect(ladder.cap(ladder.rungFor(0.123456))).toBeGreaterThan(0.123456);
    expect(ladder.cap(ladder.rungFor(0.123456) - 1)).toBeLessThanOrEqual(0.123456);
    expect(ladder.rungFor(Number.POSITIVE_INFINITY)).toBe(1e9);
    const counts = ladder.counts(Float32Array.of(0.1, 0.5, 2), ladder.rungFor(0.5));
    expect(counts).toHaveLength(64);
    expect(counts[63]).toEqual({ cap: ladder.cap(ladder.rungFor(0.5)), count: 2 });
    expect(ladder.counts(Float32Array.of(0), 3)).toHaveLength(3);
  });

  test('the rung used and the counts equal those of the plain loop', () => {
    const flipCaps = fc.array(
      fc.oneof(fc.float({ min: 0, max: 3, noNaN: true }), fc.constantFrom(0, 0.5, 1, Infinity)),
    );
    const steps = fc.oneof(fc.constantFrom(0.2, 0.25, 0.5, 1), fc.double({ min: 0.02, max: 3, noNaN: true }));
    fc.assert(
      fc.property(flipCaps, steps, fc.integer({ min: 1, max: 12 }), (list, step, budget) => {
        const values = Float32Array.from(list);
        const ladder = new Ladder(step);
        const caps = capsOf(ladder);
        const count = (cap: number) => values.filter((value) => value < cap).length;
        const plain = caps.find((cap) => count(cap) > budget) ?? caps[caps.length - 1];
        const rung = ladder.rungFor(orderStatistic(values, budget));
        expect(ladder.cap(rung)).toBe(plain);
        expect(ladder.counts(values, rung)).toEqual(caps.map((cap) => ({ cap, count: count(cap) })));
      }),
      { numRuns: 500 },
    );
  });
});

describe('order', () => {
  test('orderStatistic and smallest equal a sort', () => {
    const values = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ noNaN: true })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(values, fc.nat(70), (list, k) => {
        const array = Float32Array.from(list);
        const order = [...array.keys()].sort((a, b) => array[a] - array[b] || a - b);
        expect(orderStatistic(array, k)).toEqual(
          k < order.length ? array[order[k]] : Number.POSITIVE_INFINITY,
        );
        expect(smallest(array, Math.min(k, order.length))).toEqual(order.slice(0, k));
      }),
      { numRuns: 500 },
    );
  });
});
