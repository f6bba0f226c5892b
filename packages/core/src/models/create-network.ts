import { Mlp } from './mlp.js';
import type { Network } from './network.js';
import type { TfOperations } from './tf-types.js';
import type { NetworkOptions } from './worker-messages.js';

/** @param dim I, the width of the inputs */
export function createNetwork(
  tf: TfOperations,
  _backend: string,
  options: NetworkOptions,
  dim: number,
  classes: number,
): Network {
  const { hidden, learningRate } = options;
  return new Mlp(tf, { inputs: dim, hidden, classes, learningRate });
}
