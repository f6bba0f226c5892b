import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { AlfamixError } from '../errors.js';
import { ioError } from '../formats/file-io.js';
import { parseSpec } from '../formats/tensor-file.js';

/** The files a pool may be made of. */
export const POOL_EXTENSIONS: readonly string[] = ['.npy', '.npz', '.safetensors', '.parquet', '.csv'];

/**
 * The files that a spec names, each with the spec's `#name`: one file; all of a folder's pool files (of one format,
 * hidden files, others, and outputs with a manifest beside them left out); or all that match a glob. In natural order: shard-2 before shard-10.
 *
 * @throws IO, FORMAT (a folder with none, or of several formats), INVALID_ARGUMENT (a glob that matches nothing)
 */
export async function shardSpecs(spec: string): Promise<string[]> {
  const { path, tensor } = splitFolder(spec);
  const named = (file: string) => (tensor === undefined ? file : `${file}#${tensor}`);
  const stats = look(path);
  if (stats?.isDirectory()) return filesOf(path).map(named);
  if (stats !== undefined || !isDynamicPattern(path)) return [spec];
  const found = await glob(path.replaceAll('\\', '/'), { expandDirectories: false, onlyFiles: true });
  if (found.length === 0) {
    throw new AlfamixError('INVALID_ARGUMENT', `expected files that match ${path}, got none`, {
      details: { path },
    });
  }
  return found.sort(naturally).map(named);
}

/** Undefined where there is nothing, or nothing that may be looked at: opening it says why. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** A folder has no extension for parseSpec to find its `#` behind. */
function splitFolder(spec: string): { path: string; tensor: string | undefined } {
  const parsed = parseSpec(spec);
  const at = spec.lastIndexOf('#');
  if (parsed.tensor !== undefined || at < 0) return parsed;
  const folder = spec.slice(0, at);
  const isFolder = look(folder)?.isDirectory() ?? false;
  return isFolder ? { path: folder, tensor: spec.slice(at + 1) } : parsed;
}

function filesOf(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    throw ioError(error, 'read', folder);
  }
  const all = new Set(names);
  const files = names.filter(
    (name) =>
      !name.startsWith('.') &&
      POOL_EXTENSIONS.includes(parseSpec(name).extension) &&
      // What alfamix wrote into the folder has a manifest beside it.
      !all.has(`${name}.manifest.json`),
  );
  const formats = [...new Set(files.map((name) => parseSpec(name).extension))];
  if (formats.length === 1) return files.sort(naturally).map((name) => join(folder, name));
  throw new AlfamixError(
    'FORMAT',
    formats.length === 0
      ? `expected ${POOL_EXTENSIONS.join(', ')} files in the folder ${folder}, got none`
      : `expected files of one format in the folder ${folder}, got ${formats.join(', ')}: name them, as in '${join(folder, `*${formats[0]}`)}'`,
    { details: { path: folder } },
  );
}

const naturally = new Intl.Collator('en', { numeric: true }).compare;
