/** The surface of the addon: exactly what native/src/addon/addon.cc registers. */

/** A job under way on the addon's own threads. `cancel` makes the promise reject with code ABORTED, within 50 ms. */
export interface NativeJob<Result> {
  promise: Promise<Result>;
  cancel(): void;
}

export interface NativeJobOptions {
  /** 1 … 256. */
  threads: number;
  /** One of `levels()`; or `cuda`, the plug-in that `cuda()` opened: what isn't on the device runs at the fastest then. */
  level: string;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface NativeFileSegment {
  path: string;
  offset: number;
  rows: number;
  /** What native/src/cpu/file_stamp.h must say of the file. */
  stamp?: string | undefined;
  /** Default float32. */
  dtype?: string | undefined;
}

/** Exactly one of `data` and `segments` is given. */
export interface NativeRowSource {
  data?: Float32Array | Float64Array | Uint16Array | undefined;
  /** Of `data`: float32 (default), float16 or bfloat16 (a Uint16Array), float64. */
  dtype?: string | undefined;
  segments?: readonly NativeFileSegment[] | undefined;
}

export interface NativeFlipSearchArgs extends NativeJobOptions, NativeRowSource {
  rows: number;
  dim: number;
  weight: Float32Array;
  bias: Float32Array;
  classes: number;
  anchors: Float32Array;
  anchorCount: number;
}

export interface NativeFlipSearchResult {
  pseudoLabel: Int32Array;
  confidence: Float32Array;
  margin: Float32Array;
  entropy: Float32Array;
  flipCap: Float32Array;
  flipAnchor: Int32Array;
  flipTo: Int32Array;
}

export interface NativeScoreUncertaintyArgs extends NativeJobOptions, NativeRowSource {
  rows: number;
  dim: number;
  weight: Float32Array;
  bias: Float32Array;
  classes: number;
}

export interface NativeUncertaintyScores {
  pseudoLabel: Int32Array;
  confidence: Float32Array;
  margin: Float32Array;
  entropy: Float32Array;
}

export interface NativeInterpolateArgs extends NativeJobOptions {
  data: Float32Array;
  rows: number;
  dim: number;
  anchors: Float32Array;
  anchorCount: number;
  anchorIndex: Int32Array;
  alpha: Float32Array;
  /** Empty with bias and 0 classes: no logits. */
  weight: Float32Array;
  bias: Float32Array;
  classes: number;
}

export interface NativeInterpolateResult {
  mixed: Float32Array;
  logits: Float32Array;
}

export interface NativePseudoLabelGradientArgs extends NativeJobOptions {
  data: Float32Array;
  rows: number;
  dim: number;
  weight: Float32Array;
  bias: Float32Array;
  classes: number;
  unit: boolean;
}

export interface NativePseudoLabelGradientResult {
  gradient: Float32Array;
  pseudoLabel: Int32Array;
}

/** `alphaCaps`, one a row, or `alphaCap` for all. */
export interface NativeClosedFormAlphaArgs extends NativeJobOptions {
  data: Float32Array;
  rows: number;
  dim: number;
  anchors: Float32Array;
  anchorCount: number;
  anchorIndex: Int32Array;
  gradient: Float32Array;
  alphaCap?: number | undefined;
  alphaCaps?: Float32Array | undefined;
}

export interface NativeKCenterGreedyArgs extends NativeJobOptions {
  data: Float32Array;
  rows: number;
  dim: number;
  centers: Float32Array;
  centerCount: number;
  budget: number;
}

export interface NativePickedRows {
  rows: Int32Array;
  distance2: Float64Array;
}

export interface NativeKMeansPlusPlusArgs extends NativeJobOptions {
  data: Float32Array;
  rows: number;
  dim: number;
  factors?: Float32Array | undefined;
  factorDim: number;
  clusters: number;
  firstLargestNorm: boolean;
  seed: number;
}

/** Row i is row `index[i]` of `data` times `scale[i]`. */
export interface NativeRowSelection {
  data: Float32Array;
  /** Of `data`, where there is an index. */
  dataRows?: number | undefined;
  rows: number;
  dim: number;
  index?: Int32Array | undefined;
  scale?: Float32Array | undefined;
}

export interface NativeKMeansArgs extends NativeJobOptions, NativeRowSelection {
  clusters: number;
  seed: number;
  initialCenters?: Float32Array | undefined;
  nInit: number;
  maxIterations: number;
  /** Default false: Lloyd's iteration. */
  hartigan?: boolean | undefined;
}

export interface NativeKMeansResult {
  labels: Int32Array;
  centers: Float32Array;
  inertia: number;
  iterations: number;
  converged: boolean;
}

export interface NativeNearestMembersArgs extends NativeJobOptions, NativeRowSelection {
  centers: Float32Array;
  clusters: number;
  labels: Int32Array;
  tolerance: number;
}

export interface NativeNormalizeRowsArgs extends NativeJobOptions {
  data: Float32Array;
  rows: number;
  dim: number;
}

export interface NativeMeasureMachineArgs extends NativeJobOptions {
  /** Of the buffer that is read; far more than the caches hold. */
  bytes: number;
  /** Least time of each of the two measurements. */
  seconds: number;
}

/** What native/src/kernels/machine_rates.h measures, a second. */
export interface NativeMachineRates {
  readBytes: number;
  multiplyFlops: number;
}

/** What native/src/cpu/blas.h found: name, path and version, or the reason why there is none. */
export interface NativeBlas {
  name?: string;
  path?: string;
  version?: string;
  reason?: string;
}

export interface NativeCudaArgs {
  /** Of the plug-in. */
  path: string;
  /** Whether to compute something on the device and compare. */
  selfTest: boolean;
}

export interface NativeCudaDevice {
  name: string;
  /** `9.0`. */
  computeCapability: string;
  multiprocessors: number;
  memoryBytes: number;
  freeBytes: number;
}

/** What the plug-in finds on this machine: native/src/cuda/abi.h. */
export interface NativeCuda {
  path: string;
  /** False where it isn't a plug-in of this version, or the system can't load it. */
  opened: boolean;
  /** `13.0`, null without one. */
  driver: string | null;
  runtime: string | null;
  devices: NativeCudaDevice[];
  /** The one that is used, −1 for none. */
  device: number;
  /** Library, or why there is none. */
  cublas: string;
  /** Why nothing can run; empty when it can. */
  reason: string;
}

export interface NativeMeasureProductArgs extends NativeJobOptions {
  rows: number;
  dim: number;
  columns: number;
}

/** Float32 operations a second of one thread: our product at the level, and BLAS's, 0 without one. */
export interface NativeProductRates {
  own: number;
  blas: number;
  /** Whether `logits` of this size takes BLAS at this level. */
  used: boolean;
}

export interface NativeFitSoftmaxArgs extends NativeJobOptions {
  data: Float64Array;
  rows: number;
  dim: number;
  labels: Int32Array;
  classes: number;
  ridges: Float64Array;
  ridgeCount: number;
  folds?: Int32Array | undefined;
  /** 0 without folds. */
  foldCount: number;
}

export interface NativeFitSoftmaxResult {
  solution: Float64Array;
  ridge: number;
  objective: number;
  iterations: number;
  right: Int32Array;
  loss: Float64Array;
}

/** Errors are plain `Error`s with `code` (an alfamix error code) and, for NON_FINITE, `row`. */
export interface NativeBinding {
  readonly version: string;
  /** Instruction-set levels this binary holds and this CPU can run, slowest first, as measured on such CPUs. */
  levels(): string[];
  /** Cores this process may really use: affinity mask and cgroup quota included. */
  defaultThreads(): number;
  flipSearch(args: NativeFlipSearchArgs): NativeJob<NativeFlipSearchResult>;
  scoreUncertainty(args: NativeScoreUncertaintyArgs): NativeJob<NativeUncertaintyScores>;
  logits(args: NativeScoreUncertaintyArgs): NativeJob<Float32Array>;
  interpolate(args: NativeInterpolateArgs): NativeJob<NativeInterpolateResult>;
  pseudoLabelGradient(args: NativePseudoLabelGradientArgs): NativeJob<NativePseudoLabelGradientResult>;
  closedFormAlpha(args: NativeClosedFormAlphaArgs): NativeJob<Float32Array>;
  kCenterGreedy(args: NativeKCenterGreedyArgs): NativeJob<NativePickedRows>;
  kmeansPlusPlus(args: NativeKMeansPlusPlusArgs): NativeJob<NativePickedRows>;
  kmeans(args: NativeKMeansArgs): NativeJob<NativeKMeansResult>;
  nearestMembers(args: NativeNearestMembersArgs): NativeJob<Int32Array>;
  normalizeRows(args: NativeNormalizeRowsArgs): NativeJob<Float32Array>;
  fitSoftmax(args: NativeFitSoftmaxArgs): NativeJob<NativeFitSoftmaxResult>;
  blas(): NativeBlas;
  /** Opens the plug-in, on a thread of its own; jobs of level `cuda` then run on it. Rejects for bad arguments only. */
  cuda(args: NativeCudaArgs): NativeJob<NativeCuda>;
  measureProduct(args: NativeMeasureProductArgs): NativeJob<NativeProductRates>;
  measureMachine(args: NativeMeasureMachineArgs): NativeJob<NativeMachineRates>;
}
