export type {
  NativeBinding,
  NativeClosedFormAlphaArgs,
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
  NativeNearestMembersArgs,
  NativeNormalizeRowsArgs,
  NativePickedRows,
  NativePseudoLabelGradientArgs,
  NativePseudoLabelGradientResult,
  NativeRowSource,
  NativeScoreUncertaintyArgs,
  NativeUncertaintyScores,
} from './binding.js';
export { explainLoadError } from './explain-load.js';
export {
  loadNative,
  type NativeCandidate,
  type NativeLoad,
  type NativeTry,
  nativeCandidates,
} from './load.js';
export { currentTarget, libcOf, packageOf, TARGETS, type Target } from './targets.js';
