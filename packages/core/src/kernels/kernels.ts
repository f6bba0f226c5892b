/**
 * The kernels: what each promises, whoever makes them. `js` is the readable specification and the fallback,
 * `cpu` the native addon. Same names, same shapes, same errors. All matrices are row-major float32.
 */

/** Options every long call takes. */
export interface JobOptions {
  /** Stops the call within 50 ms; it rejects with ABORTED and `cause: signal.reason`. */
  signal?: AbortSignal;
  /** Called at most every 50 ms or so, and once at the end, with the work done and the total, in the kernel's own unit. */
  onProgress?: (done: number, total: number) => void;
  /** Threads to use; default: the cores this process may use. The result doesn't depend on it. Ignored by `js`. */
  threads?: number;
}

/** Consecutive rows inside a file: little-endian float32, row-major, `rows` × dim values from byte `offset`. */
export interface FileSegment {
  readonly path: string;
  readonly offset: number;
  readonly rows: number;
}

/** Rows that live in one file or in several, read in blocks. */
export interface FileRows {
  readonly segments: readonly FileSegment[];
}

/** Where a kernel reads its rows: a typed array in place (views and SharedArrayBuffer included), or files. */
export type RowSource = Float32Array | FileRows;

export interface FlipSearchArgs extends JobOptions {
  /** N×D pool embeddings. */
  data: RowSource;
  rows: number;
  dim: number;
  /** C×D head weight. */
  weight: Float32Array;
  /** C head bias. */
  bias: Float32Array;
  classes: number;
  /** K×D anchors; an empty array gives the uncertainty scores alone (flipCap +Infinity, flipAnchor and flipTo −1). */
  anchors: Float32Array;
}

/** One number of each a row. */
export interface FlipSearchResult {
  /** argmax of the logits, the lowest index on a tie. */
  pseudoLabel: Int32Array;
  /** Probability of the pseudo-label. */
  confidence: Float32Array;
  /** Difference of the two largest probabilities. */
  margin: Float32Array;
  /** Entropy of the prediction, in nats. */
  entropy: Float32Array;
  /** The smallest alpha cap at which mixing with some anchor changes the prediction; +Infinity if none does. */
  flipCap: Float32Array;
  /** The anchor that gives flipCap (the lowest on a tie), −1 if none. */
  flipAnchor: Int32Array;
  /** The class it flips to, −1 if none. */
  flipTo: Int32Array;
}

export interface KMeansArgs extends JobOptions {
  /** M×D rows. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** K, 1 … rows. */
  clusters: number;
  /** Default 0. */
  seed?: number;
  /** K×D starting centers; without them k-means++ seeds. */
  initialCenters?: Float32Array;
  /** Seedings to try; the lowest inertia wins. Default 1. */
  nInit?: number;
  /** Most updates of the centers. Default 300. */
  maxIterations?: number;
}

export interface KMeansResult {
  /** The cluster of each row. */
  labels: Int32Array;
  /** K×D. */
  centers: Float32Array;
  /** Sum of squared distances of the rows to the centers they are labelled with, in double. */
  inertia: number;
  /** Updates of the centers made; one more assignment pass follows the last. */
  iterations: number;
  /** Whether that last pass changed no label. */
  converged: boolean;
}

export interface NearestMembersArgs extends JobOptions {
  /** M×D rows. */
  data: Float32Array;
  rows: number;
  dim: number;
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

export type Backend = 'js' | 'cpu';

export interface Kernels {
  readonly backend: Backend;
  /** Instruction set in use: `js`, or `scalar`, `avx2` … */
  readonly level: string;
  /** ALFA-Mix's closed-form flip search and the uncertainty scores, in one read of the pool. */
  flipSearch(args: FlipSearchArgs): Promise<FlipSearchResult>;
  /** Exact Lloyd from k-means++ seeds or given centers. */
  kmeans(args: KMeansArgs): Promise<KMeansResult>;
  /** For each cluster its own member nearest the center (the lowest row among ties); −1 for an empty cluster. */
  nearestMembers(args: NearestMembersArgs): Promise<Int32Array>;
  /** The rows divided by their Euclidean norm; zero rows stay zero. */
  normalizeRows(args: NormalizeRowsArgs): Promise<Float32Array>;
}
