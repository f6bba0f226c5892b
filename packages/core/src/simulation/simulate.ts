import type { Dataset } from '../datasets/dataset.js';
import {
  AlfamixError,
  type ArgumentNames,
  describe,
  expected,
  requireArguments,
  throwIfAborted,
} from '../errors.js';
import type { Kernels } from '../kernels/kernels.js';
import { requireInteger } from '../kernels/validate.js';
import type { Trainer } from '../models/model.js';
import { hasLadder } from '../strategies/index.js';
import type { Strategy } from '../strategies/strategy.js';
import type { RoundLine } from './round-line.js';
import { RunFolder, type SeriesFile } from './run-folder.js';
import { runSeries, type SeriesJob } from './series.js';
import { isStrategyName, sharingFiles } from './series-name.js';
import type { RunSettings } from './settings.js';

export interface SimulateArgs {
  /** Where run.json and the lines go; a run found there, of the same settings, is continued. */
  folder: string;
  /** `seeds` are those of this call. */
  settings: Omit<RunSettings, 'strategies'>;
  pool: Dataset;
  test: Dataset;
  strategies: readonly Strategy[];
  kernels: Kernels;
  /** Makes the models: one for each job, closed at the end. */
  makeTrainer: () => Trainer;
  /** Series that run at the same time. Default 1. The lines don't depend on it. */
  jobs?: number;
  /** Of the kernels, for each job. */
  threads?: number;
  signal?: AbortSignal;
  /** Called with each line once it is written; `done` and `total` count this call's lines. */
  onLine?: (line: RoundLine, done: number, total: number) => void;
}

export interface SimulateResult {
  /** With the strategies and seeds of earlier calls. */
  settings: RunSettings;
  /** Of this call's strategies and seeds: those found and those made, in the order of strategies, seeds and rounds. */
  lines: RoundLine[];
  /** Lines that were there already. */
  found: number;
}

const ARGUMENTS: ArgumentNames<SimulateArgs> = {
  folder: true,
  settings: true,
  pool: true,
  test: true,
  strategies: true,
  kernels: true,
  makeTrainer: true,
  jobs: true,
  threads: true,
  signal: true,
  onLine: true,
};

const SETTINGS: ArgumentNames<RunSettings> = {
  format: true,
  version: true,
  alfamix: true,
  data: true,
  model: true,
  tf: true,
  l2: true,
  init: true,
  budget: true,
  rounds: true,
  alphaCap: true,
  maxCandidates: true,
  strategies: true,
  seeds: true,
};

/**
 * Runs an active-learning experiment: for each strategy and seed, label `init` rows at random, then `rounds` times train,
 * measure, query `budget` rows and label them. Lines are on the disk as soon as they are made, so that a run which was
 * stopped, however, goes on where it was.
 *
 * @throws INVALID_ARGUMENT for settings that can't be, or that aren't those of the run in the folder; FORMAT for lines
 * that no run has written; IO; ABORTED; whatever strategies and training throw, after the other jobs' lines are written
 */
export async function simulate(args: SimulateArgs): Promise<SimulateResult> {
  requireArguments(args, 'simulate', ARGUMENTS);
  requireArguments(args.settings, 'the settings of simulate', SETTINGS);
  const { strategies, jobs = 1, signal } = args;
  const settings: RunSettings = { ...args.settings, strategies: strategies.map(({ name }) => name) };
  checkSettings(settings, strategies);
  throwIfAborted(signal);
  const folder = new RunFolder(args.folder);
  await mergeSettings(folder, settings, args.folder);
  const unlock = await folder.lock();
  try {
    // Again: another process may have been at it until now.
    const merged = await mergeSettings(folder, settings, args.folder);
    await folder.writeSettings(merged);
    const all: Series[] = [];
    for (const strategy of strategies) {
      for (const seed of settings.seeds) {
        const file = await folder.read(strategy.name, seed, merged);
        all.push({ strategy, seed, file, lines: [...file.lines] });
      }
    }
    const found = all.reduce((sum, { lines }) => sum + lines.length, 0);
    const todo = all.filter(({ lines }) => lines.length <= settings.rounds);
    await runAll(todo, folder, { ...args, jobs: Math.min(jobs, todo.length) });
    return { settings: merged, lines: all.flatMap(({ lines }) => lines), found };
  } finally {
    await unlock();
  }
}

interface Series {
  strategy: Strategy;
  seed: number;
  file: SeriesFile;
  lines: RoundLine[];
}

async function runAll(todo: readonly Series[], folder: RunFolder, args: SimulateArgs & { jobs: number }) {
  const { settings, pool, test, kernels, threads, onLine } = args;
  const { init, budget, rounds } = settings;
  const total = todo.reduce((sum, { lines }) => sum + rounds + 1 - lines.length, 0);
  // The first failure stops the other jobs; kept apart from the signal, which makes an error of its own of undefined.
  const failures: unknown[] = [];
  const stop = new AbortController();
  const signal = args.signal ? AbortSignal.any([args.signal, stop.signal]) : stop.signal;
  const maxCandidates = settings.maxCandidates ?? undefined;
  const alphaCap = settings.alphaCap ?? undefined;
  const job: SeriesJob = {
    pool,
    test,
    init,
    budget,
    rounds,
    alphaCap: alphaCap ?? undefined,
    maxCandidates,
    kernels,
    threads,
    signal,
  };
  const queue = [...todo];
  let done = 0;
  const work = async () => {
    const trainer = args.makeTrainer();
    try {
      for (let series = queue.shift(); series !== undefined; series = queue.shift()) {
        await folder.repair(series.file);
        for await (const line of runSeries(
          series.strategy,
          series.seed,
          job,
          trainer,
          series.lines.slice(),
        )) {
          await folder.append(series.file, line);
          series.lines.push(line);
          onLine?.(line, ++done, total);
        }
      }
    } catch (error) {
      failures.push(error);
      stop.abort(error);
      throw error;
    } finally {
      await trainer.close();
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: args.jobs }, work));
  throwIfAborted(args.signal);
  if (failures.length > 0) throw failures[0];
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

function checkSettings(
  { init, budget, rounds, seeds, strategies, data, maxCandidates }: RunSettings,
  resolved: readonly Strategy[],
): void {
  requireInteger(init, 'init', 1);
  requireInteger(budget, 'budget', 1);
  requireInteger(rounds, 'rounds', 0);
  if (maxCandidates !== null && resolved.some(hasLadder))
    requireInteger(maxCandidates, 'maxCandidates (at least the budget)', budget);
  if (strategies.length === 0) throw expected('at least one strategy', 'strategies', strategies);
  if (seeds.length === 0) throw expected('at least one seed', 'seeds', seeds);
  for (const seed of seeds) requireInteger(seed, 'a seed', 0);
  for (const name of strategies) {
    if (!isStrategyName(name)) throw expected("a name that can be part of a file's name", 'a strategy', name);
  }
  for (const [name, list] of Object.entries({ strategies, seeds })) {
    const twice = list.find((each, i) => (list as readonly unknown[]).indexOf(each) !== i);
    if (twice !== undefined) throw expected('each one once', name, twice);
  }
  const needed = init + rounds * budget;
  if (needed > data.rows) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected a pool of at least ${needed} rows, for ${init} initial labels and ${rounds} rounds of ${budget}, got ${data.rows}`,
    );
  }
}

/** The settings of a run with this call's: those alone where the run there has no line yet. */
async function mergeSettings(folder: RunFolder, now: RunSettings, shown: string): Promise<RunSettings> {
  const before = await folder.settings();
  const merged = before && (await folder.hasLines()) ? continued(before, now, shown) : now;
  const shared = sharingFiles(merged.strategies);
  if (shared === undefined) return merged;
  const [one, other] = shared.map(describe);
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected strategies whose files have different names, whatever the case, in ${shown}, got ${one} and ${other}`,
    { details: { folder: shown, strategies: shared } },
  );
}

/** The settings of a run as it goes on: more strategies and seeds are welcome, everything else must be the same. */
function continued(before: RunSettings, now: RunSettings, folder: string): RunSettings {
  const { strategies, seeds, alfamix: _, data, ...others } = now;
  for (const [name, value, old] of [
    ...Object.entries(others).map(
      ([key, value]) => [key, value, before[key as keyof typeof others]] as const,
    ),
    ['data', data.sha256, before.data.sha256] as const,
    ['data.classes', data.classes.join('\n'), before.data.classes.join('\n')] as const,
  ]) {
    if (value === old) continue;
    const shown = name.startsWith('data')
      ? `the data of the run there (${before.data.spec})`
      : `${name} ${old}, as the run there has it,`;
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected ${shown} to continue ${folder}, got ${name.startsWith('data') ? `other numbers from ${data.spec}` : value}; another folder starts another run`,
      { details: { folder, setting: name } },
    );
  }
  const union = <T>(a: readonly T[], b: readonly T[]): T[] => [...new Set([...a, ...b])];
  return {
    ...before,
    strategies: union(before.strategies, strategies),
    seeds: union(before.seeds, seeds),
  };
}
