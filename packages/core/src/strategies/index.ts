import { expected } from '../errors.js';
import { alfaMix } from './alfa-mix.js';
import { coreset } from './coreset.js';
import { entropy } from './entropy.js';
import { leastConfidence } from './least-confidence.js';
import { margin } from './margin.js';
import { random } from './random.js';
import type { Strategy } from './strategy.js';

const STRATEGIES: readonly Strategy[] = [alfaMix, random, leastConfidence, margin, entropy, coreset];

/** The strategies that `select` knows by name. */
export const strategyNames: readonly string[] = STRATEGIES.map(({ name }) => name);

/**
 * The strategy of a name; an object of the shape of Strategy is passed through.
 * @throws INVALID_ARGUMENT for an unknown name, listing the known ones
 */
export function getStrategy(strategy: string | Strategy): Strategy {
  if (typeof strategy === 'string') {
    const found = STRATEGIES.find(({ name }) => name === strategy);
    if (found) return found;
    throw expected(`one of ${strategyNames.join(', ')}`, 'strategy', strategy);
  }
  const { name, needs, select }: Partial<Strategy> = Object(strategy);
  if (
    typeof name !== 'string' ||
    typeof needs !== 'object' ||
    needs === null ||
    typeof select !== 'function'
  ) {
    throw expected(
      `a name (${strategyNames.join(', ')}) or an object with name, needs and select`,
      'strategy',
      strategy,
    );
  }
  return strategy;
}
