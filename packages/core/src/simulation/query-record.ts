import type { LinearHead } from '../head/linear-head.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Pool } from '../pool/pool.js';
import type { SelectResult } from '../select.js';
import type { QueryRecord } from './round-line.js';

/** What a line says about a query. */
export async function describeQuery(
  { picks, candidates, capUsed, stats }: SelectResult,
  embeddings: Pool,
  { weight, bias, classes }: LinearHead,
  trueLabels: Int32Array,
  kernels: Kernels,
): Promise<QueryRecord> {
  const rows = picks.map(({ row }) => row);
  const shape = { data: await embeddings.gather(rows), rows: rows.length, dim: embeddings.dim };
  const { pseudoLabel } = await kernels.scoreUncertainty({ ...shape, weight, bias, classes });
  const wrong = rows.reduce((sum, row, i) => sum + Number(pseudoLabel[i] !== trueLabels[row]), 0);
  return {
    picks: rows,
    filled: stats.filled,
    candidates: candidates ?? null,
    capUsed: capUsed ?? null,
    candidatesPerCap: stats.candidatesPerCap,
    misclassified: wrong / rows.length,
    diversity: meanDistance(await kernels.normalizeRows(shape), rows.length, embeddings.dim),
  };
}

/** Mean Euclidean distance over all pairs of rows; null where there are none. */
export function meanDistance(data: Float32Array, rows: number, dim: number): number | null {
  if (rows < 2) return null;
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      let squares = 0;
      for (let d = 0; d < dim; d++) squares += (data[i * dim + d] - data[j * dim + d]) ** 2;
      sum += Math.sqrt(squares);
    }
  }
  return sum / ((rows * (rows - 1)) / 2);
}
