import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AlfamixError,
  type Dataset,
  hashData,
  type Run,
  type RunSettings,
  readRun,
  seriesName,
} from '@alfamix/core';
import { loadData } from '../../simulate/datasets.js';

export interface FoundRun extends Run {
  /** What was left out, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * The results in a run folder, finished or not, also while it is written.
 * @throws FORMAT where there is no run, or none of its rounds; IO
 */
export async function loadRun(dir: string): Promise<FoundRun> {
  const run = await readRun(dir);
  if (run.lines.length === 0)
    throw new AlfamixError('FORMAT', `expected the results of at least one round in ${dir}, got none yet`);
  return { ...run, notes: await leftOut(dir, run.settings) };
}

/** Result files that the run doesn't list, and lines that a killed run left without their end. */
async function leftOut(dir: string, { strategies, seeds }: RunSettings): Promise<string[]> {
  const known = new Set(strategies.flatMap((strategy) => seeds.map((seed) => seriesName(strategy, seed))));
  const notes: string[] = [];
  for (const name of (await readdir(dir)).filter((file) => file.endsWith('.jsonl')).sort()) {
    if (!known.has(name)) notes.push(`${name} is of no strategy and seed in run.json and is left out.`);
    else if (!(await endsWithNewline(join(dir, name))))
      notes.push(`The last line of ${name} is cut short and is left out.`);
  }
  return notes;
}

async function endsWithNewline(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) return true;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 0x0a;
  } finally {
    await file.close();
  }
}

/**
 * The rows that the run picked from, as it used them, or why they can't be had: the data may have moved since, or be
 * others by now.
 */
export async function loadPool(
  { data }: RunSettings,
  signal: AbortSignal,
): Promise<{ pool: Dataset } | { why: string }> {
  try {
    const { spec, test, splitSeed, labelName, scale } = data;
    const options = { splitSeed, scale, signal, test: test ?? undefined, labelName: labelName ?? undefined };
    const { pool, test: held } = await loadData({ data: spec, ...options });
    if (hashData(pool, held) === data.sha256) return { pool };
    return { why: `the rows of ${data.spec} are not the ones the run was made with` };
  } catch (error) {
    if (signal.aborted || !(error instanceof AlfamixError)) throw error;
    return { why: error.message };
  }
}
