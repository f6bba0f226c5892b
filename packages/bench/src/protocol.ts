/** What the bench and its peers say to each other: one JSON line a message, an answer for each request, in order. */
import type { Problem, SharedOutputs } from './problem.js';

export type Request =
  /** Loads a problem (and forgets the last); `rows` takes only its first rows. */
  | { do: 'prepare'; problem: Problem; rows?: number; threads: number }
  /** Runs it until that many milliseconds are over, at least once, and answers the median of a run. */
  | { do: 'run'; atLeast: number }
  /** Writes what the last run gave into files whose names begin with `prefix`. */
  | { do: 'outputs'; prefix: string }
  /** Runs it once more and samples the process's resident set. */
  | { do: 'memory' }
  /** The machine's rates at a level (addon processes only). */
  | { do: 'rates'; level: string; threads: number }
  /** Our product at a level beside BLAS's, and which BLAS that is (addon processes only). */
  | { do: 'product'; level: string; columns: number };

export interface Answers {
  prepare: Record<string, never>;
  run: { ms: number };
  outputs: SharedOutputs;
  memory: { extraBytes: number };
  rates: { readBytes: number; multiplyFlops: number };
  product: ProductRow;
}

/** A block of 256 rows × 512 against so many columns, on one thread; float32 operations a second. */
export interface ProductRow {
  level: string;
  columns: number;
  own: number;
  /** 0 without a BLAS. */
  blas: number;
  /** Whether `logits` takes BLAS for such a product. */
  used: boolean;
  /** The BLAS's version, or why there is none. */
  library: string;
}

/** First line of a peer: what it is, or why it can't be. */
export type Greeting = { ready: true; version: string } | { ready: false; why: string };

export type Answer = { ok: true; value: unknown } | { ok: false; error: string };
