import { nameRow, type StageProgress } from '../context.js';
import { type ArgumentNames, expected, JOB_ARGUMENTS, requireArguments } from '../errors.js';
import type { LinearHead } from '../head/linear-head.js';
import { checkParts, checkPool, chooseKernels } from '../inputs.js';
import type { BackendName } from '../kernels/get-kernels.js';
import type { FlipSearchResult, Kernels } from '../kernels/kernels.js';
import { requireInteger, validateJob } from '../kernels/validate.js';
import { computeAnchors } from '../labels/anchors.js';
import type { LabeledSet } from '../labels/labeled-set.js';
import { assertRow } from '../pool/gather.js';
import type { Pool } from '../pool/pool.js';
import type { Clusters } from '../strategies/strategy.js';
import { type Flip, flipsOf } from './flips.js';
import { membersOf } from './members.js';
import { type Neighbour, neighboursOf } from './neighbours.js';

export type { Flip } from './flips.js';
export type { Neighbour } from './neighbours.js';

export interface ExplainArgs {
  /** The pool the picks are rows of. */
  pool: Pool;
  /** The labels and the head of the selection. */
  labeled: LabeledSet;
  head: LinearHead;
  /** `select`'s picks, or any rows. */
  picks: readonly ExplainedPick[];
  /** `select`'s clusters; without them no members are named. */
  clusters?: Clusters | undefined;
  /** Nearest labelled rows to name for each pick. Default 3. */
  neighbours?: number;
  /** Rows of its cluster to name for each pick. Default 3. */
  members?: number;
  /** Default `auto`. */
  backend?: BackendName;
  /** Kernels to use instead of a backend's. */
  kernels?: Kernels;
  threads?: number;
  signal?: AbortSignal;
  onProgress?: StageProgress;
}

const ARGUMENTS: ArgumentNames<ExplainArgs> = {
  pool: true,
  labeled: true,
  head: true,
  picks: true,
  clusters: true,
  neighbours: true,
  members: true,
  ...JOB_ARGUMENTS,
};

/** What is read of a pick. */
export interface ExplainedPick {
  readonly row: number;
  readonly cluster?: number | undefined;
  readonly clusterSize?: number | undefined;
  readonly filled?: boolean;
}

/** Why a row is worth a label. Classes are indices. */
export interface Explanation {
  row: number;
  id?: string;
  pseudoLabel: number;
  /** Probability of the pseudo-label. */
  confidence: number;
  /** The first flip on the way to the anchors; undefined where no mix flips the prediction. */
  flip?: Flip;
  /** Nearest first, the lowest index on a tie. */
  nearest: Neighbour[];
  /** The cluster it stands for and how many candidates that has, where the strategy clusters. */
  cluster?: number;
  clusterSize?: number;
  /** Rows of the pool in its cluster, the nearest to it first (by angle, as they were clustered), the lowest on a tie. */
  members: number[];
  /** Drawn at random, because the strategy ran out of rows of its own. */
  filled: boolean;
}

/**
 * Explains picks: to which class each flips and towards which anchor, which labelled rows are nearest, and which cluster
 * it stands for. For the picks of any strategy. Cost: the flip search of B rows, B·M·D for the neighbours, and one more
 * read of what was clustered for the members.
 *
 * @returns one a pick, in their order
 * @throws INVALID_ARGUMENT, SHAPE_MISMATCH, NON_FINITE, IO, ABORTED
 * @example
 * const { picks, head, clusters } = await select({ pool, labeled, budget: 100 });
 * const [first] = await explain({ pool, labeled, head, picks, clusters });
 * first.flip?.to;
 */
export async function explain(args: ExplainArgs): Promise<Explanation[]> {
  requireArguments(args, 'explain', ARGUMENTS);
  const { pool, labeled, head, picks, clusters, neighbours = 3, members = 3 } = args;
  const { threads, signal, onProgress } = args;
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw expected('a function', 'onProgress', onProgress);
  validateJob({ signal, threads });
  requireInteger(neighbours, 'neighbours', 0);
  requireInteger(members, 'members', 0);
  checkPool(pool);
  if (labeled === undefined) throw expected('a LabeledSet', 'labeled', labeled);
  if (head === undefined) throw expected('a LinearHead', 'head', head);
  checkParts(pool, labeled, head);
  if (!Array.isArray(picks)) throw expected('an array of picks', 'picks', picks);
  if (clusters !== undefined) checkClusters(clusters, pool);
  if (picks.length === 0) return [];
  const rows = picks.map((pick) => pick?.row);
  const stage = (name: string) => ({
    signal,
    onProgress: onProgress && ((done: number, total: number) => onProgress(name, done, total)),
  });

  const data = await pool.gather(rows, { signal });
  const anchors = computeAnchors(labeled, head.classes);
  const found = await search(data, rows, anchors, args);
  const flips = await flipsOf(data, found, { head, labeled, anchors }, stage('flips'));
  const near = await neighboursOf(data, labeled, pool, neighbours, stage('neighbours'));
  const others =
    clusters && members > 0
      ? await membersOf(data, args.picks, clusters, pool, members, stage('members'))
      : undefined;
  return picks.map(({ row, cluster, clusterSize, filled = false }, i) => ({
    row,
    ...(pool.ids && { id: pool.idOf(row) }),
    pseudoLabel: found.pseudoLabel[i],
    confidence: found.confidence[i],
    ...(flips[i] && { flip: flips[i] }),
    nearest: near[i],
    ...(cluster !== undefined && { cluster }),
    ...(clusterSize !== undefined && { clusterSize }),
    members: others?.[i] ?? [],
    filled,
  }));
}

/** Real arrays only: what merely looks like one can be of any length. */
function checkClusters(clusters: Clusters, pool: Pool): void {
  const { rows, labels } = Object(clusters) as { [name in keyof Clusters]: unknown };
  if (!isNumbers(rows)) throw expected('an array of rows', 'clusters.rows', rows);
  if (!isNumbers(labels)) throw expected('an array of clusters', 'clusters.labels', labels);
  if (labels.length !== rows.length)
    throw expected(`${rows.length} values, one a row,`, 'clusters.labels', labels.length, 'SHAPE_MISMATCH');
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (!(Number.isInteger(row) && row >= 0 && row < pool.rows))
      assertRow(row, pool.rows, `clusters.rows[${i}]`);
    if (!Number.isSafeInteger(labels[i]) || labels[i] < 0)
      throw expected('a cluster, 0 or a larger integer,', `clusters.labels[${i}]`, labels[i]);
  }
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** By the kernels that pick, so that the numbers are those of the picks. */
async function search(
  data: Float32Array,
  rows: readonly number[],
  anchors: Float32Array,
  { pool, head, backend = 'auto', kernels: given, threads, signal }: ExplainArgs,
): Promise<FlipSearchResult> {
  const { kernels } = await chooseKernels(backend, given, threads);
  const { weight, bias, classes } = head;
  const shape = { data, rows: rows.length, dim: pool.dim };
  try {
    return await kernels.flipSearch({ ...shape, weight, bias, classes, anchors, threads, signal });
  } catch (error) {
    throw nameRow(error, pool, rows);
  }
}
