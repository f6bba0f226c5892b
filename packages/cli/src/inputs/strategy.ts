import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AlfamixError, getStrategy, type Strategy, type StrategyFunction } from '@alfamix/core';

const MODULE = /\.[cm]?js$/i;

/**
 * A strategy by its name, or the default export of a module (`./mine.js`): an object with name, needs and select, or a
 * function of the context that gives rows, named like the file.
 * @throws INVALID_ARGUMENT for an unknown name, or a module that exports no strategy; IO for one that can't be loaded
 */
export async function resolveStrategy(spec: string): Promise<Strategy> {
  if (!MODULE.test(spec)) return getStrategy(spec);
  const path = resolve(spec);
  if (!existsSync(path)) {
    throw new AlfamixError('IO', `can't read ${spec}: there is no such file or folder`, {
      details: { path },
    });
  }
  const strategy = await load(path, spec);
  if (typeof strategy !== 'function') return getStrategy(strategy as Strategy);
  return { ...getStrategy(strategy as StrategyFunction), name: basename(path, extname(path)) };
}

async function load(path: string, spec: string): Promise<unknown> {
  let exported: { default?: unknown };
  try {
    exported = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new AlfamixError('IO', `can't load the strategy ${spec}: ${(error as Error).message}`, {
      cause: error,
      details: { path },
    });
  }
  if (exported.default !== undefined) return exported.default;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected ${spec} to export a strategy as its default, a function or an object, got no default export`,
  );
}
