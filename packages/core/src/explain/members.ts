import { dot } from '../kernels/js/reduce.js';
import { Slices } from '../kernels/js/slices.js';
import type { JobOptions } from '../kernels/kernels.js';
import type { Pool } from '../pool/pool.js';
import type { Clusters } from '../strategies/strategy.js';
import { Nearest } from './nearest.js';

/** Rows gathered at a time, in bytes. */
const GATHER_BYTES = 1 << 24;

/**
 * For each pick other rows of its cluster, those nearest to it (between rows of unit length, as they were clustered),
 * nearest first, ties by the lowest row (`count` of them at most).
 *
 * @param data B×D, the picks' embeddings
 */
export async function membersOf(
  data: Float32Array,
  picks: readonly { row: number; cluster?: number | undefined }[],
  clusters: Clusters,
  pool: Pool,
  count: number,
  job: JobOptions,
): Promise<number[][]> {
  const { dim } = pool;
  const rowsOf = rowsByCluster(clusters);
  const slices = new Slices(clusters.rows.length, job);
  const chunk = Math.max(1, Math.floor(GATHER_BYTES / (4 * dim)));
  const found: number[][] = [];
  for (const [i, { row: own, cluster }] of picks.entries()) {
    const nearest = new Nearest(count);
    const rows = (cluster === undefined ? undefined : rowsOf.get(cluster)) ?? [];
    for (let from = 0; from < rows.length; from += chunk) {
      const some = rows.slice(from, from + chunk);
      const gathered = await pool.gather(some, { signal: job.signal });
      for (const [k, row] of some.entries()) {
        if (row !== own) {
          const distance = unitDistance(data, i * dim, gathered, k * dim, dim);
          nearest.offer({ index: row, distance });
        }
        if (slices.step(1)) await slices.turn();
      }
    }
    found.push(nearest.list.map(({ index }) => index));
  }
  slices.finish();
  return found;
}

function rowsByCluster({ rows, labels }: Clusters): Map<number, number[]> {
  const rowsOf = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const list = rowsOf.get(labels[i]);
    if (list) list.push(rows[i]);
    else rowsOf.set(labels[i], [rows[i]]);
  }
  return rowsOf;
}

/** Squared distance between two rows divided by their norms; a zero row stays zero. */
function unitDistance(a: Float32Array, aAt: number, b: Float32Array, bAt: number, dim: number): number {
  const [aa, bb] = [dot(a, aAt, a, aAt, dim), dot(b, bAt, b, bAt, dim)];
  const cosine = aa > 0 && bb > 0 ? dot(a, aAt, b, bAt, dim) / Math.sqrt(aa * bb) : 0;
  return Number(aa > 0) + Number(bb > 0) - 2 * cosine;
}
