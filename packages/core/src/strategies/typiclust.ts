import { type Context, nameRow } from '../context.js';
import { smallest } from '../order.js';
import { TimeSlice } from '../time-slice.js';
import { gatherBlocks } from './gather-blocks.js';
import { configurable, count } from './options.js';
import type { StrategyPick } from './strategy.js';
import { neighbourDistances } from './typicality.js';

/** Nearest neighbours that tell how typical a row is, and the rows a cluster should have: the paper's. */
const NEIGHBOURS = 20;
const SMALL_CLUSTER = 5;
/** In a larger cluster neighbours are looked for among so many of its rows, drawn at random. */
const MOST_COMPARED = 5000;

/**
 * TypiClust (Hacohen, Dekel and Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets",
 * ICML 2022), its TPC_RP, for the first labels of all: needs none, and no head; labels there are cover their clusters.
 *
 * The labelled rows and those that may be picked, L2-normalised, go through k-means with as many clusters as there are
 * labels and picks, at most `clusters`. Each pick is the most typical row left in the largest of the clusters with the fewest
 * labelled or picked rows; clusters of fewer than 5 rows come last. Typical is a small mean distance to the 20 nearest
 * rows of the cluster. Ties by the lower row.
 *
 * Unlike the authors' code: distances aren't squared, all rows of a cluster are neighbours (picked ones too), and k-means
 * is exact. Cost: k-means, and m²·D for each cluster of m rows that is picked from (m·5000·D for m > 5000); memory: those
 * rows as float32, twice while they are normalised.
 */
export const typiclust = configurable({
  name: 'typiclust',
  needs: { labels: false, head: false },
  options: { clusters: count(500) },
  async select(context, { clusters: most }) {
    const { available, pool, budget } = context;
    const { clusters, rowOf } = await clusterAll(context, most);
    const slice = new TimeSlice(context.signal);
    const picks: StrategyPick[] = [];
    while (picks.length < budget) {
      const cluster = clusters.reduce((best, each) => (comesFirst(each, best) ? each : best));
      cluster.order ??= await byTypicality(context, cluster);
      const row = rowOf[cluster.order[cluster.picked++]];
      cluster.covered++;
      picks.push({ row, cluster: cluster.index, clusterSize: cluster.open.length });
      if (slice.due) await slice.next();
    }
    const labels = new Int32Array(pool.rows);
    for (const { index, open } of clusters) for (const at of open) labels[rowOf[at]] = index;
    return { picks, clusters: { rows: available, labels: Int32Array.from(available, (row) => labels[row]) } };
  },
});

interface Cluster {
  index: number;
  /** Positions in `data` of its rows, increasing; those that may be picked. */
  all: number[];
  open: number[];
  /** How many are labelled or picked, and picked. */
  covered: number;
  picked: number;
  /** D a row. */
  data: Float32Array;
  /** `open`, the most typical first, once it is known. */
  order?: number[];
}

/** Whether the next pick is rather from `a`. */
function comesFirst(a: Cluster, b: Cluster): boolean {
  const usedUp = a.picked === a.open.length;
  if (usedUp !== (b.picked === b.open.length)) return !usedUp;
  const small = a.all.length < SMALL_CLUSTER;
  if (small !== b.all.length < SMALL_CLUSTER) return !small;
  return a.covered === b.covered ? a.all.length > b.all.length : a.covered < b.covered;
}

/** The clusters of the labelled rows, which come first, and those that may be picked. */
async function clusterAll(
  context: Context,
  most: number,
): Promise<{ clusters: Cluster[]; rowOf: Float64Array }> {
  const { pool, available, labeled, kernels, budget, seed } = context;
  const { dim } = pool;
  const known = labeled?.rows ?? 0;
  const rows = known + available.length;
  /** A position's row of the pool; −1 for the labelled ones. */
  const rowOf = new Float64Array(rows).fill(-1);
  rowOf.set(available, known);
  const gathered = new Float32Array(rows * dim);
  if (labeled) gathered.set(labeled.embeddings);
  await context.stage('gather', async ({ signal }) => {
    for await (const { start, data } of gatherBlocks(pool, available, signal))
      gathered.set(data, (known + start) * dim);
  });
  const shape = { rows, dim };
  const data = await context
    .stage('normalize', (job) => kernels.normalizeRows({ data: gathered, ...shape, ...job }))
    .catch((error) => {
      throw nameRow(error, pool, rowOf);
    });
  const count = Math.min(known + budget, most, rows);
  const { labels } = await context.stage('cluster', (job) =>
    kernels.kmeans({ data, ...shape, clusters: count, seed, ...job }),
  );
  const clusters = Array.from(
    { length: count },
    (_, index): Cluster => ({ index, all: [], open: [], covered: 0, picked: 0, data }),
  );
  const slice = new TimeSlice(context.signal);
  for (const [at, label] of labels.entries()) {
    clusters[label].all.push(at);
    if (at < known) clusters[label].covered++;
    else clusters[label].open.push(at);
    if (slice.due) await slice.next();
  }
  return { clusters, rowOf };
}

/** The cluster's rows that may be picked, the most typical first; no more than can be. */
async function byTypicality(context: Context, { all, open, data }: Cluster): Promise<number[]> {
  if (all.length < 2) return open;
  const { kernels, rng, pool } = context;
  const { dim } = pool;
  const members = new Float32Array(all.length * dim);
  const slice = new TimeSlice(context.signal);
  for (const [i, at] of all.entries()) {
    members.set(data.subarray(at * dim, (at + 1) * dim), i * dim);
    if (slice.due) await slice.next();
  }
  const among =
    all.length <= MOST_COMPARED
      ? Int32Array.from(all.keys())
      : Int32Array.from(rng.sample(all.length, MOST_COMPARED)).sort();
  const neighbours = Math.min(NEIGHBOURS, among.length - 1);
  const distances = await context.stage('typicality', (job) =>
    neighbourDistances({ kernels, data: members, rows: all.length, dim, among, neighbours, job }),
  );
  const labelled = all.length - open.length;
  return smallest(distances.subarray(labelled), Math.min(context.budget, open.length)).map((i) => open[i]);
}
