import { type NativeLoad, tryCuda } from '@alfamix/native';
import { AlfamixError } from '../errors.js';
import { type DeviceCall, devicePays, runsOnHost } from './device-pays.js';
import { NativeKernels } from './native-kernels.js';

/** After so many failures in a row the device is left alone for a while: another process may have taken it. */
const MOST_FAILURES = 3;
const REST_MS = 60_000;

/** What ends a call on the device and not on the CPU. */
const DEVICE_CODES: ReadonlySet<string> = new Set(['CUDA_UNAVAILABLE', 'OUT_OF_MEMORY', 'INTERNAL']);

/** The kernels on a device, or why there are none now. */
export type DeviceKernels = { kernels: NativeKernels; reason?: undefined } | { reason: string };

/** The CUDA device as `auto` sees it: tried when the first call would pay for it, left alone while it keeps failing. */
export class CudaDevice {
  readonly #native: NativeLoad;
  #failures = 0;
  #rest = { until: 0, reason: '' };

  constructor(native: NativeLoad) {
    this.#native = native;
  }

  /** Whether a call is worth the way to the device. */
  wants(call: DeviceCall, level: string, cores: number): boolean {
    // The record would name the device for work that it didn't do.
    if (runsOnHost(call)) return false;
    if (process.env.ALFAMIX_CUDA_AUTO === 'always') return true;
    return devicePays(call, level, cores);
  }

  /** Takes about a second, once. */
  async kernels(signal?: AbortSignal): Promise<DeviceKernels> {
    if (performance.now() < this.#rest.until) return { reason: this.#rest.reason };
    try {
      const { available, device, reason = 'it shows no device' } = await tryCuda(this.#native, { signal });
      if (!available || !device || !this.#native.binding) return { reason };
      return { kernels: new NativeKernels(this.#native.binding, undefined, device.name) };
    } catch (error) {
      return { reason: (error as Error).message };
    }
  }

  /** Whether the CPU should do again what failed here. */
  failed(error: unknown): error is AlfamixError {
    if (!(error instanceof AlfamixError && DEVICE_CODES.has(error.code))) return false;
    if (++this.#failures >= MOST_FAILURES) {
      const reason = `it failed ${this.#failures} times in a row, the last time with: ${error.message}`;
      this.#rest = { until: performance.now() + REST_MS, reason };
    }
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

const devices = new Map<string, CudaDevice>();

/** The device that an addon's plug-in would use: one for all runs of a process, so that what one learns the next knows. */
export function cudaDeviceOf(native: NativeLoad & { path: string }): CudaDevice {
  const key = `${native.path}\n${process.env.ALFAMIX_CUDA_PATH}`;
  let device = devices.get(key);
  if (!device) {
    device = new CudaDevice(native);
    devices.set(key, device);
  }
  return device;
}
