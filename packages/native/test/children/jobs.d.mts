import type { NativeBinding, NativeJob, NativeJobOptions, NativeKMeansResult } from '../../src/binding.js';

export function loadAddon(path: string): NativeBinding;
export function noise(count: number, seed?: number): Float32Array;
export function startLongJob(
  addon: NativeBinding,
  options?: Partial<NativeJobOptions>,
): NativeJob<NativeKMeansResult>;
export function startShortJob(
  addon: NativeBinding,
  options?: Partial<NativeJobOptions>,
): NativeJob<Float32Array>;
