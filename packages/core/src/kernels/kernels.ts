/**
 * The kernels: what each promises, whoever makes them. `js` is the readable specification and the fallback,
 * `cpu` the native addon, `cuda` its plug-in. Same names, same shapes, same errors. All matrices are row-major float32.
 */

import type { FitSoftmaxArgs, FitSoftmaxResult } from './fitting.js';
import type {
  ClosedFormAlphaArgs,
  InterpolateArgs,
  InterpolateResult,
  PseudoLabelGradientArgs,
  PseudoLabelGradientResult,
} from './mixing.js';
import type { KCenterGreedyArgs, KMeansPlusPlusArgs, PickedRows } from './sampling.js';

/** Options every long call takes. */
export interface JobOptions {
  /** Stops the call within 50 ms; it rejects with ABORTED and `cause: signal.reason`. */
  signal?: AbortSignal;
  /** Called at most every 50 ms or so, and once at the end, with the work done and the total, in the kernel's own unit. */
  onProgress?: (done: number, total: number) => void;
  /** Threads to use; default: the cores this process may use. The result doesn't depend on it. Ignored by `js`. */
  threads?: number;
}

/**
 * How embeddings are stored. Every computation is on float32: 16-bit values widen to it exactly, float64 is rounded to
 * it (a value beyond its range is refused like an infinity).
 */
export type EmbeddingDType = 'float16' | 'bfloat16' | 'float32' | 'float64';

/** Consecutive rows inside a file: little-endian, row-major, `rows` × dim values from byte `offset`. */
export interface FileSegment {
  readonly path: string;
  readonly offset: number;
  readonly rows: number;
  /** Default float32. */
  readonly dtype?: EmbeddingDType;
  /** The file's state when its header was read (formats/file-stamp.ts): a call fails with IO where it has changed. */
  readonly stamp?: string;
}

/** Rows that live in one file or in several, read in blocks. */
export interface FileRows {
  readonly segments: readonly FileSegment[];
}

/** Rows in memory of another type than float32: the bits of 16-bit floats, or float64. Converted a block at a time. */
export type StoredRows =
  | { readonly dtype: 'float16' | 'bfloat16'; readonly values: Uint16Array }
  | { readonly dtype: 'float64'; readonly values: Float64Array };

/** Where a kernel reads its rows: a typed array in place (views and SharedArrayBuffer included), or files. */
export type RowSource = Float32Array | StoredRows | FileRows;

export interface ScoreUncertaintyArgs extends JobOptions {
  /** N×D pool embeddings. */
  data: RowSource;
  rows: number;
  dim: number;
  /** C×D head weight. */
  weight: Float32Array;
  /** C head bias. */
  bias: Float32Array;
  classes: number;
}

export interface FlipSearchArgs extends ScoreUncertaintyArgs {
  /** K×D anchors; an empty array gives no flips (flipCap +Infinity, flipAnchor and flipTo −1). */
  anchors: Float32Array;
}

/** One number of each a row. */
export interface UncertaintyScores {
  /** argmax of the logits, the lowest index on a tie. */
  pseudoLabel: Int32Array;
  /** Probability of the pseudo-label. */
  confidence: Float32Array;
  /** Difference of the two largest probabilities. */
  margin: Float32Array;
  /** Entropy of the prediction, in nats. */
  entropy: Float32Array;
}

/** One number of each a row. */
export interface FlipSearchResult extends UncertaintyScores {
  /** The smallest alpha cap at which mixing with some anchor changes the prediction; +Infinity if none does. */
  flipCap: Float32Array;
  /** The anchor that gives flipCap (the lowest on a tie), −1 if none. */
  flipAnchor: Int32Array;
  /** The class it flips to, −1 if none. */
  flipTo: Int32Array;
}

/**
 * M rows of a matrix, meant as if they were copied: row i is `data` row `index[i]` times `scale[i]`, rounded to float32.
 * An error names a row by its place i.
 */
export interface RowSelection {
  /** Rows × D: M of them without an index. */
  data: Float32Array;
  /** M. */
  rows: number;
  dim: number;
  /** M rows of `data`, in any order, repeats allowed. Default: its first row, the second … */
  index?: Int32Array;
  /** M finite factors, 1 / norm for rows of unit length. Default 1. */
  scale?: Float32Array;
}

export interface KMeansArgs extends JobOptions, RowSelection {
  /** K, 1 … rows. */
  clusters: number;
  /** Default 0. */
  seed?: number;
  /** K×D starting centers; without them seeds by batched greedy k-means++, which are rows. */
  initialCenters?: Float32Array;
  /** Seedings to try; the lowest inertia wins. Default 1. */
  nInit?: number;
  /** Most updates of the centers. Default 300. */
  maxIterations?: number;
  /**
   * `lloyd`, exact, or `hartigan`: one update of Lloyd's, then moves of single rows that lower the inertia, centers moving
   * along. Where K is a large part of M it ends some percent lower, and sooner; its labels may differ from the nearest
   * center only where `maxIterations` stopped it. Default `lloyd`.
   */
  algorithm?: KMeansAlgorithm;
}

export type KMeansAlgorithm = 'lloyd' | 'hartigan';

export interface KMeansResult {
  /** The cluster of each row. */
  labels: Int32Array;
  /** K×D. */
  centers: Float32Array;
  /** Sum of squared distances of the rows to the centers they are labelled with, in double. */
  inertia: number;
  /** Updates of the centers made; one more pass over the rows follows the last. */
  iterations: number;
  /** Whether that last pass changed no label. */
  converged: boolean;
}

export interface NearestMembersArgs extends JobOptions, RowSelection {
  /** K×D. */
  centers: Float32Array;
  clusters: number;
  /** The cluster of each row. */
  labels: Int32Array;
  /** Members within this much of the smallest squared distance count as tied. Default 1e-5 (unit rows). */
  tolerance?: number;
}

export interface NormalizeRowsArgs extends JobOptions {
  /** M×D rows; left as they are. */
  data: Float32Array;
  rows: number;
  dim: number;
}

export type Backend = 'js' | 'cpu' | 'cuda';

export interface Kernels {
  readonly backend: Backend;
  /** Instruction set in use: `js`, or `scalar`, `avx2` …; `cuda` on a device. */
  readonly level: string;
  /** The CUDA device in use, by name. */
  readonly device?: string;
  /** The BLAS that `ALFAMIX_BLAS` names, by its own name and version: `logits` may take it. */
  readonly blas?: string;
  /** Why the BLAS that `ALFAMIX_BLAS` names isn't used, where it can't be. */
  readonly blasReason?: string;
  /** ALFA-Mix's closed-form flip search and the uncertainty scores, in one read of the pool. */
  flipSearch(args: FlipSearchArgs): Promise<FlipSearchResult>;
  /** The uncertainty scores alone. */
  scoreUncertainty(args: ScoreUncertaintyArgs): Promise<UncertaintyScores>;
  /** N×C logits of the pool, z·Wᵀ + b, for C of at least 2: as float32, summed as the backend sums. */
  logits(args: ScoreUncertaintyArgs): Promise<Float32Array>;
  /** Mixes each row with one anchor, z + α ⊙ (A − z), and gives the logits of the mix (CVPR 2022, eq. 1). */
  interpolate(args: InterpolateArgs): Promise<InterpolateResult>;
  /** Gradient of the cross-entropy with the pseudo-label as target, by the embedding. */
  pseudoLabelGradient(args: PseudoLabelGradientArgs): Promise<PseudoLabelGradientResult>;
  /**
   * The paper's α (CVPR 2022, eq. 6) for one anchor a row: α = ε ‖δ‖ g / (‖g‖ δ) with δ = A − z and ε = alphaCap/√D;
   * N×D. 0 where δ is 0; otherwise unclamped: maybe negative or above 1, at most the largest finite float32. Computed in
   * double and rounded once; the same bytes on every backend.
   */
  closedFormAlpha(args: ClosedFormAlphaArgs): Promise<Float32Array>;
  /** k-means, exact, from greedy k-means++ seeds or given centers. */
  kmeans(args: KMeansArgs): Promise<KMeansResult>;
  /**
   * Farthest-first picks (Sener and Savarese, 2018, "k-Center-Greedy"): each the row farthest from all centers and
   * earlier picks, the lowest row on a tie. Exact; the same picks on every backend.
   */
  kCenterGreedy(args: KCenterGreedyArgs): Promise<PickedRows>;
  /**
   * Different rows, each drawn with probability proportional to the squared distance to those drawn before (D², Arthur
   * and Vassilvitskii, 2007); uniformly once no row is away from them. The same rows on every backend.
   */
  kmeansPlusPlus(args: KMeansPlusPlusArgs): Promise<PickedRows>;
  /** For each cluster its own member nearest the center (the lowest row among ties); −1 for an empty cluster. */
  nearestMembers(args: NearestMembersArgs): Promise<Int32Array>;
  /** The rows divided by their Euclidean norm; zero rows stay zero. */
  normalizeRows(args: NormalizeRowsArgs): Promise<Float32Array>;
  /**
   * Multinomial logistic regression: the minimum of Σ CE + (l2/2)‖V‖², bias free, of the ridge that predicts held-out rows
   * best (then the lower loss, then the larger ridge). In double by L-BFGS; the same bytes on every backend.
   */
  fitSoftmax(args: FitSoftmaxArgs): Promise<FitSoftmaxResult>;
}
