import type { Kernels } from '../kernels.js';
import { closedFormAlpha } from './closed-form-alpha.js';
import { fitSoftmax } from './fit-softmax.js';
import { flipSearch } from './flip-search.js';
import { interpolate } from './interpolate.js';
import { kCenterGreedy } from './k-center-greedy.js';
import { kmeans } from './kmeans.js';
import { kmeansPlusPlus } from './kmeans-plus-plus.js';
import { logits } from './logits.js';
import { nearestMembers } from './nearest-members.js';
import { normalizeRows } from './normalize-rows.js';
import { pseudoLabelGradient } from './pseudo-label-gradient.js';
import { scoreUncertainty } from './score-uncertainty.js';

/** The kernels in plain TypeScript: the readable specification, and the fallback where the addon can't run. */
export function jsKernels(): Kernels {
  return {
    backend: 'js',
    level: 'js',
    flipSearch,
    scoreUncertainty,
    logits,
    interpolate,
    pseudoLabelGradient,
    closedFormAlpha,
    kmeans,
    kCenterGreedy,
    kmeansPlusPlus,
    nearestMembers,
    normalizeRows,
    fitSoftmax,
  };
}
