import { readBlocks } from '../../pool/read-blocks.js';
import type { ScoreUncertaintyArgs } from '../kernels.js';
import { validateScoreUncertainty } from '../validate.js';
import { nonFiniteRow } from './flip-search.js';
import { dot } from './reduce.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/logits.cc. */
export async function logits(args: ScoreUncertaintyArgs): Promise<Float32Array> {
  validateScoreUncertainty(args);
  const { rows, dim, classes, weight, bias } = args;
  const result = new Float32Array(rows * classes);
  const slices = new Slices(rows, args);
  for await (const block of readBlocks(args.data, rows, dim, { signal: args.signal })) {
    for (let i = 0; i < block.rows; i++) {
      const row = block.start + i;
      for (let c = 0; c < classes; c++)
        result[row * classes + c] = dot(block.data, i * dim, weight, c * dim, dim) + bias[c];
      if (!Number.isFinite(dot(block.data, i * dim, block.data, i * dim, dim))) throw nonFiniteRow(row);
      if (slices.step(1)) await slices.turn();
    }
  }
  slices.finish();
  return result;
}
