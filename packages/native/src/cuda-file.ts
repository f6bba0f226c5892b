import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

/** Where the CUDA plug-in is, or why none is looked at. */
export type CudaFile =
  | { path: string; from: 'override' | 'beside'; reason?: undefined }
  | { path?: undefined; reason: string };

/** The plug-in's name, beside the addon. */
export const CUDA_PLUGIN = 'alfamix-cuda.so';

/**
 * The plug-in's file: the one that `ALFAMIX_CUDA_PATH` names (`off`: none), else that beside the addon.
 * @param addon the addon's path
 */
export function cudaFile(addon: string): CudaFile {
  const override = process.env.ALFAMIX_CUDA_PATH;
  if (override === 'off') return { reason: 'ALFAMIX_CUDA_PATH=off turns CUDA off' };
  if (override) return { path: resolve(override), from: 'override' };
  const path = join(dirname(addon), CUDA_PLUGIN);
  if (existsSync(path)) return { path, from: 'beside' };
  return {
    reason: `this build has no CUDA plug-in, ${CUDA_PLUGIN} beside the addon: build it where nvcc is installed (npm run build)`,
  };
}

const DRIVER = 'libcuda.so.1';
const FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib64',
  '/usr/lib/wsl/lib',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/local/nvidia/lib64',
  '/run/opengl-driver/lib',
];

/** By LD_LIBRARY_PATH: looked for once, since every selection asks and the loader's cache takes a millisecond to read. */
const drivers = new Map<string, string | undefined>();

/** The NVIDIA driver's library as the system would find it, undefined where there is none. Reads no more than names. */
export function findDriver(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const path = process.env.LD_LIBRARY_PATH ?? '';
  if (!drivers.has(path)) drivers.set(path, lookForDriver(path));
  return drivers.get(path);
}

function lookForDriver(libraryPath: string): string | undefined {
  const asked = libraryPath.split(delimiter).filter((folder) => folder !== '');
  const found = [...asked, ...FOLDERS].map((folder) => join(folder, DRIVER)).find((path) => existsSync(path));
  return found ?? inLoaderCache();
}

/** A path in /etc/ld.so.cache, a table of NUL-ended strings. */
function inLoaderCache(): string | undefined {
  try {
    const cache = readFileSync('/etc/ld.so.cache', 'latin1');
    const paths = cache.split('\0').filter((text) => text.startsWith('/') && text.endsWith(`/${DRIVER}`));
    return paths.find((path) => existsSync(path));
  } catch {
    return undefined;
  }
}

/** Whether it is worth trying: a plug-in is there, and a driver is or the user named the plug-in. */
export function cudaCouldRun(addon: string): boolean {
  const file = cudaFile(addon);
  if (file.path === undefined) return false;
  return file.from === 'override' || findDriver() !== undefined;
}
