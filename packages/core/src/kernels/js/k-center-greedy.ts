import type { KCenterGreedyArgs, PickedRows } from '../sampling.js';
import { validateKCenterGreedy } from '../validate-sampling.js';
import { nonFiniteRow } from './flip-search.js';
import { dot, squaredDistance } from './reduce.js';
import { Slices } from './slices.js';

/**
 * The TypeScript twin of native/src/cpu/k_center_greedy.cc: the same picks. A row's distance only falls as centers are
 * added, so what it was is a bound: a row is brought up to date only while it could still be the farthest.
 */
export async function kCenterGreedy(args: KCenterGreedyArgs): Promise<PickedRows> {
  validateKCenterGreedy(args);
  const { data, rows, dim, centers = new Float32Array(0), budget } = args;
  const slices = new Slices(budget, args);
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(dot(data, i * dim, data, i * dim, dim))) throw nonFiniteRow(i);
    if (slices.step(0)) await slices.turn();
  }
  const given = centers.length / dim;
  const picked: PickedRows = { rows: new Int32Array(budget), distance2: new Float64Array(budget) };
  /** Squared distance to the nearest of the first `seen` centers; −1 for a picked row. */
  const distance2 = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const seen = new Int32Array(rows);
  for (let pick = 0; pick < budget; pick++) {
    const all = given + pick;
    let farthest = -1;
    let most = -1;
    for (let i = 0; i < rows; i++) {
      while (seen[i] < all && distance2[i] > most) {
        const c = seen[i]++;
        const d =
          c < given
            ? squaredDistance(data, i * dim, centers, c * dim, dim)
            : squaredDistance(data, i * dim, data, picked.rows[c - given] * dim, dim);
        if (d < distance2[i]) distance2[i] = d;
        if (slices.step(0)) await slices.turn();
      }
      if (distance2[i] > most) {
        most = distance2[i];
        farthest = i;
      }
    }
    picked.rows[pick] = farthest;
    picked.distance2[pick] = most;
    distance2[farthest] = -1;
    if (slices.step(1)) await slices.turn();
  }
  slices.finish();
  return picked;
}
