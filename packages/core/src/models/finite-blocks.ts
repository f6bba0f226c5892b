import { AlfamixError } from '../errors.js';
import type { Pool } from '../pool/pool.js';
import type { Block, BlockOptions } from '../pool/read-blocks.js';

/**
 * The rows of a network's inputs, in blocks.
 * @throws NON_FINITE, naming the row, where one holds NaN or infinity
 */
export async function* finiteBlocks(
  inputs: Pool,
  options: BlockOptions,
): AsyncGenerator<Block, void, undefined> {
  for await (const block of inputs.blocks(options)) {
    const odd = block.data.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) {
      const row = block.start + Math.floor(odd / inputs.dim);
      const column = odd % inputs.dim;
      const id = inputs.ids ? ` (id ${JSON.stringify(inputs.idOf(row))})` : '';
      throw new AlfamixError(
        'NON_FINITE',
        `expected finite numbers for row ${row}${id} of the inputs (${inputs.name}), got NaN or infinity at column ${column}`,
        { details: { row, column, pool: inputs.name } },
      );
    }
    yield block;
  }
}
