import {
  AlfamixError,
  hashData,
  type RoundLine,
  type RunSettings,
  readRunSettings,
  type SimulateResult,
  simulate,
} from '@alfamix/core';
import type { SimulateOptions } from '../commands/simulate.js';
import { resolveStrategy } from '../inputs/strategy.js';
import { startKernels } from '../kernels.js';
import type { Session } from '../session.js';
import { formatDuration, formatShare } from '../terminal/format.js';
import { VERSION } from '../version.js';
import { chooseTrainer } from './choose-trainer.js';
import { loadData } from './datasets.js';
import { describeRun, summarize } from './summary.js';

interface Pace {
  done: number;
  total: number;
  /** Milliseconds. */
  elapsed: number;
}

/** A line of the log of a long run. */
function describeLine(
  { strategy, seed, round, accuracy }: RoundLine,
  { done, total, elapsed }: Pace,
): string {
  const left = done < total ? `, ${formatDuration((elapsed / done) * (total - done))} left` : '';
  return `${strategy}, seed ${seed}, round ${round}: ${formatShare(accuracy)} (${done} of ${total}${left})`;
}

/** Runs or continues a simulation and prints what came out. */
export async function runSimulation(options: SimulateOptions, session: Session): Promise<void> {
  const { signal } = session;
  const strategies = await Promise.all(options.strategies.map(resolveStrategy));
  const { pool, test, scale } = await session.timed('load', () =>
    loadData({ ...options, splitSeed: options.seed, labelName: options.labelColumn, signal }),
  );
  const kernels = await startKernels(options.backend, session);
  const before = await readRunSettings(options.out);
  const trainer = await chooseTrainer(options, before?.tf);
  const { init, budget, rounds, alphaCap, seeds, model, jobs } = options;
  const settings: Omit<RunSettings, 'strategies'> = {
    format: 'alfamix-run',
    version: 1,
    alfamix: VERSION,
    data: {
      spec: options.data,
      test: options.test ?? null,
      splitSeed: options.seed,
      labelName: options.labelColumn ?? null,
      scale,
      rows: pool.rows,
      testRows: test.rows,
      inputDim: pool.dim,
      classes: pool.classNames,
      sha256: hashData(pool, test),
    },
    model,
    tf: trainer.tf,
    l2: trainer.l2,
    init,
    budget,
    rounds,
    alphaCap: alphaCap ?? null,
    maxCandidates: options.maxCandidates ?? null,
    seeds,
  };
  let made = 0;
  const start = performance.now();
  const onLine = (line: RoundLine, done: number, total: number) => {
    made = done;
    session.progress('simulate', done, total);
    session.say(describeLine(line, { done, total, elapsed: performance.now() - start }));
  };
  session.progress('simulate', 0, 1);
  const { makeTrainer } = trainer;
  const job = { folder: options.out, settings, pool, test, strategies, kernels, makeTrainer, jobs };
  const threads = options.threads;
  let result: SimulateResult;
  try {
    result = await session.timed('simulate', () => simulate({ ...job, threads, signal, onLine }));
  } catch (error) {
    if (!signal.aborted) throw error;
    const kept = `the ${made} line${made === 1 ? '' : 's'} made are in ${options.out}, and the same command goes on from there`;
    throw new AlfamixError('ABORTED', `interrupted; ${kept}`, { cause: error });
  }
  const summary = summarize(result);
  session.print(
    {
      command: 'simulate',
      out: options.out,
      model,
      tf: settings.tf,
      found: result.found,
      made,
      ...summary,
      timings: session.finish(),
    },
    describeRun(summary, { found: result.found, made, out: options.out, backend: trainer.described }),
  );
}
