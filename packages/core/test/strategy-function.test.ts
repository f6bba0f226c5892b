import { expect, test } from 'vitest';
import { type Context, getStrategy, Pool, type StrategyFunction, select } from '../src/index.js';
import { fails } from './support/files.js';

const pool = Pool.fromArray(new Float32Array(20).fill(1), { rows: 10, dim: 2 });
const run = (query: unknown) => {
  const own = (context: Context) => (query as StrategyFunction)(context);
  return select({ pool, budget: 2, strategy: own, exclude: [0] });
};

test.each<[string, unknown, RegExp]>([
  ['null', null, /^expected rows from strategy own, got null$/],
  ['undefined', undefined, /got undefined$/],
  ['text', '12', /^expected rows from strategy own, got "12"$/],
  ['a number', 2, /got 2$/],
  ['a set', new Set([1, 2]), /got an object \(Set\)$/],
  [
    'a length beyond the budget',
    { length: 1e9 },
    /^expected 2 different rows from strategy own, got 1000000000$/,
  ],
  ['a length that is none', { length: Number.NaN }, /got NaN$/],
  ['too few', [1], /got 1$/],
  ['rows as text', ['1', '2'], /may be picked from strategy own, got "1"$/],
  ['an excluded row', [0, 1], /got 0$/],
])('a function that gives %s', async (_name, value, message) => {
  await fails(() => run(() => value), 'INVALID_ARGUMENT', message);
  await fails(() => run(async () => value), 'INVALID_ARGUMENT', message);
});

test.each<[string, unknown, RegExp]>([
  ['an error', new TypeError('not\nnow'), /^strategy own failed: not\\u000anow$/],
  ['an error that says nothing', new RangeError(), /^strategy own failed: RangeError$/],
  ['text', 'no', /^strategy own failed: "no"$/],
  ['undefined', undefined, /^strategy own failed: undefined$/],
])('a function that throws %s', async (_name, thrown, message) => {
  const error = await fails(
    () =>
      run(() => {
        throw thrown;
      }),
    'INVALID_ARGUMENT',
    message,
  );
  expect(error.cause).toBe(thrown);
});

test('an error of alfamix keeps its code', async () => {
  await fails(() => run((context: Context) => context.flipScores()), 'INVALID_ARGUMENT', /^expected labels/);
});

test.each(['budget', 'available', 'pool'])('nobody sets the %s of a context', async (field) => {
  const set = (context: Context) => {
    (context as unknown as Record<string, unknown>)[field] = null;
    return [1, 2];
  };
  await fails(() => run(set), 'INVALID_ARGUMENT', /^strategy own failed: .*read only/);
  const strategy = {
    ...getStrategy(set),
    select: async (context: Context) => ({
      picks: [{ row: 1 }, { row: Reflect.set(context, field, null) ? 0 : 2 }],
    }),
  };
  expect((await select({ pool, budget: 2, strategy })).picks.map(({ row }) => row)).toEqual([1, 2]);
});

test('a function without a name of its own is the strategy given', async () => {
  const given = { pool, budget: 2 };
  const call = (strategy: StrategyFunction) =>
    fails(() => select({ ...given, strategy }), 'INVALID_ARGUMENT', /./);
  expect((await call({ strategy: () => [1] }.strategy)).message).toBe(
    'expected 2 different rows from the strategy given, got 1',
  );
  expect((await call((() => () => [3, 3])())).message).toMatch(
    /different rows from the strategy given, got 2/,
  );
  const nearest = () => [-1, 1];
  expect((await call(nearest)).message).toBe(
    'expected rows that may be picked from strategy nearest, got -1',
  );
});
