import type { StageProgress } from './context.js';
import { expected } from './errors.js';
import type { LinearHead } from './head/linear-head.js';
import { checkParts, checkPool, chooseKernels } from './inputs.js';
import type { BackendName } from './kernels/get-kernels.js';
import { squaredDistance } from './kernels/js/reduce.js';
import { Slices } from './kernels/js/slices.js';
import type { Kernels } from './kernels/kernels.js';
import { requireInteger, validateJob } from './kernels/validate.js';
import { computeAnchors } from './labels/anchors.js';
import type { LabeledSet } from './labels/labeled-set.js';
import type { Pool } from './pool/pool.js';

export interface ExplainArgs {
  /** The pool the picks are rows of. */
  pool: Pool;
  /** The labels and the head of the selection. */
  labeled: LabeledSet;
  head: LinearHead;
  /** `select`'s picks, or any rows. */
  picks: readonly ExplainedPick[];
  /** Nearest labelled rows to name for each pick. Default 3. */
  neighbours?: number;
  /** Default `auto`. */
  backend?: BackendName;
  /** Kernels to use instead of a backend's. */
  kernels?: Kernels;
  threads?: number;
  signal?: AbortSignal;
  onProgress?: StageProgress;
}

/** What is read of a pick. */
export interface ExplainedPick {
  readonly row: number;
  readonly cluster?: number | undefined;
  readonly clusterSize?: number | undefined;
  readonly filled?: boolean;
}

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

/** Why a row is worth a label. Classes are indices. */
export interface Explanation {
  row: number;
  id?: string;
  pseudoLabel: number;
  /** Probability of the pseudo-label. */
  confidence: number;
  /** The first flip on the way to the anchors; undefined where no mix flips the prediction. */
  flip?: {
    /** The smallest alpha cap at which it happens. */
    cap: number;
    /** The class whose anchor the row is mixed with. */
    anchor: number;
    /** Labelled rows that anchor is the mean of; 0: the class has none, and it is the mean of all. */
    anchorRows: number;
    /** The class predicted from there on. */
    to: number;
  };
  /** Nearest first, the lowest index on a tie. */
  nearest: Neighbour[];
  /** The cluster it stands for and how many candidates that has, where the strategy clusters. */
  cluster?: number;
  clusterSize?: number;
  /** Drawn at random, because the strategy ran out of rows of its own. */
  filled: boolean;
}

/**
 * Explains picks: to which class each flips and towards which anchor, which labelled rows are nearest, and which cluster
 * it stands for. For the picks of any strategy. Cost: the flip search of B rows, and B·M·D for the neighbours.
 *
 * @returns one a pick, in their order
 * @throws INVALID_ARGUMENT, SHAPE_MISMATCH, NON_FINITE, IO, ABORTED
 * @example
 * const { picks, head } = await select({ pool, labeled, budget: 100 });
 * const [first] = await explain({ pool, labeled, head, picks });
 * first.flip?.to;
 */
export async function explain(args: ExplainArgs): Promise<Explanation[]> {
  const { pool, labeled, head, picks, neighbours = 3, threads, signal, onProgress } = args;
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw expected('a function', 'onProgress', onProgress);
  validateJob({ signal, threads });
  requireInteger(neighbours, 'neighbours', 0);
  checkPool(pool);
  if (labeled === undefined) throw expected('a LabeledSet', 'labeled', labeled);
  if (head === undefined) throw expected('a LinearHead', 'head', head);
  checkParts(pool, labeled, head);
  if (!Array.isArray(picks)) throw expected('an array of picks', 'picks', picks);
  if (picks.length === 0) return [];
  const { kernels } = chooseKernels(args.backend ?? 'auto', args.kernels, threads);
  const rows = picks.map((pick) => pick?.row);
  const data = await pool.gather(rows, { signal });
  const { weight, bias, classes } = head;
  const shape = { data, rows: rows.length, dim: pool.dim };
  const anchors = computeAnchors(labeled, classes);
  const found = await kernels.flipSearch({ ...shape, weight, bias, classes, anchors, threads, signal });
  const anchorRows = new Array<number>(classes).fill(0);
  for (const label of labeled.labels) anchorRows[label]++;
  const near = new NearestLabelled(labeled, pool, neighbours);
  const slices = new Slices(picks.length, {
    signal,
    onProgress: onProgress && ((done, total) => onProgress('explain', done, total)),
  });
  const explanations: Explanation[] = [];
  for (const [i, { row, cluster, clusterSize, filled = false }] of picks.entries()) {
    const anchor = found.flipAnchor[i];
    explanations.push({
      row,
      ...(pool.ids && { id: pool.idOf(row) }),
      pseudoLabel: found.pseudoLabel[i],
      confidence: found.confidence[i],
      ...(anchor >= 0 && {
        flip: { cap: found.flipCap[i], anchor, anchorRows: anchorRows[anchor], to: found.flipTo[i] },
      }),
      nearest: await near.to(data, i * pool.dim, slices),
      ...(cluster !== undefined && { cluster }),
      ...(clusterSize !== undefined && { clusterSize }),
      filled,
    });
    if (slices.step(1)) await slices.turn();
  }
  slices.finish();
  return explanations;
}

class NearestLabelled {
  readonly #labeled: LabeledSet;
  readonly #pool: Pool;
  readonly #count: number;

  constructor(labeled: LabeledSet, pool: Pool, count: number) {
    this.#labeled = labeled;
    this.#pool = pool;
    this.#count = Math.min(count, labeled.rows);
  }

  /** The labelled rows nearest to the embedding at an offset. */
  async to(data: Float32Array, offset: number, slices: Slices): Promise<Neighbour[]> {
    const { embeddings, rows, dim } = this.#labeled;
    /** Sorted; ties keep the order they came in, which is by index. */
    const best: { index: number; distance2: number }[] = [];
    for (let index = 0; index < rows && this.#count > 0; index++) {
      const distance2 = squaredDistance(data, offset, embeddings, index * dim, dim);
      if (slices.step(0)) await slices.turn();
      if (best.length === this.#count && distance2 >= best[best.length - 1].distance2) continue;
      if (best.length === this.#count) best.pop();
      let at = best.length;
      while (at > 0 && best[at - 1].distance2 > distance2) at--;
      best.splice(at, 0, { index, distance2 });
    }
    return best.map(({ index, distance2 }) => this.#neighbour(index, Math.sqrt(distance2)));
  }

  #neighbour(index: number, distance: number): Neighbour {
    const { labels, poolRows, pool } = this.#labeled;
    const neighbour: Neighbour = { index, label: labels[index], distance };
    if (poolRows === undefined || pool !== this.#pool) return neighbour;
    neighbour.row = poolRows[index];
    if (pool.ids) neighbour.id = pool.idOf(neighbour.row);
    return neighbour;
  }
}
