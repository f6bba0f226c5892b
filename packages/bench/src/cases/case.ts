import type { Compare } from '../agreement.js';
import type { Work } from '../limits.js';
import type { Problem, SharedFolder } from '../problem.js';

/** Who may take part in a case; `cpu` stands for each level, `tfjs` for each of its backends. */
export type Kind = 'js' | 'cpu' | 'tfjs' | 'ml-kmeans';

/** A kernel on data of one size: what is run, compared and held against the machine. */
export interface Case {
  /** For `--only`: kernel, then variant, as in `flipSearch/relu`. */
  id: string;
  /** With its sizes, for people. */
  title: string;
  problem(folder: SharedFolder): Problem;
  compare(folder: SharedFolder): Compare;
  /** `rate`: rows a second; `time`: milliseconds of a run; `pass`: milliseconds divided by the passes made. */
  metric: 'rate' | 'time' | 'pass';
  /** Of that many rows; absent where the work depends on the data. */
  work?: (rows: number) => Work;
  kinds: readonly Kind[];
  /** Rows that kinds too slow for all of them get; their rates are of those. */
  few?: number;
  /** Kinds that run only with --slow: minutes each. */
  slow?: readonly Kind[];
  /** Also sample the memory a run takes beyond its inputs. */
  memory?: boolean;
  /** Python peers, by the names in peers/peer.py. */
  peers?: readonly Peer[];
}

export interface Peer {
  name: string;
  few?: number;
  slow?: boolean;
  /** Does a part of the work only, or another computation: timed beside the others, its result not compared. */
  bare?: boolean;
}

/** 50000 as 50,000. */
export const thousands = (count: number): string => count.toLocaleString('en-US');
