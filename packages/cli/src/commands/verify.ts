import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { AlfamixError, printable, readTable } from '@alfamix/core';
import type { Command } from 'commander';
import { z } from 'zod';
import type { InputFile } from '../inputs/load.js';
import { explanationsOf, locateInput, type Manifest, readManifest } from '../inputs/manifest-file.js';
import { commonOptions, readOptions } from '../options.js';
import { explainPath } from '../output/explain-file.js';
import { hashFile } from '../output/hash.js';
import type { Session } from '../session.js';
import { VERSION } from '../version.js';
import { planAgain } from './pick-again.js';
import { PICK_COLUMNS, pickFields } from './pick-facts.js';
import { runCommand } from './run.js';

const schema = z.object({
  backend: commonOptions.shape.backend.optional(),
  threads: commonOptions.shape.threads,
});

/** Differing ranks that are named. */
const SHOWN = 5;

export function addVerifyCommand(program: Command, signal: AbortSignal): void {
  program
    .command('verify')
    .description(
      'Makes the picks of an earlier select or demo again from its manifest and compares. Writes nothing.',
    )
    .argument('<picks>', 'picks.csv, whose manifest is beside it')
    .option('--backend <name>', 'kernels to use instead of the manifest’s: auto, cuda, cpu or js')
    .option('--threads <n>', 'threads (default: the cores this process may use)')
    .option('--json', 'print the result as JSON, alone on stdout')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', '\nExample:\n  alfamix verify picks.csv')
    .action((picks, raw) =>
      runCommand(raw, signal, (session) => runVerify(picks, readOptions(schema, raw), session)),
    );
}

async function runVerify(file: string, given: z.infer<typeof schema>, session: Session): Promise<void> {
  const { manifest, out } = readManifest(file);
  const pickAgain = planAgain(manifest, out, given);
  const written = await readPicks(out, session.signal);
  const changed = await session.timed('hash inputs', () => changes(manifest, out, session));
  const again = await namingChanges(changed, () => pickAgain(session));
  for (const { option, path } of newFiles(again.files, manifest, out))
    changed.push(`--${option} ${path} was not there`);
  const { level, name } = again.backend;
  if (manifest.backend && (manifest.backend.name !== name || manifest.backend.level !== level))
    changed.push(`kernels: ${manifest.backend.name} ${manifest.backend.level} then, ${name} ${level} now`);

  const fields = again.picks.map((pick) => pickFields(pick, again.pool, again.classNames));
  const differing = differences(written, fields);
  const same = differing.length === 0;
  const summary = { command: 'verify', picks: out, same, differing, changed, backend: again.backend };
  session.print(summary, describe(out, written.length, differing, changed));
  if (same) return;
  const why =
    changed.length > 0
      ? `; changed since: ${changed.join('; ')}`
      : '; nothing that the manifest records has changed';
  throw new Error(`${out} has other picks than its manifest makes now${why}`);
}

/** The records of a picks file, its header and columns of the reader's own left out. */
async function readPicks(out: string, signal: AbortSignal): Promise<readonly (readonly string[])[]> {
  let columns: number[] | undefined;
  const records: string[][] = [];
  for await (const { fields } of readTable(out, { signal })) {
    if (columns) {
      records.push(columns.map((column) => fields[column]));
      continue;
    }
    columns = PICK_COLUMNS.map((name) => fields.indexOf(name));
    if (!columns.includes(-1)) continue;
    const expected = PICK_COLUMNS.join(', ');
    throw new AlfamixError('FORMAT', `expected the columns ${expected} in ${out}, got ${fields.join(', ')}`);
  }
  return records;
}

/** What isn't as the manifest says, a sentence each. */
async function changes(manifest: Manifest, out: string, session: Session): Promise<string[]> {
  const { signal } = session;
  const found: string[] = [];
  if (manifest.versions.alfamix !== VERSION)
    found.push(`alfamix ${manifest.versions.alfamix} then, ${VERSION} now`);
  if ((await hashFile(out, { signal })).sha256 !== manifest.outputs[0].sha256)
    found.push(`${out} was edited after it was written`);
  found.push(...(await otherOutputs(manifest, out, signal)));
  const explanations = explainPath(out);
  if (existsSync(explanations) && !explanationsOf(manifest)) found.push(`${explanations} is not of this run`);
  const hashes = new Map<string, string>();
  for (const input of manifest.inputs) {
    const path = locateInput(input, manifest, out);
    if (!existsSync(path)) {
      found.push(`--${input.option} ${path} is gone`);
      continue;
    }
    const onProgress = session.stage('hash inputs');
    const sha256 = hashes.get(path) ?? (await hashFile(path, { signal, onProgress })).sha256;
    hashes.set(path, sha256);
    if (sha256 !== input.sha256) found.push(`--${input.option} ${path} has other contents`);
  }
  return found;
}

/** What the run wrote besides the picks: explanations, a report. It lies beside them, named after them. */
async function otherOutputs({ outputs }: Manifest, out: string, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const [picks, ...others] = outputs;
  for (const { file, sha256 } of others) {
    const path = join(dirname(out), basename(file).replace(picks.file, basename(out)));
    if (!existsSync(path)) found.push(`${path} is gone`);
    else if ((await hashFile(path, { signal })).sha256 !== sha256)
      found.push(`${path} is not as this run wrote it`);
  }
  return found;
}

/** Files of a folder or glob that came since. */
function newFiles(files: readonly InputFile[], manifest: Manifest, out: string): InputFile[] {
  const known = new Set(manifest.inputs.map((input) => resolve(locateInput(input, manifest, out))));
  return files.filter(({ path }) => !known.has(resolve(path)));
}

/** An input that no longer fits says so, and what has changed. */
async function namingChanges<T>(changed: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AlfamixError) || changed.length === 0 || error.code === 'ABORTED') throw error;
    throw new AlfamixError(error.code, `${error.message} (changed since: ${changed.join('; ')})`, {
      cause: error,
    });
  }
}

interface Difference {
  rank: number;
  was: string;
  is: string;
}

function differences(
  written: readonly (readonly string[])[],
  again: readonly (readonly string[])[],
): Difference[] {
  const found: Difference[] = [];
  for (let i = 0; i < Math.max(written.length, again.length); i++) {
    const [was = [], is = []] = [written[i], again[i]];
    const same =
      is.length === was.length && is.every((field, c) => sameField(PICK_COLUMNS[c], was[c], field));
    if (!same) found.push({ rank: i + 1, was: was.join(','), is: is.join(',') });
  }
  return found;
}

/** Equal text; flip caps within what kernels of different kinds may differ by (docs/flip-search.md). */
function sameField(column: string, was: string, is: string): boolean {
  if (was === is || column !== 'flip_cap' || was === '' || is === '') return was === is;
  const [a, b] = [was, is].map((cap) => (cap === 'inf' ? Number.POSITIVE_INFINITY : Number(cap)));
  return a === b || Math.abs(a - b) <= 1e-5 + 1e-4 * a;
}

function describe(
  out: string,
  picks: number,
  differing: readonly Difference[],
  changed: readonly string[],
): string {
  const lines = changed.map((change) => `changed  ${change}`);
  if (differing.length === 0) lines.push(`same     ${picks} picks of ${out}`);
  for (const { rank, was, is } of differing.slice(0, SHOWN))
    lines.push(`rank ${rank}   was ${was || '-'}, is ${is || '-'}`);
  if (differing.length > SHOWN) lines.push(`… and ${differing.length - SHOWN} more`);
  return lines.map(printable).join('\n');
}
