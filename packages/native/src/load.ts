import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeBinding } from './binding.js';

/** One path that was tried, and why it didn't do. */
export interface NativeTry {
  path: string;
  error: string;
}

/** The loaded addon and where it came from, or why there is none. */
export type NativeLoad =
  | { binding: NativeBinding; path: string; reason?: undefined }
  | { binding?: undefined; reason: string; tried: NativeTry[] };

/** Names every addon must have; binding.ts types them. */
const METHODS = [
  'levels',
  'defaultThreads',
  'flipSearch',
  'scoreUncertainty',
  'interpolate',
  'pseudoLabelGradient',
  'closedFormAlpha',
  'kCenterGreedy',
  'kmeansPlusPlus',
  'kmeans',
  'nearestMembers',
  'normalizeRows',
] as const;

const require = createRequire(import.meta.url);
const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..');
const version: string = require(join(packageRoot, 'package.json')).version;
const loads = new Map<string, NativeLoad>();

/**
 * Loads the native addon, once a path; later calls answer from memory. Never throws.
 *
 * Takes `ALFAMIX_NATIVE_PATH` if set (and nothing else then), otherwise `packages/native/lib/alfamix.node`, where
 * `npm run build` puts it. An addon of another version is refused.
 *
 * @example
 * const native = loadNative();
 * if (native.binding) console.log(native.path, native.binding.levels());
 * else console.log(native.reason);
 */
export function loadNative(): NativeLoad {
  const override = process.env.ALFAMIX_NATIVE_PATH;
  const path = override ? resolve(override) : join(packageRoot, 'lib', 'alfamix.node');
  const known = loads.get(path);
  if (known) return known;
  const load = loadFrom([path]);
  loads.set(path, load);
  return load;
}

function loadFrom(paths: readonly string[]): NativeLoad {
  const tried: NativeTry[] = [];
  for (const path of paths) {
    try {
      const binding: NativeBinding = require(path);
      check(binding);
      return { binding, path };
    } catch (error) {
      tried.push({ path, error: oneLine(error) });
    }
  }
  return { reason: tried.map(({ path, error }) => `${path}: ${error}`).join('; '), tried };
}

function check(binding: NativeBinding): void {
  if (binding.version !== version) {
    throw new Error(
      `expected an addon of version ${version}, got ${binding.version}; build it again: npm run build`,
    );
  }
  for (const name of METHODS) {
    if (typeof binding[name] !== 'function')
      throw new Error(`expected a method ${name} in the addon, got none`);
  }
}

/** The first line says what is wrong; what follows is Node's require stack. */
function oneLine(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return 'no such file';
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}
