import type { PseudoLabelGradientArgs, PseudoLabelGradientResult } from '../mixing.js';
import { validatePseudoLabelGradient } from '../validate-mixing.js';
import { FlipTables, gradientRow, type Prediction, predictRow } from './flip-row.js';
import { nonFiniteRow } from './flip-search.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/pseudo_label_gradient.cc. */
export async function pseudoLabelGradient(args: PseudoLabelGradientArgs): Promise<PseudoLabelGradientResult> {
  validatePseudoLabelGradient(args);
  const { data, rows, dim, classes, unit = false } = args;
  const tables = new FlipTables(args.weight, args.bias, new Float32Array(0), classes, dim);
  const gradient = new Float32Array(rows * dim);
  const pseudoLabel = new Int32Array(rows);
  const found: Prediction = { pseudoLabel: 0, confidence: 0, margin: 0, entropy: 0, doubt: 0 };
  const slices = new Slices(rows, args);
  for (let i = 0; i < rows; i++) {
    if (!predictRow(tables, data, i * dim, found)) throw nonFiniteRow(i);
    pseudoLabel[i] = found.pseudoLabel;
    const norm2 = gradientRow(tables, found.pseudoLabel);
    // p − e_ŷ is (1 − p_ŷ)·q
    const scale = unit ? 1 / Math.sqrt(norm2) : found.doubt;
    if (norm2 > 0) {
      for (let j = 0; j < dim; j++) gradient[i * dim + j] = tables.g[j] * scale;
    }
    if (slices.step(1)) await slices.turn();
  }
  slices.finish();
  return { gradient, pseudoLabel };
}
