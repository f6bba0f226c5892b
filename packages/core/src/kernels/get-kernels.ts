import { type CudaReport, cudaCouldRun, loadNative, tryCuda } from '@alfamix/native';
import { AlfamixError, expected, requireArguments, throwIfAborted } from '../errors.js';
import { AutoKernels } from './auto-kernels.js';
import { cudaDeviceOf } from './cuda-device.js';
import { jsKernels } from './js/js-kernels.js';
import type { Backend, Kernels } from './kernels.js';
import { NativeKernels } from './native-kernels.js';

/** What a caller may ask for; `auto` is the fastest that runs here, call by call where there is a CUDA device. */
export type BackendName = 'auto' | 'cuda' | 'cpu' | 'js';

const NAMES: readonly string[] = ['auto', 'cuda', 'cpu', 'js'];

/** Kernels, and what to tell about them. */
export interface ResolvedKernels {
  kernels: Kernels;
  /** Threads of a call that asks for none. */
  threads: number;
  /** Why the backend isn't a faster one, when `auto` had to fall back. */
  reason?: string;
}

/** What `auto` takes on this machine. */
export interface BackendInfo {
  backend: Backend;
  level: string;
  /** Instruction-set levels that can be asked for, slowest first. */
  levels: readonly string[];
  /** Default threads of a call: the cores this process may use. */
  threads: number;
  nativeVersion?: string;
  nativePath?: string;
  /** Why the native addon isn't in use. */
  reason?: string;
  /** Where the CUDA plug-in could run: what was found; `auto` takes it for work that pays for the way to the device. */
  cuda?: CudaReport;
}

/**
 * The kernels of a backend. `auto` takes the native addon when it loads, else TypeScript; where its CUDA plug-in works,
 * calls that are large enough run on the device, and on the CPU where that fails. The environment variable
 * `ALFAMIX_BACKEND` (cuda, cpu or js) overrides `auto`.
 *
 * @param options.level instruction set for the native kernels (`scalar`, `avx2` …); default what the environment
 *   variable `ALFAMIX_LEVEL` names, else the fastest that runs
 * @param options.signal ends the wait for a device that doesn't answer
 * @throws NATIVE_UNAVAILABLE, CUDA_UNAVAILABLE; ABORTED; INVALID_ARGUMENT for an unknown backend or level
 * @example
 * const kernels = await getKernels('cpu', { level: 'scalar' });
 */
export async function getKernels(
  backend: BackendName = 'auto',
  options: { level?: string; signal?: AbortSignal } = {},
): Promise<Kernels> {
  requireArguments(options, 'the options of getKernels', { level: true, signal: true });
  return (await resolveKernels(backend, options)).kernels;
}

/** `getKernels`, and which threads and why. */
export async function resolveKernels(
  backend: BackendName = 'auto',
  { level, signal }: { level?: string; signal?: AbortSignal } = {},
): Promise<ResolvedKernels> {
  const asked = chooseName(backend);
  if (asked === 'cuda') return cuda(level, signal);
  if (asked === 'js') return js(level, chosenBy(backend));
  const native = loadNative();
  const override = level === undefined ? process.env.ALFAMIX_LEVEL || undefined : undefined;
  if (native.binding) {
    const levels = native.binding.levels();
    if (override !== undefined && !levels.includes(override)) {
      throw expected(`one of ${levels.join(', ')}`, 'ALFAMIX_LEVEL', override);
    }
    const kernels = new NativeKernels(native.binding, level ?? override);
    const { threads } = kernels;
    // A level is a request for the CPU.
    const plain = asked === 'cpu' || level !== undefined || override !== undefined;
    if (plain || !cudaCouldRun(native.path)) return { kernels, threads };
    return { kernels: new AutoKernels(kernels, cudaDeviceOf(native)), threads };
  }
  // A level is a request for native code: falling back would measure or test something else in silence.
  if (asked === 'cpu' || (level !== undefined && level !== 'js') || override !== undefined) {
    throw new AlfamixError('NATIVE_UNAVAILABLE', `the native addon can't be used: ${native.reason}`, {
      details: { tried: native.tried },
    });
  }
  return js(level, `the native addon can't be used: ${native.reason}`);
}

/**
 * What `auto` takes here, and why.
 * @throws INVALID_ARGUMENT, NATIVE_UNAVAILABLE or CUDA_UNAVAILABLE when `ALFAMIX_BACKEND` asks for what isn't there
 * @example
 * const { backend, level, threads, reason } = await backendInfo();
 */
export async function backendInfo(): Promise<BackendInfo> {
  const { kernels, threads, reason } = await resolveKernels();
  const native = loadNative();
  const cuda = kernels.backend === 'js' || !tries(kernels) ? undefined : await tryCuda(native);
  return {
    backend: kernels.backend,
    level: kernels.level,
    levels: kernels.backend !== 'js' && native.binding ? native.binding.levels() : ['js'],
    threads,
    ...(native.binding && { nativeVersion: native.binding.version, nativePath: native.path }),
    ...(reason !== undefined && { reason }),
    ...(cuda !== undefined && { cuda }),
  };
}

const tries = (kernels: Kernels): boolean => kernels.backend === 'cuda' || kernels instanceof AutoKernels;

async function cuda(level: string | undefined, signal?: AbortSignal): Promise<ResolvedKernels> {
  if (level !== undefined && level !== 'cuda') throw expected('cuda', 'level', level);
  const native = loadNative();
  const report = await tryCuda(native, { signal });
  throwIfAborted(signal);
  if (!native.binding || report.device === undefined || !report.available) {
    throw new AlfamixError('CUDA_UNAVAILABLE', `the cuda backend can't be used: ${report.reason}`, {
      details: { ...report },
    });
  }
  const kernels = new NativeKernels(native.binding, undefined, report.device.name);
  return { kernels, threads: kernels.threads };
}

function js(level: string | undefined, reason: string | undefined): ResolvedKernels {
  if (level !== undefined && level !== 'js') throw expected('js', 'level', level);
  return { kernels: jsKernels(), threads: 1, ...(reason !== undefined && { reason }) };
}

function chooseName(backend: unknown): string {
  if (typeof backend !== 'string' || !NAMES.includes(backend)) {
    throw expected('auto, cpu, cuda or js', 'backend', backend);
  }
  const override = process.env.ALFAMIX_BACKEND;
  if (backend !== 'auto' || !override) return backend;
  if (!NAMES.includes(override)) throw expected('auto, cpu, cuda or js', 'ALFAMIX_BACKEND', override);
  return override;
}

function chosenBy(backend: BackendName): string | undefined {
  return backend === 'auto' ? 'ALFAMIX_BACKEND asks for js' : undefined;
}
