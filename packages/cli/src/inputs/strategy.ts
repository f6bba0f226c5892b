import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AlfamixError, getStrategy, type Strategy, type StrategyFunction } from '@alfamix/core';
import { hashFile } from '../output/hash.js';

const MODULE = /\.[cm]?js$/i;

/**
 * A strategy by its name, or the default export of a module (`./mine.js`): an object with name, needs and select, or a
 * function of the context that gives rows, named like the file. The name ends in the beginning of the file's hash,
 * `mine@1a2b3c4d`: what a changed module picks is never taken for what it picked before, nor for a strategy of ours.
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
  const { sha256 } = await hashFile(path);
  const exported = await load(path, spec);
  const strategy = getStrategy(exported as Strategy | StrategyFunction);
  const name = typeof exported === 'function' ? basename(path, extname(path)) : strategy.name;
  const { needs, alphaCap } = strategy;
  return {
    name: `${name}@${sha256.slice(0, 8)}`,
    needs,
    alphaCap,
    select: (context) => strategy.select(context),
  };
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
