export type {
  NativeBinding,
  NativeFileSegment,
  NativeFlipSearchArgs,
  NativeFlipSearchResult,
  NativeJob,
  NativeJobOptions,
  NativeKMeansArgs,
  NativeKMeansResult,
  NativeNearestMembersArgs,
  NativeNormalizeRowsArgs,
} from './binding.js';
export { loadNative, type NativeLoad, type NativeTry } from './load.js';
