import { AlfamixError } from '../../errors.js';
import type { NearestMembersArgs } from '../kernels.js';
import { validateNearestMembers } from '../validate-kmeans.js';
import { nonFiniteRow } from './flip-search.js';
import { rowsOf } from './kmeans-rows.js';
import { squaredDistance } from './reduce.js';
import { Slices } from './slices.js';

/** The TypeScript twin of native/src/cpu/nearest_members.cc. */
export async function nearestMembers(args: NearestMembersArgs): Promise<Int32Array> {
  validateNearestMembers(args);
  const { rows, dim, centers, clusters, labels, tolerance = 1e-5 } = args;
  const data = rowsOf(args);
  const distance = new Float64Array(rows);
  const smallest = new Float64Array(clusters).fill(Number.POSITIVE_INFINITY);
  const slices = new Slices(rows, args);
  for (let i = 0; i < rows; i++) {
    const k = labels[i];
    if (k < 0 || k >= clusters) {
      throw new AlfamixError(
        'INVALID_ARGUMENT',
        `expected labels from 0 to ${clusters - 1}, got ${k} in row ${i}`,
        {
          details: { row: i },
        },
      );
    }
    distance[i] = squaredDistance(data, i * dim, centers, k * dim, dim);
    if (!Number.isFinite(distance[i])) throw nonFiniteRow(i);
    if (distance[i] < smallest[k]) smallest[k] = distance[i];
    if (slices.step(1)) await slices.turn();
  }
  const members = new Int32Array(clusters).fill(-1);
  for (let i = 0; i < rows; i++) {
    const k = labels[i];
    if (members[k] < 0 && distance[i] <= smallest[k] + tolerance) members[k] = i;
  }
  slices.finish();
  return members;
}
