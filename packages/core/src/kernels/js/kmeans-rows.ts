import type { RowSelection } from '../kernels.js';

/** The rows meant by `index` and `scale`: the data itself, or a copy. */
export function rowsOf({ data, index, scale, rows, dim }: RowSelection): Float32Array {
  if (!index && !scale) return data;
  const copy = new Float32Array(rows * dim);
  for (let i = 0; i < rows; i++) {
    const from = (index ? index[i] : i) * dim;
    const factor = scale ? scale[i] : 1;
    for (let j = 0; j < dim; j++) copy[i * dim + j] = data[from + j] * factor;
  }
  return copy;
}
