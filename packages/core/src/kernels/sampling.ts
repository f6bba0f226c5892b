/** Kernels that choose rows by their distance from those chosen before. Row-major float32. */
import type { JobOptions } from './kernels.js';

export interface KCenterGreedyArgs extends JobOptions {
  /** N×D rows to choose from. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** M×D rows that are centers already (the labelled ones). Default none: the first pick is row 0. */
  centers?: Float32Array;
  /** B, how many rows to pick: 1 … rows. */
  budget: number;
}

/** Rows in the order they were picked. */
export interface PickedRows {
  rows: Int32Array;
  /** Squared Euclidean distance of each to the nearest center or earlier pick; +Infinity where there was none. */
  distance2: Float64Array;
}

export interface KMeansPlusPlusArgs extends JobOptions {
  /** N×D rows. */
  data: Float32Array;
  rows: number;
  dim: number;
  /**
   * N×F factors a: the points are then the outer products a_i ⊗ z_i (N×(F·D), never formed), as in BADGE's gradient
   * embeddings.
   */
  factors?: Float32Array;
  /** F; needed with `factors`. */
  factorDim?: number;
  /** How many rows to draw: 1 … rows. */
  clusters: number;
  /** The first row: drawn uniformly, or the point of the largest norm (BADGE). Default `uniform`. */
  first?: 'uniform' | 'largest-norm';
  /** Default 0. */
  seed?: number;
}
