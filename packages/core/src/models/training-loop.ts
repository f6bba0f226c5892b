import { AlfamixError } from '../errors.js';
import type { Rng } from '../random/xoshiro.js';
import { countCorrect } from './cross-entropy.js';
import type { Network } from './network.js';

export interface LoopOptions {
  batch: number;
  /** The epoch in which this share of the rows is right, counted as they come by, is the last. */
  targetAccuracy: number;
  maxEpochs: number;
}

export interface LoopResult {
  epochs: number;
  /** Of the last epoch, counted before each step. */
  accuracy: number;
}

/**
 * Trains on M rows in batches, shuffled anew each epoch. A last batch of one row is skipped, unless it is the only one,
 * and doesn't count for the accuracy.
 *
 * @param inputs M×I
 * @param betweenBatches called before each batch with the epochs done; what it throws ends the training
 */
export function trainNetwork(
  network: Network,
  inputs: Float32Array,
  labels: Int32Array,
  rng: Rng,
  options: LoopOptions,
  betweenBatches: (epochs: number) => void,
): LoopResult {
  const { batch, targetAccuracy, maxEpochs } = options;
  const rows = labels.length;
  const dim = inputs.length / rows;
  let accuracy = 0;
  for (let epoch = 1; epoch <= maxEpochs; epoch++) {
    const order = rng.sample(rows, rows);
    let correct = 0;
    let counted = 0;
    for (let start = 0; start < rows; start += batch) {
      betweenBatches(epoch - 1);
      const picked = order.slice(start, start + batch);
      if (picked.length === 1 && rows > 1) continue;
      const x = new Float32Array(picked.length * dim);
      for (const [i, row] of picked.entries()) x.set(inputs.subarray(row * dim, (row + 1) * dim), i * dim);
      const y = Int32Array.from(picked, (row) => labels[row]);
      correct += countCorrect(network.step(x, y), y);
      counted += picked.length;
    }
    if (Number.isNaN(correct)) throw diverged(epoch);
    accuracy = correct / counted;
    if (accuracy >= targetAccuracy) return { epochs: epoch, accuracy };
  }
  return { epochs: maxEpochs, accuracy };
}

function diverged(epoch: number): AlfamixError {
  return new AlfamixError(
    'NON_FINITE',
    `expected finite logits while training, got NaN in epoch ${epoch}: scale the inputs, or lower learningRate`,
    { details: { epoch } },
  );
}
