import type { Kernels } from '../kernels.js';
import { flipSearch } from './flip-search.js';
import { kmeans } from './kmeans.js';
import { nearestMembers } from './nearest-members.js';
import { normalizeRows } from './normalize-rows.js';

/** The kernels in plain TypeScript: the readable specification, and the fallback where the addon can't run. */
export function jsKernels(): Kernels {
  return { backend: 'js', level: 'js', flipSearch, kmeans, nearestMembers, normalizeRows };
}
