export type {
  NativeBinding,
  NativeBlas,
  NativeClosedFormAlphaArgs,
  NativeCuda,
  NativeCudaArgs,
  NativeCudaDevice,
  NativeFileSegment,
  NativeFlipSearchArgs,
  NativeFlipSearchResult,
  NativeInterpolateArgs,
  NativeInterpolateResult,
  NativeJob,
  NativeJobOptions,
  NativeKCenterGreedyArgs,
  NativeKMeansArgs,
  NativeKMeansPlusPlusArgs,
  NativeKMeansResult,
  NativeMachineRates,
  NativeMeasureMachineArgs,
  NativeMeasureProductArgs,
  NativeNearestMembersArgs,
  NativeNormalizeRowsArgs,
  NativePickedRows,
  NativeProductRates,
  NativePseudoLabelGradientArgs,
  NativePseudoLabelGradientResult,
  NativeRowSelection,
  NativeRowSource,
  NativeScoreUncertaintyArgs,
  NativeUncertaintyScores,
} from './binding.js';
export { type CudaReport, tryCuda } from './cuda.js';
export { type CudaFile, cudaCouldRun, cudaFile, findDriver } from './cuda-file.js';
export { explainLoadError } from './explain-load.js';
export {
  loadNative,
  type NativeCandidate,
  type NativeLoad,
  type NativeTry,
  nativeCandidates,
} from './load.js';
export { currentTarget, libcOf, packageOf, TARGETS, type Target } from './targets.js';
