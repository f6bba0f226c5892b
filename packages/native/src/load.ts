import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeBinding } from './binding.js';
import { checkAddonFile } from './check-file.js';
import { explainLoadError } from './explain-load.js';
import { currentTarget, packageOf } from './targets.js';

/** A place where the addon may be. */
export interface NativeCandidate {
  from: 'override' | 'build' | 'package';
  /** A file; of a platform package that isn't installed, the package's name. */
  path: string;
}

/** One candidate that was tried, and why it didn't do. */
export interface NativeTry extends NativeCandidate {
  error: string;
}

/** The loaded addon and where it came from, or why there is none; and what was tried before. */
export type NativeLoad =
  | {
      binding: NativeBinding;
      path: string;
      from: NativeCandidate['from'];
      tried: NativeTry[];
      reason?: undefined;
    }
  | { binding?: undefined; reason: string; tried: NativeTry[] };

/** Names every addon must have; binding.ts types them. */
const METHODS = [
  'levels',
  'defaultThreads',
  'flipSearch',
  'scoreUncertainty',
  'logits',
  'interpolate',
  'pseudoLabelGradient',
  'closedFormAlpha',
  'kCenterGreedy',
  'kmeansPlusPlus',
  'kmeans',
  'nearestMembers',
  'normalizeRows',
  'cuda',
] as const;

/** The version of Node-API that the addon is built for. */
const NODE_API = 9;

const require = createRequire(import.meta.url);
const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..');
const version: string = require(join(packageRoot, 'package.json')).version;
const loads = new Map<string, NativeLoad>();

/**
 * Where the addon is looked for, in this order: `ALFAMIX_NATIVE_PATH` if set (and nothing else then); what
 * `npm run build` made, `lib/alfamix.node` of this package; the platform's package, an optional dependency.
 */
export function nativeCandidates(): NativeCandidate[] {
  const override = process.env.ALFAMIX_NATIVE_PATH;
  if (override) return [{ from: 'override', path: resolve(override) }];
  const candidates: NativeCandidate[] = [{ from: 'build', path: join(packageRoot, 'lib', 'alfamix.node') }];
  const target = currentTarget();
  if (target) candidates.push({ from: 'package', path: resolvePackage(packageOf(target)) });
  return candidates;
}

function resolvePackage(name: string): string {
  try {
    return require.resolve(name);
  } catch {
    return name;
  }
}

/**
 * Loads the native addon from the first candidate that does, once; later calls answer from memory. Never throws. An
 * addon of another version, or one that this Node is too old for, is refused.
 *
 * @example
 * const native = loadNative();
 * if (native.binding) console.log(native.path, native.binding.levels());
 * else console.log(native.reason);
 */
export function loadNative(): NativeLoad {
  const candidates = nativeCandidates();
  const key = candidates.map(({ path }) => path).join('\n');
  const known = loads.get(key);
  if (known) return known;
  const load = loadFrom(candidates);
  loads.set(key, load);
  return load;
}

function loadFrom(candidates: readonly NativeCandidate[]): NativeLoad {
  const tried: NativeTry[] = [];
  const api = Number(process.versions.napi);
  for (const { from, path } of candidates) {
    try {
      if (!(api >= NODE_API))
        throw new Error(
          `it needs Node-API ${NODE_API}, and Node ${process.versions.node} has ${api}: upgrade Node to 20.19 or later`,
        );
      checkAddonFile(path);
      const binding: NativeBinding = require(path);
      check(binding, from);
      return { binding, path, from, tried };
    } catch (error) {
      const missing = from === 'package' && isMissing(error);
      tried.push({ from, path, error: missing ? 'the package is not installed' : explainLoadError(error) });
    }
  }
  return { reason: tried.map(({ path, error }) => `${path}: ${error}`).join('; '), tried };
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';

function check(binding: NativeBinding, from: NativeCandidate['from']): void {
  if (binding.version !== version) {
    const cure = from === 'package' ? 'install @alfamix/native again' : 'build it again: npm run build';
    throw new Error(`expected an addon of version ${version}, got ${binding.version}; ${cure}`);
  }
  for (const name of METHODS) {
    if (typeof binding[name] !== 'function')
      throw new Error(`expected a method ${name} in the addon, got none`);
  }
}
