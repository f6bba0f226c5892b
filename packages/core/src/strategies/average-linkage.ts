import { Slices } from '../kernels/js/slices.js';
import type { JobOptions } from '../kernels/kernels.js';

/** Where the distance of i and j, i < j, is in the m(m − 1)/2 of m rows. */
export const pairIndex = (i: number, j: number, rows: number): number =>
  (i * (2 * rows - i - 1)) / 2 + (j - i - 1);

/**
 * Agglomerative clustering with average linkage, the tree cut where `clusters` are left: the cluster of each row, numbered
 * by their lowest rows. By nearest-neighbour chains (Murtagh, 1983), which give the same tree as joining the closest
 * pair each time: an average lies between the distances it is made of, in float32 too. Chains start at the lowest row, and
 * go on to the lowest of equals.
 *
 * Cost: O(m²) time; memory: that of the distances.
 *
 * @param distances the distance of each pair, at pairIndex; overwritten
 */
export async function averageLinkage(
  distances: Float32Array,
  rows: number,
  clusters: number,
  job: JobOptions = {},
): Promise<Int32Array> {
  const joins = await chainJoins(distances, rows, job);
  // Stable: a join comes after those it is made of, which are no higher.
  joins.sort((a, b) => a.height - b.height);
  const parent = Int32Array.from({ length: rows }, (_, i) => i);
  const rootOf = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] = parent[parent[root]];
    return root;
  };
  for (const { a, b } of joins.slice(0, rows - clusters)) {
    const [low, high] = [rootOf(a), rootOf(b)].sort((x, y) => x - y);
    parent[high] = low;
  }
  const numberOf = new Map<number, number>();
  return Int32Array.from({ length: rows }, (_, i) => {
    const root = rootOf(i);
    const number = numberOf.get(root) ?? numberOf.size;
    numberOf.set(root, number);
    return number;
  });
}

interface Join {
  /** A row of each cluster. */
  a: number;
  b: number;
  height: number;
}

async function chainJoins(distances: Float32Array, rows: number, job: JobOptions): Promise<Join[]> {
  const at = (i: number, j: number) => (i < j ? pairIndex(i, j, rows) : pairIndex(j, i, rows));
  const slices = new Slices(rows, job);
  const sizes = new Int32Array(rows).fill(1);
  /** Clusters by one of their rows, increasing. */
  let active = Array.from({ length: rows }, (_, i) => i);
  const joins: Join[] = [];
  const chain: number[] = [];
  while (active.length > 1) {
    if (chain.length === 0) chain.push(active[0]);
    const top = chain[chain.length - 1];
    let nearest = chain.length > 1 ? chain[chain.length - 2] : -1;
    let height = nearest < 0 ? Number.POSITIVE_INFINITY : distances[at(top, nearest)];
    const before = nearest;
    for (const other of active) {
      if (other === top) continue;
      const distance = distances[at(top, other)];
      if (distance < height || nearest < 0) {
        nearest = other;
        height = distance;
      }
    }
    const closest = nearest === before;
    if (!closest) {
      chain.push(nearest);
    } else {
      chain.length -= 2;
      const [a, b] = top < nearest ? [top, nearest] : [nearest, top];
      active = active.filter((i) => i !== b);
      for (const other of active) {
        if (other === a) continue;
        distances[at(a, other)] =
          (sizes[a] * distances[at(a, other)] + sizes[b] * distances[at(b, other)]) / (sizes[a] + sizes[b]);
      }
      sizes[a] += sizes[b];
      joins.push({ a, b, height });
    }
    if (slices.step(closest ? 1 : 0)) await slices.turn();
  }
  slices.finish();
  return joins;
}
