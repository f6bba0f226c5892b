import { mkdirSync, rmdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AlfamixError,
  assertWritable,
  explain,
  getStrategy,
  OutputSet,
  type ScoreResult,
  score,
  type WriteOptions,
  writeFileAtomic,
} from '@alfamix/core';
import type { DemoCommandOptions } from '../commands/demo.js';
import { describePicks, PICK_COLUMNS, pickFacts, pickLines } from '../commands/pick-facts.js';
import { resolveStrategy } from '../inputs/strategy.js';
import { startKernels } from '../kernels.js';
import { pickSettings } from '../options.js';
import { writeCsv } from '../output/csv.js';
import { assertOutput, describeInputs, publishRun } from '../output/manifest.js';
import type { Session } from '../session.js';
import { DIGIT_FILES, DIGIT_NAMES, loadDigits } from './digits.js';
import { runExperiment } from './experiment.js';
import { mapPoints } from './map-points.js';
import { FIGURES } from './overview.js';
import { demoReport } from './report.js';
import { describeAccuracies, picksTable } from './summary.js';

/** The whole road on the bundled digits: fit, pick, label, fit again, report. */
export async function runDemo(options: DemoCommandOptions, session: Session): Promise<void> {
  getStrategy(options.strategy);
  const folders = [options.out, ...(options.figures ? [options.figures] : [])].map((folder) =>
    resolve(folder),
  );
  const made = folders.filter(makeFolder);
  try {
    for (const name of ['picks.csv', 'head.safetensors', 'report.html']) assertOutput(join(folders[0], name));
    if (folders[1]) for (const name of FIGURES) assertWritable(figurePath(folders[1], name));
    await demo(options, folders, session);
  } catch (error) {
    for (const folder of made) removeIfEmpty(folder);
    throw error;
  }
}

async function demo(options: DemoCommandOptions, [out, figures]: string[], session: Session): Promise<void> {
  const { signal } = session;
  const { backend, threads, seed, strategy, budget } = options;
  await startKernels(backend, session);
  const digits = loadDigits();
  const experiment = await runExperiment(digits, options, session);
  const { pool, labeled, head, selection } = experiment;
  const scores: ScoreResult = await score({ pool, labeled, head, backend, threads, signal });
  const map = await session.timed('map', () =>
    mapPoints({ pool, labeled, scores, selection, seed, signal, onProgress: session.stage('map') }),
  );
  const { picks, clusters } = selection;
  const explanations = await session.timed('explain', () =>
    explain({ pool, labeled, head, picks, clusters, backend, threads, signal }),
  );
  const inputs = await describeInputs(
    Object.entries(DIGIT_FILES).map(([option, url]) => ({
      option,
      spec: 'bundled',
      path: fileURLToPath(url),
    })),
    session,
  );
  const facts = pickFacts(
    selection,
    { classNames: DIGIT_NAMES, labeled, exclude: [], notes: [] },
    head.fitted,
  );
  const backendUsed = selection.backend;
  const settings = pickSettings(options, await resolveStrategy(options.strategy), backendUsed.threads);
  const report = await session.timed('draw', () =>
    demoReport({
      digits,
      experiment,
      facts,
      scores,
      explanations,
      map,
      settings,
      timings: session.timings,
    }),
  );

  const picksFile = join(out, 'picks.csv');
  const headFile = join(out, 'head.safetensors');
  const reportFile = join(out, 'report.html');
  using outputs = new OutputSet();
  const writing = { signal, outputs };
  await writeCsv(picksFile, PICK_COLUMNS, pickLines(selection.picks, pool, DIGIT_NAMES), writing);
  await head.save(headFile, writing);
  await writeText(reportFile, report.html, writing);
  for (const [name, svg] of Object.entries(figures ? report.figures : {}))
    await writeText(figurePath(figures, name), svg, writing);
  const { accuracies } = experiment;
  const run = {
    command: 'demo',
    settings,
    inputs,
    outputs: [picksFile, headFile, reportFile],
    backend: backendUsed,
    result: { ...facts, accuracies },
  };
  const manifest = await publishRun(run, outputs, session);
  session.print(
    {
      command: 'demo',
      report: reportFile,
      out: picksFile,
      manifest,
      strategy,
      budget,
      ...facts,
      accuracies,
      backend: backendUsed,
      timings: session.timings,
    },
    [
      picksTable(selection.picks, pool, digits.pool.labels),
      describePicks(facts, { strategy, backend: backendUsed, timings: session.timings }),
      describeAccuracies(experiment.accuracies, digits.test.rows, budget),
      `${picksFile}\n${headFile}\n${manifest}`,
      reportFile,
    ].join('\n\n'),
  );
}

const writeText = (path: string, text: string, options: WriteOptions): Promise<void> =>
  writeFileAtomic(path, (append) => append(text), options);

const figurePath = (folder: string, name: string): string => join(folder, `${name}.svg`);

/** @returns whether it wasn't there before */
function makeFolder(folder: string): boolean {
  try {
    return mkdirSync(folder, { recursive: true }) !== undefined;
  } catch (error) {
    throw new AlfamixError('IO', `can't make the folder ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something is in it, so it stays.
  }
}
