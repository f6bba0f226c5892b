import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { NativeBinding, NativeCudaDevice } from './binding.js';
import { checkAddonFile } from './check-file.js';
import { cudaFile } from './cuda-file.js';
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

const reports = new Map<string, Promise<CudaReport>>();

/**
 * Whether the CUDA kernels can be used here: the plug-in is tried in a child process, and opened in this one only when it
 * works there. Once for each plug-in; later calls, and workers started later, answer from memory. Never rejects.
 *
 * @example
 * const { available, device, reason } = await tryCuda(loadNative());
 * console.log(available ? device.name : reason);
 */
export function tryCuda(load: NativeLoad): Promise<CudaReport> {
  if (load.binding === undefined)
    return Promise.resolve({ ...NOTHING, reason: `the native addon can't be used: ${load.reason}` });
  const file = cudaFile(load.path);
  if (file.path === undefined) return Promise.resolve({ ...NOTHING, reason: file.reason });
  const key = `alfamix cuda\n${load.path}\n${file.path}`;
  let report = reports.get(key);
  if (report === undefined) {
    report = tried(load.path, file.path, key);
    reports.set(key, report);
  }
  return report.then((found) => opened(load.binding, found));
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
async function tried(addon: string, plugin: string, key: string): Promise<CudaReport> {
  const known = getEnvironmentData(key) as CudaReport | undefined;
  if (known) return known;
  const report = await describe(addon, plugin);
  setEnvironmentData(key, report as never);
  return report;
}

async function describe(addon: string, plugin: string): Promise<CudaReport> {
  const refuse = (reason: string) => ({ ...NOTHING, plugin, reason: `${plugin}: ${reason}` });
  try {
    checkAddonFile(plugin);
  } catch (error) {
    return refuse((error as Error).message);
  }
  const trial = await tryInChild(addon, plugin);
  if (trial.found === undefined) return refuse(trial.reason);
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
    ...(reason && { reason }),
  };
}
