import type { Context } from '../context.js';
import { expected } from '../errors.js';
import type { Strategy, StrategyNeeds, StrategyResult } from './strategy.js';

/** One option of a strategy: its default, and how a value, or its text, is read. */
export interface Option<Value> {
  readonly default: Value;
  /** What it may be, for an error message. */
  readonly expects: string;
  /** Undefined for what it may not be. */
  read(value: unknown): Value | undefined;
}

export type Options<Values> = { readonly [Name in keyof Values]: Option<Values[Name]> };

/** One of some words; the first is the default. */
export function oneOf<Word extends string>(...words: readonly [Word, ...Word[]]): Option<Word> {
  return {
    default: words[0],
    expects: `one of ${words.join(', ')}`,
    read: (value) => words.find((word) => word === value),
  };
}

/** An integer of at least `least`. */
export function count(byDefault: number, least = 1): Option<number> {
  return {
    default: byDefault,
    expects: `an integer of at least ${least}`,
    read: (value) => {
      const number = toNumber(value);
      return Number.isSafeInteger(number) && number >= least ? number : undefined;
    },
  };
}

/** A finite number above `above` and below `below`. */
export function between(above: number, below: number, byDefault: number): Option<number> {
  return {
    default: byDefault,
    expects:
      below === Number.POSITIVE_INFINITY
        ? `a number above ${above}`
        : `a number above ${above} and below ${below}`,
    read: (value) => {
      const number = toNumber(value);
      return Number.isFinite(number) && number > above && number < below ? number : undefined;
    },
  };
}

const toNumber = (value: unknown): number =>
  typeof value === 'string' && value.trim() !== ''
    ? Number(value)
    : typeof value === 'number'
      ? value
      : Number.NaN;

/** What defines a strategy that has options. */
export interface StrategyDefinition<Values> {
  readonly name: string;
  readonly needs: StrategyNeeds;
  readonly options: Options<Values>;
  /** See Strategy. */
  alphaCap?(options: Values): number | undefined;
  select(context: Context, options: Values): Promise<StrategyResult>;
}

/** A strategy with its options at their defaults; `with` gives it with others. */
export interface ConfigurableStrategy<Values> extends Strategy {
  readonly options: Options<Values>;
  /**
   * @throws INVALID_ARGUMENT for an option it doesn't have, or a value that can't be one's
   * @example
   * select({ pool, labeled, budget: 100, strategy: alfaMix.with({ alpha: 'random' }) });
   */
  with(options: Partial<Record<keyof Values, unknown>>): Strategy;
}

/** A strategy of a definition; its name tells the options that aren't at their defaults: `alfa-mix:alpha=random`. */
export function configurable<Values extends object>(
  definition: StrategyDefinition<Values>,
): ConfigurableStrategy<Values> {
  const { name, needs, options } = definition;
  const names = Object.keys(options) as (keyof Values & string)[];
  const make = (values: Values): Strategy => ({
    name: [
      name,
      ...names.filter((key) => values[key] !== options[key].default).map((key) => `${key}=${values[key]}`),
    ].join(':'),
    needs,
    alphaCap: definition.alphaCap?.(values),
    select: (context) => definition.select(context, values),
  });
  const defaults = Object.fromEntries(names.map((key) => [key, options[key].default])) as Values;
  return {
    ...make(defaults),
    options,
    with(given) {
      const values = { ...defaults };
      for (const [key, value] of Object.entries(given)) {
        const known = names.find((option) => option === key);
        if (!known) throw expected(`one of ${names.join(', ')}`, `an option of strategy ${name}`, key);
        const found = options[known].read(value);
        if (found === undefined) throw expected(options[known].expects, `${key} of strategy ${name}`, value);
        values[known] = found;
      }
      return make(values);
    },
  };
}

/** The options in `key=value:key=value`, as text. */
export function parseOptions(text: string, strategy: string): Record<string, string> {
  const options: Record<string, string> = {};
  for (const part of text.split(':')) {
    const [key, ...value] = part.split('=');
    if (!key || value.length === 0) throw expected('NAME=VALUE', `an option of strategy ${strategy}`, part);
    if (Object.hasOwn(options, key))
      throw expected('each option once', `the options of strategy ${strategy}`, key);
    options[key] = value.join('=');
  }
  return options;
}
