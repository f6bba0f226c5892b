import { AlfamixError } from '../../errors.js';
import { readBlocks } from '../../pool/read-blocks.js';
import type { FlipSearchArgs, FlipSearchResult } from '../kernels.js';
import { validateFlipSearch } from '../validate.js';
import { type FlipRow, FlipTables, flipRow } from './flip-row.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/flip_search.cc. */
export async function flipSearch(args: FlipSearchArgs): Promise<FlipSearchResult> {
  validateFlipSearch(args);
  const { rows, dim, classes } = args;
  const tables = new FlipTables(args.weight, args.bias, args.anchors, classes, dim);
  const result: FlipSearchResult = {
    pseudoLabel: new Int32Array(rows),
    confidence: new Float32Array(rows),
    margin: new Float32Array(rows),
    entropy: new Float32Array(rows),
    flipCap: new Float32Array(rows),
    flipAnchor: new Int32Array(rows),
    flipTo: new Int32Array(rows),
  };
  const found: FlipRow = {
    pseudoLabel: 0,
    confidence: 0,
    margin: 0,
    entropy: 0,
    doubt: 0,
    flipCap: 0,
    flipAnchor: -1,
    flipTo: -1,
  };
  const slices = new Slices(rows, args);
  for await (const block of readBlocks(args.data, rows, dim, { signal: args.signal })) {
    for (let i = 0; i < block.rows; i++) {
      const row = block.start + i;
      if (!flipRow(tables, block.data, i * dim, found)) throw nonFiniteRow(row);
      result.pseudoLabel[row] = found.pseudoLabel;
      result.confidence[row] = found.confidence;
      result.margin[row] = found.margin;
      result.entropy[row] = found.entropy;
      result.flipCap[row] = found.flipCap;
      result.flipAnchor[row] = found.flipAnchor;
      result.flipTo[row] = found.flipTo;
      if (slices.step(1)) await slices.turn();
    }
  }
  slices.finish();
  return result;
}

/** The same sentence as the addon's. */
export function nonFiniteRow(row: number): AlfamixError {
  return new AlfamixError('NON_FINITE', `expected finite values, found NaN or infinity in row ${row}`, {
    details: { row },
  });
}
