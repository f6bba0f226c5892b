/** Whether a call is large enough to pay for the way to a CUDA device: the rule of `auto`. */

import type {
  FlipSearchArgs,
  KMeansArgs,
  NearestMembersArgs,
  RowSource,
  ScoreUncertaintyArgs,
} from './kernels.js';
import type { ClosedFormAlphaArgs, InterpolateArgs, PseudoLabelGradientArgs } from './mixing.js';
import type { KCenterGreedyArgs, KMeansPlusPlusArgs } from './sampling.js';

/** The kernels that a device has, with their arguments. */
export interface DeviceArgs {
  flipSearch: FlipSearchArgs;
  scoreUncertainty: ScoreUncertaintyArgs;
  interpolate: InterpolateArgs;
  pseudoLabelGradient: PseudoLabelGradientArgs;
  closedFormAlpha: ClosedFormAlphaArgs;
  kCenterGreedy: KCenterGreedyArgs;
  kmeansPlusPlus: KMeansPlusPlusArgs;
  kmeans: KMeansArgs;
  nearestMembers: NearestMembersArgs;
}

export type DeviceKernel = keyof DeviceArgs;

/** A kernel and its arguments, not yet checked. */
export type DeviceCall = { [Name in DeviceKernel]: { name: Name; args: DeviceArgs[Name] } }[DeviceKernel];

/** Bytes to and from the device, and float32 operations, a multiply-add counting two. */
export interface Work {
  bytes: number;
  flops: number;
}

/**
 * Orders of magnitude, from the low end for the device and the high end for the CPU, so that a doubtful call stays where its data
 * are. Seconds, bytes a second, operations a second.
 */
const DEVICE = {
  /** PCIe 4.0 × 16, through page-locked buffers; 5.0 does twice that. */
  bus: 20e9,
  flops: 10e12,
  /** Allocations, launches, the copies' ends. */
  call: 0.005,
  /**
   * The child process that tries it first, and a context in either process; the first call pays it, yet it counts for each: the
   * same call must run in the same place whatever ran before, since a rounding may differ.
   */
  start: 1,
};
const CORE = { scalar: 4e9, vector: 60e9, memory: 20e9 };

/** Passes over the rows that k-means makes until it ends; most rows are settled after a few. */
const K_MEANS_PASSES = 6;

/**
 * By the call's shapes and the machine alone.
 *
 * @param level the CPU's alternative
 * @param cores what it may use, whatever the call asks for: results don't depend on a call's threads
 */
export function devicePays(call: DeviceCall, level: string, cores: number): boolean {
  if (typeof call.args !== 'object' || call.args === null) return false;
  if (runsOnHost(call)) return false;
  const { bytes, flops } = workOf(call);
  const rate = cores * (level === 'scalar' ? CORE.scalar : CORE.vector);
  const cpu = Math.max(flops / rate, bytes / CORE.memory);
  const device = DEVICE.start + DEVICE.call + bytes / DEVICE.bus + flops / DEVICE.flops;
  // NaN, where the arguments are no numbers, pays nothing: the CPU's kernel says what is wrong with them.
  return cpu > device;
}

/** Kernels of the plug-in whose work is the host's, whatever their size: k-means++ and the moves of Hartigan's k-means. */
export function runsOnHost({ name, args }: DeviceCall): boolean {
  return name === 'kmeansPlusPlus' || (name === 'kmeans' && Object(args).algorithm === 'hartigan');
}

/** What a call moves and computes. */
export function workOf({ name, args }: DeviceCall): Work {
  const { rows, dim } = args;
  const values = rows * dim;
  switch (name) {
    case 'flipSearch':
      return {
        bytes: values * bytesOf(args.data) + 28 * rows,
        flops: 2 * values * (args.classes + lengthOf(args.anchors) / dim),
      };
    case 'scoreUncertainty':
      return { bytes: values * bytesOf(args.data) + 16 * rows, flops: 2 * values * args.classes };
    case 'interpolate':
      return { bytes: 12 * values, flops: 2 * values * (args.classes ?? 0) + 3 * values };
    case 'pseudoLabelGradient':
      return { bytes: 8 * values, flops: 4 * values * args.classes };
    case 'closedFormAlpha':
      return { bytes: 12 * values, flops: 6 * values };
    case 'kCenterGreedy':
      return {
        bytes: 4 * values,
        flops: 3 * values * (args.budget + lengthOf(args.centers) / dim),
      };
    case 'kmeansPlusPlus':
      return { bytes: 4 * (values + lengthOf(args.factors)), flops: 3 * values * args.clusters };
    case 'kmeans':
      return {
        bytes: 4 * values,
        flops: 2 * values * args.clusters * K_MEANS_PASSES * (args.nInit ?? 1),
      };
    case 'nearestMembers':
      return { bytes: 4 * values, flops: 3 * values };
  }
}

const lengthOf = (values: Float32Array | undefined): number => values?.length ?? 0;

function bytesOf(data: RowSource): number {
  const { segments, dtype = segments?.[0]?.dtype } = Object(data) as {
    segments?: readonly { dtype?: string }[];
    dtype?: string;
  };
  return dtype === 'float64' ? 8 : dtype === 'float16' || dtype === 'bfloat16' ? 2 : 4;
}
