import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AlfamixError, parseSpec } from '@alfamix/core';
import { z } from 'zod';
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

function parse(path: string): unknown {
  let text: string;
  try {
    if (statSync(path).size > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AlfamixError(
      'IO',
      `can't read the manifest ${path}: ${(error as Error).message}; verify needs the one that select wrote beside its picks`,
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
 * Where an input is now: where it was, else the same relative place seen from the manifest's folder (a folder that was
 * moved as a whole).
 */
export function locateInput({ path, spec }: Manifest['inputs'][number], out: string): string {
  const moved = resolve(dirname(out), parseSpec(spec).path);
  return !existsSync(path) && existsSync(moved) ? moved : path;
}
