import { printable } from '../errors.js';
import type { CudaDevice } from './cuda-device.js';
import type { DeviceArgs, DeviceCall, DeviceKernel } from './device-pays.js';
import type { FitSoftmaxArgs, FitSoftmaxResult } from './fitting.js';
import type { JobOptions, Kernels, NormalizeRowsArgs, ScoreUncertaintyArgs } from './kernels.js';
import type { NativeKernels } from './native-kernels.js';

type Result<Name extends DeviceKernel> = ReturnType<Kernels[Name]>;

/** What ran on the device, and why what should have didn't. */
export interface DeviceRecord {
  device?: string;
  kernels: string[];
  reason?: string;
}

/**
 * The kernels of `auto` where a CUDA device may be: a call that pays for the way there runs on the device, all others on the
 * CPU. Where the device fails, is out of memory or lost, the CPU does the call again and the reason is kept. An abort and bad
 * input end the call as they would on either.
 */
export class AutoKernels implements Kernels {
  /** What small calls run on. */
  readonly backend = 'cpu';
  readonly level: string;
  /** Threads of a call that asks for none. */
  readonly threads: number;
  readonly blas?: string;
  readonly blasReason?: string;
  readonly #cpu: NativeKernels;
  readonly #device: CudaDevice;
  readonly #ran = new Set<string>();
  readonly #reasons = new Set<string>();
  #name: string | undefined;

  constructor(cpu: NativeKernels, device: CudaDevice) {
    this.#cpu = cpu;
    this.#device = device;
    this.level = cpu.level;
    this.threads = cpu.threads;
    if (cpu.blas !== undefined) this.blas = cpu.blas;
    if (cpu.blasReason !== undefined) this.blasReason = cpu.blasReason;
  }

  /** The same kernels with a record of their own. */
  fresh(): AutoKernels {
    return new AutoKernels(this.#cpu, this.#device);
  }

  /** Of the calls made so far. */
  get record(): DeviceRecord {
    return {
      ...(this.#name !== undefined && { device: this.#name }),
      kernels: [...this.#ran],
      ...(this.#reasons.size > 0 && { reason: [...this.#reasons].join('; ') }),
    };
  }

  flipSearch = (args: DeviceArgs['flipSearch']) => this.#run('flipSearch', args);
  scoreUncertainty = (args: DeviceArgs['scoreUncertainty']) => this.#run('scoreUncertainty', args);
  interpolate = (args: DeviceArgs['interpolate']) => this.#run('interpolate', args);
  pseudoLabelGradient = (args: DeviceArgs['pseudoLabelGradient']) => this.#run('pseudoLabelGradient', args);
  closedFormAlpha = (args: DeviceArgs['closedFormAlpha']) => this.#run('closedFormAlpha', args);
  kCenterGreedy = (args: DeviceArgs['kCenterGreedy']) => this.#run('kCenterGreedy', args);
  kmeansPlusPlus = (args: DeviceArgs['kmeansPlusPlus']) => this.#run('kmeansPlusPlus', args);
  kmeans = (args: DeviceArgs['kmeans']) => this.#run('kmeans', args);
  nearestMembers = (args: DeviceArgs['nearestMembers']) => this.#run('nearestMembers', args);

  logits(args: ScoreUncertaintyArgs): Promise<Float32Array> {
    return this.#cpu.logits(args);
  }
  normalizeRows(args: NormalizeRowsArgs): Promise<Float32Array> {
    return this.#cpu.normalizeRows(args);
  }
  fitSoftmax(args: FitSoftmaxArgs): Promise<FitSoftmaxResult> {
    return this.#cpu.fitSoftmax(args);
  }

  async #run<Name extends DeviceKernel>(name: Name, given: DeviceArgs[Name]): Promise<Awaited<Result<Name>>> {
    const onCpu = (args: DeviceArgs[Name]) => call(this.#cpu, name, args);
    const { signal } = Object(given) as JobOptions;
    if (!this.#device.wants({ name, args: given } as DeviceCall, this.level, this.threads))
      return onCpu(given);
    const found = await this.#device.kernels(isSignal(signal) ? signal : undefined);
    // The CPU's kernel says that it was aborted.
    if (signal?.aborted) return onCpu(given);
    if (found.reason !== undefined) {
      this.#reasons.add(`CUDA isn't used: ${found.reason}`);
      return onCpu(given);
    }
    const args = forwardOnly(given);
    try {
      const result = await call(found.kernels, name, args);
      this.#device.succeeded();
      this.#name = found.kernels.device;
      this.#ran.add(name);
      return result;
    } catch (error) {
      if (!this.#device.failed(error)) throw error;
      this.#reasons.add(`${name} ran on the CPU, because CUDA failed: ${printable(error.message)}`);
    }
    return onCpu(args);
  }
}

async function call<Name extends DeviceKernel>(
  kernels: Kernels,
  name: Name,
  args: DeviceArgs[Name],
): Promise<Awaited<Result<Name>>> {
  const kernel = kernels[name] as (args: DeviceArgs[Name]) => Result<Name>;
  return await kernel.call(kernels, args);
}

/** Progress that doesn't begin again where the CPU does the work once more. */
function forwardOnly<Args extends JobOptions>(args: Args): Args {
  const { onProgress } = Object(args) as Args;
  if (typeof onProgress !== 'function') return args;
  let furthest = -1;
  const report = (done: number, total: number) => {
    if (done <= furthest) return;
    furthest = done;
    onProgress(done, total);
  };
  return { ...args, onProgress: report };
}

/** Arguments aren't checked yet. */
const isSignal = (signal: unknown): boolean => typeof Object(signal).addEventListener === 'function';
