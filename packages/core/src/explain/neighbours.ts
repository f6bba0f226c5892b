import { squaredDistance } from '../kernels/js/reduce.js';
import { Slices } from '../kernels/js/slices.js';
import type { JobOptions } from '../kernels/kernels.js';
import type { LabeledSet } from '../labels/labeled-set.js';
import type { Pool } from '../pool/pool.js';
import { Nearest } from './nearest.js';

/** A labelled row near a pick. */
export interface Neighbour {
  /** Its position in the LabeledSet. */
  index: number;
  /** Its class. */
  label: number;
  /** Euclidean distance. */
  distance: number;
  /** Its row of the pool and its id there, where it is in this pool. */
  row?: number;
  id?: string;
}

/**
 * The `count` nearest labelled rows of each pick.
 * @param data B×D, the picks' embeddings
 */
export async function neighboursOf(
  data: Float32Array,
  labeled: LabeledSet,
  pool: Pool,
  count: number,
  job: JobOptions,
): Promise<Neighbour[][]> {
  const { embeddings, rows, dim } = labeled;
  const picks = data.length / dim;
  const slices = new Slices(picks * rows, job);
  const found: Neighbour[][] = [];
  for (let i = 0; i < picks; i++) {
    const nearest = new Nearest(count);
    for (let index = 0; index < rows; index++) {
      nearest.offer({ index, distance: squaredDistance(data, i * dim, embeddings, index * dim, dim) });
      if (slices.step(1)) await slices.turn();
    }
    found.push(
      nearest.list.map(({ index, distance }) => neighbour(index, Math.sqrt(distance), labeled, pool)),
    );
  }
  slices.finish();
  return found;
}

function neighbour(index: number, distance: number, labeled: LabeledSet, pool: Pool): Neighbour {
  const found: Neighbour = { index, label: labeled.labels[index], distance };
  if (labeled.poolRows === undefined || labeled.pool !== pool) return found;
  found.row = labeled.poolRows[index];
  if (pool.ids) found.id = pool.idOf(found.row);
  return found;
}
