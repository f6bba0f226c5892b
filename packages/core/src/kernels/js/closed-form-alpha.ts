import type { ClosedFormAlphaArgs } from '../mixing.js';
import { validateClosedFormAlpha } from '../validate-mixing.js';
import { nonFiniteRow } from './flip-search.js';
import { dot, squaredDistance } from './reduce.js';
import { Slices } from './slices.js';

const FLOAT32_MAX = 3.4028234663852886e38;

/** The TypeScript twin of native/src/cpu/closed_form_alpha.cc: the same bytes. */
export async function closedFormAlpha(args: ClosedFormAlphaArgs): Promise<Float32Array> {
  validateClosedFormAlpha(args);
  const { data, rows, dim, anchors, anchorIndex, gradient, alphaCap } = args;
  const alpha = new Float32Array(rows * dim);
  const slices = new Slices(rows, args);
  for (let i = 0; i < rows; i++) {
    const at = i * dim;
    if (!Number.isFinite(dot(data, at, data, at, dim))) throw nonFiniteRow(i);
    if (anchorIndex[i] >= 0) {
      const anchor = anchorIndex[i] * dim;
      const cap = typeof alphaCap === 'number' ? alphaCap : alphaCap[i];
      const distance = Math.sqrt(squaredDistance(anchors, anchor, data, at, dim));
      const norm = Math.sqrt(dot(gradient, at, gradient, at, dim));
      const scale = norm > 0 ? ((cap / Math.sqrt(dim)) * distance) / norm : 0;
      for (let j = 0; j < dim; j++) {
        const delta = anchors[anchor + j] - data[at + j];
        // No gradient moves nothing, even where the scale is infinite.
        if (delta === 0 || gradient[at + j] === 0) continue;
        // Where δ is next to nothing α may be beyond float32; infinity times δ would not be.
        alpha[at + j] = Math.max(-FLOAT32_MAX, Math.min(FLOAT32_MAX, (scale * gradient[at + j]) / delta));
      }
    }
    if (slices.step(1)) await slices.turn();
  }
  slices.finish();
  return alpha;
}
