import type { Context } from '../context.js';
import type { CapCount } from '../ladder.js';

/** One row a strategy picks. */
export interface StrategyPick {
  row: number;
  /** Where the strategy clusters: the pick's cluster and its number of members. */
  cluster?: number;
  clusterSize?: number;
  /** True when it was drawn at random because the strategy ran out of rows of its own. */
  filled?: boolean;
}

/** What a strategy clustered. */
export interface Clusters {
  /** Rows of the pool, increasing. */
  rows: ArrayLike<number>;
  /** The cluster of each of them. */
  labels: Int32Array;
}

export interface StrategyResult {
  /** `context.budget` different rows of `context.available`, best first: a prefix is a good smaller batch. */
  picks: StrategyPick[];
  /** Rows the strategy chose among, where that is a notion of it. */
  candidates?: number;
  /** The alpha cap in use, for strategies with a ladder of them. */
  capUsed?: number;
  candidatesPerCap?: CapCount[];
  /** Where the strategy clusters: whom each pick stands for. */
  clusters?: Clusters;
  /** Sentences for the reader of the result. */
  notes?: string[];
}

/** What must be there. A head that isn't given is the model's, or is fitted on the labels. */
export interface StrategyNeeds {
  readonly labels: boolean;
  readonly head: boolean;
  /** The network that made the pool, and its inputs. Default false: it may be used where it is given. */
  readonly model?: boolean;
}

/** A query of the caller's own: rows of `context.available`, best first, `context.budget` of them. */
export type StrategyFunction = (context: Context) => ArrayLike<number> | Promise<ArrayLike<number>>;

/**
 * A way to choose rows. Pass an object of this shape to `select` to try one of your own.
 *
 * @example
 * const first: Strategy = {
 *   name: 'first',
 *   needs: { labels: false, head: false },
 *   select: async ({ available, budget }) => ({ picks: [...available.subarray(0, budget)].map((row) => ({ row })) }),
 * };
 */
export interface Strategy {
  readonly name: string;
  readonly needs: StrategyNeeds;
  /** Start and step of its ladder of alpha caps where the caller gives none. Default 0.2, the paper's. */
  readonly alphaCap?: number | undefined;
  select(context: Context): Promise<StrategyResult>;
}
