import { describe, expect, test } from 'vitest';
import { getStrategy, Pool, select } from '../src/index.js';
import { between, configurable, count, oneOf } from '../src/strategies/options.js';
import { fails } from './support/files.js';

const seen: unknown[] = [];
const probe = configurable({
  name: 'probe',
  needs: { labels: false, head: false },
  options: {
    order: oneOf('first', 'last'),
    passes: count(10),
    dropout: between(0, 1, 0.5),
  },
  async select({ available, budget }, options) {
    seen.push(options);
    return { picks: Array.from(available.subarray(0, budget), (row) => ({ row })) };
  },
});
const pool = Pool.fromArray(new Float32Array(20), { rows: 10, dim: 2 });

describe('options of a strategy', () => {
  test('defaults, values and their text; the name tells what differs', async () => {
    expect(probe.name).toBe('probe');
    const other = probe.with({ passes: '20', dropout: 0.25, order: 'first' });
    expect(other.name).toBe('probe:passes=20:dropout=0.25');
    await select({ pool, budget: 2, strategy: probe });
    await select({ pool, budget: 2, strategy: other });
    expect(seen).toEqual([
      { order: 'first', passes: 10, dropout: 0.5 },
      { order: 'first', passes: 20, dropout: 0.25 },
    ]);
  });

  test.each([
    [{ pases: 3 }, /^expected one of order, passes, dropout for an option of strategy probe, got "pases"$/],
    [{ order: 'middle' }, /^expected one of first, last for order of strategy probe, got "middle"$/],
    [{ passes: 0 }, /^expected an integer of at least 1 for passes of strategy probe, got 0$/],
    [{ passes: '1.5' }, /for passes/],
    [{ passes: '' }, /for passes/],
    [{ passes: [1] }, /for passes/],
    [{ dropout: 1 }, /^expected a number above 0 and below 1 for dropout of strategy probe, got 1$/],
    [{ dropout: Number.NaN }, /for dropout/],
    [{ __proto__: null, constructor: 1 }, /for an option of strategy probe/],
  ])('%j', async (options, message) => {
    await fails(() => probe.with(options as object), 'INVALID_ARGUMENT', message);
  });

  test.each([
    ['margin:passes=3', /^expected no options for strategy margin, which has none, got "passes"$/],
    ['margin:passes', /^expected NAME=VALUE for an option of strategy margin, got "passes"$/],
    ['margin:', /NAME=VALUE/],
    ['margin:a=1:a=2', /^expected each option once/],
    ['best:a=1', /^expected one of alfa-mix, .* for strategy, got "best"$/],
    ['toString', /^expected one of alfa-mix/],
  ])('the name %s', async (name, message) => {
    await fails(() => getStrategy(name), 'INVALID_ARGUMENT', message);
  });

  test('a function of the context', async () => {
    const result = await select({
      pool,
      budget: 3,
      exclude: [0],
      strategy: ({ available, budget }) => available.subarray(available.length - budget),
    });
    expect(result.picks.map(({ row }) => row)).toEqual([7, 8, 9]);
    const named = getStrategy(function newest() {
      return [];
    });
    expect(named.name).toBe('newest');
    await fails(() => select({ pool, budget: 1, strategy: named }), 'INVALID_ARGUMENT', /1 different rows/);
  });
});
