import type { LinearHead } from '../head/linear-head.js';

/** N×C logits of N×D embeddings in memory, summed in double. */
export function headLogits(
  { weight, bias, classes, dim }: LinearHead,
  embeddings: Float32Array,
): Float32Array {
  const rows = embeddings.length / dim;
  const logits = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++)
    for (let c = 0; c < classes; c++) {
      let sum = bias[c];
      for (let d = 0; d < dim; d++) sum += weight[c * dim + d] * embeddings[row * dim + d];
      logits[row * classes + c] = sum;
    }
  return logits;
}
