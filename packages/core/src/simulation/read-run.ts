import { AlfamixError, describe } from '../errors.js';
import type { RoundLine } from './round-line.js';
import { RunFolder } from './run-folder.js';
import type { RunSettings } from './settings.js';

export interface Run {
  settings: RunSettings;
  /** In the order of strategies, seeds and rounds; those of an unfinished run are fewer. */
  lines: RoundLine[];
}

/**
 * Reads what `simulate` has written so far, also while it runs. A last line that was cut short doesn't count.
 * @throws FORMAT for a folder that holds no run, or foreign lines; IO
 * @example
 * const { settings, lines } = await readRun('runs/mnist');
 */
export async function readRun(path: string): Promise<Run> {
  const folder = new RunFolder(path);
  const settings = await folder.settings('read');
  if (settings === undefined) {
    throw new AlfamixError(
      'FORMAT',
      `expected the folder of a run, made by alfamix simulate, got ${describe(path)}, which holds none`,
      { details: { path } },
    );
  }
  const lines: RoundLine[] = [];
  for (const strategy of settings.strategies) {
    for (const seed of settings.seeds) lines.push(...(await folder.read(strategy, seed, settings)).lines);
  }
  return { settings, lines };
}

/** The settings of the run in a folder; undefined where none has begun. @throws FORMAT, IO */
export const readRunSettings = (path: string): Promise<RunSettings | undefined> =>
  new RunFolder(path).settings();
