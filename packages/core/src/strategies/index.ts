import { AlfamixError, describe, expected, throwIfAborted } from '../errors.js';
import { alfaMix } from './alfa-mix.js';
import { badge } from './badge.js';
import { bald } from './bald.js';
import { cdal } from './cdal.js';
import { clusterMargin } from './cluster-margin.js';
import { coreset } from './coreset.js';
import { deepfool } from './deepfool.js';
import { dropquery } from './dropquery.js';
import { entropy } from './entropy.js';
import { gcn } from './gcn.js';
import { kMeans } from './k-means.js';
import { leastConfidence } from './least-confidence.js';
import { margin } from './margin.js';
import { type ConfigurableStrategy, parseOptions } from './options.js';
import { random } from './random.js';
import type { Strategy, StrategyFunction } from './strategy.js';
import { typiclust } from './typiclust.js';

/** The paper's. */
export const DEFAULT_ALPHA_CAP = 0.2;

const STRATEGIES: readonly (Strategy | ConfigurableStrategy<unknown>)[] = [
  alfaMix,
  random,
  leastConfidence,
  margin,
  entropy,
  coreset,
  badge,
  bald,
  cdal,
  deepfool,
  dropquery,
  gcn,
  typiclust,
  kMeans,
  clusterMargin,
];

/** Of our own only alfa-mix has a ladder of alpha caps and keeps `maxCandidates`; the caller's may have. */
export const hasLadder = ({ name }: Strategy): boolean =>
  !STRATEGIES.some((other) => other !== alfaMix && other.name === name.split(':')[0]);

const UNNAMED = 'custom';

/** A strategy as an error calls it. */
export const describeStrategy = ({ name }: Pick<Strategy, 'name'>): string =>
  name === UNNAMED ? 'the strategy given' : `strategy ${name}`;

/** Start and step of a strategy's ladder of alpha caps where the caller gives none; undefined without a ladder. */
export const defaultAlphaCap = (strategy: Strategy): number | undefined =>
  hasLadder(strategy) ? (strategy.alphaCap ?? DEFAULT_ALPHA_CAP) : undefined;

/** The strategies that `select` knows by name. */
export const strategyNames: readonly string[] = STRATEGIES.map(({ name }) => name);

/**
 * The strategy of a name, with options after colons (`bald:passes=20:dropout=0.3`) or beside it. An object of the shape
 * of Strategy is passed through; a function becomes a strategy that needs nothing, named like it (`custom` without a name).
 * @throws INVALID_ARGUMENT for an unknown name or option, listing the known ones
 * @example
 * getStrategy('alfa-mix', { alpha: 'random' }).name; // alfa-mix:alpha=random
 */
export function getStrategy(
  strategy: string | Strategy | StrategyFunction,
  options: Readonly<Record<string, unknown>> = {},
): Strategy {
  if (typeof strategy === 'string') return named(strategy, options);
  if (typeof strategy === 'function') return fromFunction(strategy);
  const { name, needs, select }: Partial<Strategy> = Object(strategy);
  if (
    typeof name !== 'string' ||
    typeof needs !== 'object' ||
    needs === null ||
    typeof select !== 'function'
  ) {
    throw expected(
      `a name (${strategyNames.join(', ')}), a function, or an object with name, needs and select`,
      'strategy',
      strategy,
    );
  }
  return strategy;
}

function named(text: string, options: Readonly<Record<string, unknown>>): Strategy {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const found = STRATEGIES.find((strategy) => strategy.name === name);
  if (!found) throw expected(`one of ${strategyNames.join(', ')}`, 'strategy', name);
  const given = { ...(colon < 0 ? {} : parseOptions(text.slice(colon + 1), name)), ...options };
  const [first] = Object.keys(given);
  if (first === undefined) return found;
  if (!('with' in found)) throw expected('no options', `strategy ${name}, which has none`, first);
  return found.with(given);
}

function fromFunction(query: StrategyFunction): Strategy {
  // A function written in place is called after the property or the export it is.
  const name = ['', 'strategy', 'default'].includes(query.name) ? UNNAMED : query.name;
  const shown = describeStrategy({ name });
  return {
    name,
    needs: { labels: false, head: false },
    select: async (context) => {
      const { budget } = context;
      const rows: unknown = await called(shown, async () => query(context), context.signal);
      const length: unknown = typeof rows === 'object' && rows !== null && 'length' in rows && rows.length;
      if (typeof length !== 'number') {
        throw new AlfamixError('INVALID_ARGUMENT', `expected rows from ${shown}, got ${describe(rows)}`);
      }
      // Before it is copied: a length may be anything.
      if (length !== budget) {
        throw new AlfamixError(
          'INVALID_ARGUMENT',
          `expected ${budget} different rows from ${shown}, got ${length}`,
        );
      }
      return { picks: Array.from(rows as ArrayLike<number>, (row) => ({ row })) };
    },
  };
}

/** What the caller's function throws gets its name; errors of alfamix, an abort among them, say enough themselves. */
async function called(
  shown: string,
  query: () => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    return await query();
  } catch (error) {
    if (error instanceof AlfamixError) throw error;
    throwIfAborted(signal);
    const what = error instanceof Error ? error.message || error.name : describe(error);
    throw new AlfamixError('INVALID_ARGUMENT', `${shown} failed: ${what}`, { cause: error });
  }
}
