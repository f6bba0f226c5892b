import type { Context } from '../context.js';
import { smallest, valuesAt } from '../order.js';

/**
 * The `budget` available rows with the lowest sign · score, lowest first, ties by the lower row.
 * @param scores one value a row of the pool
 */
export function lowestRows(
  scores: Float32Array,
  { available, budget }: Pick<Context, 'available' | 'budget'>,
  sign: 1 | -1 = 1,
): number[] {
  return smallest(valuesAt(scores, available, sign), budget).map((i) => available[i]);
}
