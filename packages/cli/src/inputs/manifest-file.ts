import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AlfamixError, ioError } from '@alfamix/core';
import { z } from 'zod';
import { DIGIT_FILES } from '../demo/digits.js';
import { explainPath } from '../output/explain-file.js';
import { manifestPath } from '../output/manifest.js';

/** No real manifest comes near; keeps a wrong file from being read whole. */
const MAX_BYTES = 16 << 20;

const schema = z.object({
  manifestVersion: z.literal(1),
  command: z.string(),
  cwd: z.string(),
  versions: z.object({ alfamix: z.string() }),
  settings: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]),
  ),
  backend: z.object({ name: z.string(), level: z.string() }).optional(),
  inputs: z.array(z.object({ option: z.string(), spec: z.string(), path: z.string(), sha256: z.string() })),
  outputs: z.array(z.object({ file: z.string(), sha256: z.string() })).min(1),
});

export type Manifest = z.infer<typeof schema>;

/**
 * Reads the manifest of an output (or the manifest itself, by its name).
 * @throws IO, FORMAT with one sentence
 */
export function readManifest(file: string): { manifest: Manifest; out: string } {
  const path = file.endsWith(manifestPath('')) ? file : manifestPath(file);
  const out = path.slice(0, -manifestPath('').length);
  const manifest = schema.safeParse(parse(path));
  if (!manifest.success) {
    const { path: at, message } = manifest.error.issues[0];
    throw new AlfamixError(
      'FORMAT',
      `${path} is not a manifest of alfamix: ${at.join('.') || 'it'}: ${message}`,
    );
  }
  return { manifest: manifest.data, out };
}

/** The explanations that a run wrote, if any. */
export function explanationsOf({ outputs }: Manifest): Manifest['outputs'][number] | undefined {
  return outputs.find(({ file }) => file === explainPath(outputs[0].file));
}

function parse(path: string): unknown {
  let text: string;
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw new Error('expected a file, got a folder, pipe or device');
    if (stats.size > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AlfamixError(
      'IO',
      `${ioError(error, 'read', `the manifest ${path}`).message}; verify needs the one that select wrote beside its picks`,
      { cause: error },
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AlfamixError('FORMAT', `${path} is not a manifest of alfamix: ${(error as Error).message}`);
  }
}

/**
 * Where an input is now: where it was; else, named by a relative path, the same place as seen from the picks (a folder
 * that was moved as a whole). The demo's inputs lie in this package, wherever that is.
 */
export function locateInput(
  { option, path, spec }: Manifest['inputs'][number],
  { command, cwd, settings }: Manifest,
  out: string,
): string {
  if (command === 'demo' && Object.hasOwn(DIGIT_FILES, option))
    return fileURLToPath(DIGIT_FILES[option as keyof typeof DIGIT_FILES]);
  if (existsSync(path) || isAbsolute(spec)) return path;
  const moved = resolve(movedFolder({ cwd, settings }, out), relative(cwd, path));
  return existsSync(moved) ? moved : path;
}

/** The folder that a setting's relative path begins at: the run's, or where that lies now as seen from the picks. */
export function folderOf(option: string, manifest: Manifest, out: string): string {
  const inputs = manifest.inputs.filter((input) => input.option === option);
  const here = inputs.every(({ path }) => existsSync(path));
  return here ? manifest.cwd : movedFolder(manifest, out);
}

function movedFolder({ cwd, settings }: Pick<Manifest, 'cwd' | 'settings'>, out: string): string {
  const target = resolve(cwd, typeof settings.out === 'string' ? settings.out : '');
  return resolve(dirname(out), relative(dirname(target), cwd));
}

/** @throws FORMAT unless there is a hash of every one of the inputs: without it one could have changed unseen */
export function requireInputs({ inputs }: Manifest, options: readonly string[], out: string): void {
  for (const option of options) {
    if (inputs.some((input) => input.option === option)) continue;
    throw new AlfamixError(
      'FORMAT',
      `${manifestPath(out)} is not a manifest of alfamix: expected the hash of --${option} among the inputs, got none`,
    );
  }
}
