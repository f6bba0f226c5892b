import type { InterpolateArgs, InterpolateResult } from '../mixing.js';
import { validateInterpolate } from '../validate-mixing.js';
import { nonFiniteRow } from './flip-search.js';
import { dot } from './reduce.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/interpolate.cc. */
export async function interpolate(args: InterpolateArgs): Promise<InterpolateResult> {
  validateInterpolate(args);
  const { data, rows, dim, anchors, anchorIndex, alpha, weight, bias, classes = 0 } = args;
  const mixed = new Float32Array(rows * dim);
  const logits = new Float32Array(rows * classes);
  const slices = new Slices(rows, args);
  for (let i = 0; i < rows; i++) {
    const at = i * dim;
    const anchor = anchorIndex[i] * dim;
    for (let j = 0; j < dim; j++) {
      const z = data[at + j];
      mixed[at + j] = anchor < 0 ? z : z + alpha[at + j] * (anchors[anchor + j] - z);
    }
    if (!Number.isFinite(dot(mixed, at, mixed, at, dim))) throw nonFiniteRow(i);
    if (weight && bias) {
      for (let c = 0; c < classes; c++)
        logits[i * classes + c] = dot(mixed, at, weight, c * dim, dim) + bias[c];
    }
    if (slices.step(1)) await slices.turn();
  }
  slices.finish();
  return { mixed, logits };
}
