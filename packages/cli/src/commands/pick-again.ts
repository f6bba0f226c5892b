import { resolve } from 'node:path';
import { AlfamixError, type Pick, type Pool, parseSpec } from '@alfamix/core';
import { DIGIT_FILES, DIGIT_NAMES, loadDigits } from '../demo/digits.js';
import { selectDigits } from '../demo/experiment.js';
import type { InputFile } from '../inputs/load.js';
import { folderOf, type Manifest, requireInputs } from '../inputs/manifest-file.js';
import { type CommonOptions, readOptions } from '../options.js';
import { INPUT_OPTIONS } from '../output/manifest.js';
import type { Session } from '../session.js';
import type { BackendUsed } from '../terminal/summary.js';
import { demoOptions } from './demo.js';
import { pickRows } from './pick-rows.js';
import { selectOptions } from './select.js';

export interface PickedAgain {
  readonly picks: readonly Pick[];
  readonly pool: Pool;
  readonly classNames: readonly string[] | undefined;
  readonly backend: BackendUsed;
  /** What was read; empty for the demo, whose files are this package's. */
  readonly files: readonly InputFile[];
}

type Kernels = Partial<globalThis.Pick<CommonOptions, 'backend' | 'threads'>>;

/**
 * How to pick as a manifest's run did, without writing anything.
 * @throws INVALID_ARGUMENT for the manifest of another command or settings no run can have had; FORMAT for a missing hash
 */
export function planAgain(
  manifest: Manifest,
  out: string,
  given: Kernels,
): (session: Session) => Promise<PickedAgain> {
  const { command } = manifest;
  if (command === 'select') return planSelect(manifest, out, given);
  if (command === 'demo') return planDemo(manifest, out, given);
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected the picks of alfamix select or demo for ${out}, got those of ${command}`,
  );
}

function planSelect(manifest: Manifest, out: string, given: Kernels) {
  const raw = rawOptions(manifest);
  const named = INPUT_OPTIONS.filter((option) => typeof raw[option] === 'string');
  requireInputs(manifest, named, out);
  for (const option of named) {
    const { path, tensor } = parseSpec(String(raw[option]));
    const spec = resolve(folderOf(option, manifest, out), path);
    raw[option] = tensor === undefined ? spec : `${spec}#${tensor}`;
  }
  const options = { ...readOptions(selectOptions, { ...raw, explain: false }), ...kernelsOf(given) };
  return async (session: Session): Promise<PickedAgain> => {
    const { inputs, result } = await pickRows(options, session);
    const { picks, backend } = result;
    return { picks, pool: inputs.pool!, classNames: inputs.classNames, backend, files: inputs.files };
  };
}

function planDemo(manifest: Manifest, out: string, given: Kernels) {
  requireInputs(manifest, Object.keys(DIGIT_FILES), out);
  const options = { ...readOptions(demoOptions, rawOptions(manifest)), ...kernelsOf(given) };
  return async (session: Session): Promise<PickedAgain> => {
    const { pool, selection } = await selectDigits(loadDigits(), options, session);
    return { picks: selection.picks, pool, classNames: DIGIT_NAMES, backend: selection.backend, files: [] };
  };
}

/** The settings as the command line gives them: text, or true for a flag. */
function rawOptions({ settings }: Manifest): Record<string, unknown> {
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(settings)) {
    if (value === null) continue;
    raw[key] = typeof value === 'boolean' ? value : Array.isArray(value) ? value.join(',') : String(value);
  }
  return raw;
}

/** Threads never move a pick: those of this machine. */
const kernelsOf = ({ backend, threads }: Kernels) => ({ ...(backend && { backend }), threads });
