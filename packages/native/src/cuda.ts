import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { NativeBinding, NativeCudaDevice } from './binding.js';
import { checkAddonFile } from './check-file.js';
import { CUDA_PLUGIN, cudaFile } from './cuda-file.js';
import { tryInChild } from './cuda-trial.js';
import type { NativeLoad } from './load.js';

/** What was found of CUDA on this machine. */
export interface CudaReport {
  /** Whether kernels can run on a device. */
  available: boolean;
  /** The plug-in's path, null where there is none. */
  plugin: string | null;
  /** Versions, `13.0`; null where there is none, or nothing could be asked. */
  driver: string | null;
  runtime: string | null;
  devices: readonly NativeCudaDevice[];
  /** The one in use. */
  device?: NativeCudaDevice;
  /** The cuBLAS in use, or why none is. */
  cublas: string | null;
  /** Why no kernel can run on a device. */
  reason?: string;
}

const NOTHING: CudaReport = {
  available: false,
  plugin: null,
  driver: null,
  runtime: null,
  devices: [],
  cublas: null,
};

/** What may pass, a full device or a busy machine, is tried again after so long. */
const RETRY_MS = 60_000;

const LOOK_MS = 20;

interface Known {
  report: Promise<CudaReport>;
  /** By `performance.now()`. */
  until: number;
}

const reports = new Map<string, Known>();

/**
 * Whether the CUDA kernels can be used here: the plug-in is tried in a child process, and opened in this one only when it
 * works there. Once for each plug-in; later calls, and workers started later, answer from memory. What may pass, such as a
 * full device, is tried again after a minute. Never rejects.
 *
 * @param options.signal ends the wait, not the trial, which others may wait for; a process that nobody else holds up then ends
 * @example
 * const { available, device, reason } = await tryCuda(loadNative());
 * console.log(available ? device.name : reason);
 */
export async function tryCuda(
  load: NativeLoad,
  { signal }: { signal?: AbortSignal } = {},
): Promise<CudaReport> {
  if (load.binding === undefined)
    return { ...NOTHING, reason: `the native addon can't be used: ${load.reason}` };
  const file = cudaFile(load.path);
  if (file.path === undefined) return { ...NOTHING, reason: file.reason };
  const key = `alfamix cuda\n${load.path}\n${file.path}`;
  let known = reports.get(key);
  if (known === undefined || performance.now() >= known.until) {
    known = { report: Promise.resolve(NOTHING), until: Number.POSITIVE_INFINITY };
    known.report = tried(load.path, file.path, key, known);
    reports.set(key, known);
  }
  const report = await waitFor(known.report, signal);
  return report ? opened(load.binding, report) : { ...NOTHING, plugin: file.path, reason: 'aborted' };
}

/** The trial itself keeps no process alive, who waits for it does; undefined when the signal fires first. */
function waitFor<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value | undefined> {
  if (signal?.aborted) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    // Looks, and listens not: from the eleventh waiter on Node would warn of a leak.
    const alive = setInterval(() => signal?.aborted && end(() => resolve(undefined)), LOOK_MS);
    const end = (settle: () => void) => {
      clearInterval(alive);
      settle();
    };
    promise.then(
      (value) => end(() => resolve(value)),
      (error) => end(() => reject(error)),
    );
  });
}

/** The plug-in that this process runs jobs on. */
let inUse: string | undefined;

/** Opens in this process what has worked in another. */
async function opened(binding: NativeBinding, report: CudaReport): Promise<CudaReport> {
  const { available, plugin } = report;
  if (!available || plugin === null || plugin === inUse) return report;
  try {
    const { reason } = await binding.cuda({ path: plugin, selfTest: false }).promise;
    if (reason) return { ...report, available: false, reason };
    inUse = plugin;
    return report;
  } catch (error) {
    return { ...report, available: false, reason: (error as Error).message };
  }
}

/** Workers started later know what was found. */
async function tried(addon: string, plugin: string, key: string, entry: Known): Promise<CudaReport> {
  const known = getEnvironmentData(key) as CudaReport | undefined;
  if (known) return known;
  const { passing, ...report } = await describe(addon, plugin);
  if (passing) entry.until = performance.now() + RETRY_MS;
  else setEnvironmentData(key, report as never);
  return report;
}

/** Of a device that is there and can't be used just now. */
const PASSING = /not enough memory|out of memory|busy|unavailable|device was lost/i;

async function describe(addon: string, plugin: string): Promise<CudaReport & { passing?: boolean }> {
  const refuse = (reason: string) => ({
    ...NOTHING,
    plugin,
    reason: reason.startsWith(`${plugin}: `) ? reason : `${plugin}: ${reason}`,
  });
  try {
    checkAddonFile(plugin, `the CUDA plug-in, ${CUDA_PLUGIN}`);
  } catch (error) {
    return refuse((error as Error).message);
  }
  const trial = await tryInChild(addon, plugin);
  if (trial.found === undefined) return { ...refuse(trial.reason), passing: trial.passing };
  const { opened, driver, runtime, devices, device: index, cublas, reason } = trial.found;
  if (!opened) return refuse(reason);
  const device = devices[index];
  return {
    available: reason === '',
    plugin,
    driver,
    runtime,
    devices,
    ...(device && { device }),
    cublas,
    ...(reason && { reason, passing: PASSING.test(reason) }),
  };
}
