import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AlfamixError, parseSpec, readTable } from '@alfamix/core';
import type { Command } from 'commander';
import { z } from 'zod';
import { locateInput, type Manifest, readManifest } from '../inputs/manifest-file.js';
import { commonOptions, readOptions } from '../options.js';
import { hashFile } from '../output/hash.js';
import type { Session } from '../session.js';
import { VERSION } from '../version.js';
import { PICK_COLUMNS, pickFields } from './pick-facts.js';
import { pickRows } from './pick-rows.js';
import { runCommand } from './run.js';
import { selectOptions } from './select.js';

const schema = z.object({
  backend: commonOptions.shape.backend.optional(),
  threads: commonOptions.shape.threads,
});

/** Differing ranks that are named. */
const SHOWN = 5;

export function addVerifyCommand(program: Command, signal: AbortSignal): void {
  program
    .command('verify')
    .description('Makes the picks of an earlier select again from its manifest and compares. Writes nothing.')
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
  if (manifest.command !== 'select')
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected the picks of alfamix select for ${out}, got those of ${manifest.command}`,
    );
  const settings = settingsOf(manifest, out, given);
  const written = await readPicks(out, session.signal);
  const changed = await session.timed('hash inputs', () => changes(manifest, out, session));
  const { inputs, result } = await rerun(settings, changed, session);
  const { level, name } = result.backend;
  if (manifest.backend && (manifest.backend.name !== name || manifest.backend.level !== level))
    changed.push(`kernels: ${manifest.backend.name} ${manifest.backend.level} then, ${name} ${level} now`);

  const again = result.picks.map((pick) => pickFields(pick, inputs.pool!, inputs.classNames));
  const differing = differences(written, again);
  const same = differing.length === 0;
  const summary = { command: 'verify', picks: out, same, differing, changed, backend: result.backend };
  session.print(summary, describe(out, written.length, differing, changed));
  if (same) return;
  const why =
    changed.length > 0
      ? `; changed since: ${changed.join('; ')}`
      : '; nothing that the manifest records has changed';
  throw new Error(`${out} has other picks than its manifest makes now${why}`);
}

/** The manifest's settings through the options of `select`, files where they are now. */
function settingsOf(manifest: Manifest, out: string, given: z.infer<typeof schema>) {
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(manifest.settings)) {
    if (value === null) continue;
    raw[key] = typeof value === 'boolean' ? value : Array.isArray(value) ? value.join(',') : String(value);
  }
  for (const option of new Set(manifest.inputs.map((input) => input.option))) {
    const spec = raw[option];
    const inputs = manifest.inputs.filter((input) => input.option === option);
    if (typeof spec !== 'string') continue;
    const { tensor } = parseSpec(inputs[0].spec);
    // Several files of one option: a folder or a glob.
    raw[option] =
      inputs.length > 1
        ? resolve(existsSync(inputs[0].path) ? manifest.cwd : dirname(out), spec)
        : locateInput(inputs[0], out) + (tensor === undefined ? '' : `#${tensor}`);
  }
  raw.explain = false;
  raw.threads = undefined;
  const { backend, threads } = given;
  return { ...readOptions(selectOptions, raw), ...(backend && { backend }), threads };
}

/** The records of a picks file, its header left out. */
async function readPicks(out: string, signal: AbortSignal): Promise<readonly (readonly string[])[]> {
  const all: (readonly string[])[] = [];
  for await (const { fields } of readTable(out, { signal })) all.push(fields);
  const [header, ...records] = all;
  if (header.join() === PICK_COLUMNS.join()) return records;
  throw new AlfamixError(
    'FORMAT',
    `expected the columns ${PICK_COLUMNS.join(', ')} in ${out}, got ${header.join(', ')}`,
  );
}

/** What isn't as the manifest says, a sentence each. */
async function changes(manifest: Manifest, out: string, session: Session): Promise<string[]> {
  const { signal } = session;
  const found: string[] = [];
  if (manifest.versions.alfamix !== VERSION)
    found.push(`alfamix ${manifest.versions.alfamix} then, ${VERSION} now`);
  if ((await hashFile(out, { signal })).sha256 !== manifest.outputs[0].sha256)
    found.push(`${out} was edited after it was written`);
  const hashes = new Map<string, string>();
  for (const input of manifest.inputs) {
    const path = locateInput(input, out);
    const onProgress = session.stage('hash inputs');
    const sha256 = hashes.get(path) ?? (await hashFile(path, { signal, onProgress })).sha256;
    hashes.set(path, sha256);
    if (sha256 !== input.sha256) found.push(`--${input.option} ${path} has other contents`);
  }
  return found;
}

/** An input that no longer fits says so, and what has changed. */
async function rerun(settings: Parameters<typeof pickRows>[0], changed: readonly string[], session: Session) {
  try {
    return await pickRows(settings, session);
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
  if (differing.length === 0) return [...lines, `same     ${picks} picks of ${out}`].join('\n');
  const shown = differing
    .slice(0, SHOWN)
    .map(({ rank, was, is }) => `rank ${rank}   was ${was || '-'}, is ${is || '-'}`);
  const rest = differing.length - shown.length;
  return [...lines, ...shown, ...(rest > 0 ? [`… and ${rest} more`] : [])].join('\n');
}
