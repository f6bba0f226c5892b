import { type BigIntStats, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { AlfamixError, assertWritable, type OutputSet, parseSpec, writeFileAtomic } from '@alfamix/core';
import type { InputFile } from '../inputs/load.js';
import type { Session } from '../session.js';
import { VERSION } from '../version.js';
import { hashFile } from './hash.js';

/** The manifest's place: beside the output, named after it. */
export const manifestPath = (out: string): string => `${out}.manifest.json`;

/** The options that name a file to read. */
export const INPUT_OPTIONS = ['pool', 'labels', 'labeled', 'ids', 'head', 'exclude'] as const;

/**
 * Called before any work. Throws IO unless the output, its manifest and the others can be written, INVALID_ARGUMENT where one of
 * them is a file the run reads: the input would be gone.
 */
export function assertOutput(
  out: string,
  options: Partial<Record<(typeof INPUT_OPTIONS)[number], string>> = {},
  others: readonly string[] = [],
): void {
  for (const target of [out, manifestPath(out), ...others]) {
    assertWritable(target);
    for (const option of INPUT_OPTIONS) {
      const spec = options[option];
      if (spec === undefined || !isSameFile(target, parseSpec(spec).path)) continue;
      throw new AlfamixError(
        'INVALID_ARGUMENT',
        `expected another file for --out than --${option} reads, got ${target}`,
      );
    }
  }
}

/**
 * The same once the inputs are known, for the files of a folder or glob.
 * @throws INVALID_ARGUMENT
 */
export function assertApart(targets: readonly string[], files: readonly InputFile[]): void {
  for (const target of targets) {
    const same = files.find(({ path }) => isSameFile(target, path));
    if (same === undefined) continue;
    const message = `expected another file for --out than --${same.option} reads, got ${target}`;
    throw new AlfamixError('INVALID_ARGUMENT', message);
  }
}

/** Undefined where there is nothing, or nothing that may be looked at: opening it says why. */
function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** True for one file under two names too (a link, another spelling of the path). */
function isSameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map(look);
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

export interface InputRecord {
  option: string;
  spec: string;
  path: string;
  sha256: string;
  bytes: number;
  shape?: readonly number[];
}

/** Hash, size and shape of every input; a file given twice is read once. */
export async function describeInputs(files: readonly InputFile[], session: Session): Promise<InputRecord[]> {
  const hashes = new Map<string, { sha256: string; bytes: number }>();
  const records: InputRecord[] = [];
  const { signal } = session;
  const onProgress = session.stage('hash inputs');
  for (const { option, spec, path, shape } of files) {
    const full = resolve(path);
    const hash = hashes.get(full) ?? (await hashFile(full, { signal, onProgress }));
    hashes.set(full, hash);
    records.push({ option, spec, path: full, ...hash, ...(shape && { shape }) });
  }
  return records;
}

/** What a manifest says beyond what every run has in common. */
export interface ManifestFacts {
  command: string;
  /** Every option after defaults. */
  settings: Readonly<Record<string, unknown>>;
  inputs: readonly InputRecord[];
  /** Files of the set; the first is the one the manifest stands beside. */
  outputs: readonly string[];
  backend: object | undefined;
  /** Counts, candidates, notes: whatever the command found. */
  result: object;
}

/**
 * Writes the manifest of a run: every setting, version, input hash and count, enough to run it again, and the hashes
 * of its outputs, so that neither can be mistaken for another's. Then all files of the run appear: until here nothing
 * has changed on the disk, and from here on nothing stops.
 *
 * @returns the manifest's path
 */
export async function publishRun(facts: ManifestFacts, set: OutputSet, session: Session): Promise<string> {
  const { command, settings, inputs, outputs, backend, result } = facts;
  const { signal } = session;
  const written = [];
  for (const path of outputs)
    written.push({ file: basename(path), ...(await hashFile(set.temporaryOf(path), { signal })) });
  const path = manifestPath(outputs[0]);
  const manifest = {
    manifestVersion: 1,
    command,
    rerun: rerun(command, settings),
    cwd: process.cwd(),
    startedAt: session.startedAt.toISOString(),
    versions: { alfamix: VERSION, node: process.version, platform: process.platform, arch: process.arch },
    settings,
    backend,
    inputs,
    outputs: written,
    ...result,
    timingsMs: session.finish(),
  };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await writeFileAtomic(path, (write) => write(text), { signal, outputs: set });
  await set.commit({ signal });
  return path;
}

/** The command line that does the same again. */
function rerun(command: string, settings: Readonly<Record<string, unknown>>): string {
  const words = ['npx', 'alfamix', command];
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || value === null || value === false) continue;
    words.push(`--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`);
    if (value !== true) words.push(quote(Array.isArray(value) ? value.join(',') : String(value)));
  }
  return words.join(' ');
}

const quote = (word: string): string =>
  /^[\w@%+=:,./#-]+$/.test(word) && !word.startsWith('#') ? word : `'${word.replaceAll("'", "'\\''")}'`;
