import { readBlocks } from '../../pool/read-blocks.js';
import type { ScoreUncertaintyArgs, UncertaintyScores } from '../kernels.js';
import { validateScoreUncertainty } from '../validate.js';
import { FlipTables, type Prediction, predictRow } from './flip-row.js';
import { nonFiniteRow } from './flip-search.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/score_uncertainty.cc. */
export async function scoreUncertainty(args: ScoreUncertaintyArgs): Promise<UncertaintyScores> {
  validateScoreUncertainty(args);
  const { rows, dim, classes } = args;
  const tables = new FlipTables(args.weight, args.bias, new Float32Array(0), classes, dim);
  const result: UncertaintyScores = {
    pseudoLabel: new Int32Array(rows),
    confidence: new Float32Array(rows),
    margin: new Float32Array(rows),
    entropy: new Float32Array(rows),
  };
  const found: Prediction = { pseudoLabel: 0, confidence: 0, margin: 0, entropy: 0, doubt: 0 };
  const slices = new Slices(rows, args);
  for await (const block of readBlocks(args.data, rows, dim, { signal: args.signal })) {
    for (let i = 0; i < block.rows; i++) {
      const row = block.start + i;
      if (!predictRow(tables, block.data, i * dim, found)) throw nonFiniteRow(row);
      result.pseudoLabel[row] = found.pseudoLabel;
      result.confidence[row] = found.confidence;
      result.margin[row] = found.margin;
      result.entropy[row] = found.entropy;
      if (slices.step(1)) await slices.turn();
    }
  }
  slices.finish();
  return result;
}
