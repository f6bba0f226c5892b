import { extname } from 'node:path';
import { AlfamixError, expected, OutputSet, score } from '@alfamix/core';
import type { Command } from 'commander';
import type { z } from 'zod';
import { loadInputs } from '../inputs/load.js';
import { startKernels } from '../kernels.js';
import {
  addCommonOptions,
  addInputOptions,
  addRequiredOption,
  commonOptions,
  inputOptions,
  POOL_HELP,
  readOptions,
} from '../options.js';
import { assertApart, assertOutput, describeInputs, manifestPath, publishRun } from '../output/manifest.js';
import { writeScoresParquet } from '../output/parquet.js';
import { writeScoreCsv, writeScoreTensors } from '../output/score-file.js';
import type { Session } from '../session.js';
import { formatCount } from '../terminal/format.js';
import { describeBackend, describeCounts, describeTimings, formatFacts } from '../terminal/summary.js';
import { describeFit, fitWarnings, headFor } from './head.js';
import { runCommand } from './run.js';

const schema = commonOptions.extend(inputOptions.shape);
type Options = z.infer<typeof schema>;

const WRITERS = {
  '.csv': writeScoreCsv,
  '.parquet': writeScoresParquet,
  '.safetensors': writeScoreTensors,
} as const;

export function addScoreCommand(program: Command, signal: AbortSignal): void {
  const command = program
    .command('score')
    .description('Writes pseudo-label, confidence, margin, entropy and flip cap of every row of a pool.');
  addRequiredOption(command, '--pool <tensor>', POOL_HELP);
  addRequiredOption(
    command,
    '--out <file>',
    '.csv, .parquet or .safetensors to write; a manifest is put beside it',
  );
  addInputOptions(command)
    .option(
      '--head <file>',
      'linear head, .safetensors with weight and bias (default: one is fitted on the labels)',
    )
    .option(
      '--exclude <file>',
      'rows to leave out: a CSV or .parquet with a row or id column, or a plain list',
    );
  addCommonOptions(command).addHelpText(
    'after',
    '\nExample:\n  alfamix score --pool pool.safetensors#emb --labels labels.csv --head head.safetensors --out scores.csv',
  );
  command.action((raw) => runCommand(raw, signal, (session) => runScore(readOptions(schema, raw), session)));
}

async function runScore(options: Options, session: Session): Promise<void> {
  const { backend, threads, out } = options;
  const { signal } = session;
  const write = writerFor(out);
  if (options.labels === undefined) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      'expected --labels: the flip cap is measured towards labelled rows',
    );
  }
  assertOutput(out, options);
  await startKernels(backend, session);
  const inputs = await session.timed('read', () => loadInputs(options, session));
  assertApart([out, manifestPath(out)], inputs.files);
  const pool = inputs.pool!;
  const head = await headFor(inputs, options, session);
  const result = await score({
    pool,
    labeled: inputs.labeled!,
    head,
    exclude: inputs.exclude,
    backend,
    threads,
    signal,
    onProgress: session.progress,
  });
  session.addTimings(result.timings);
  const records = await session.timed('hash inputs', () => describeInputs(inputs.files, session));
  const classNames = inputs.classNames!;
  using outputs = new OutputSet();
  const writing = { signal, outputs, onProgress: session.stage('write') };
  await session.timed('write', () => write(out, { result, pool, classNames }, writing));

  const counts = new Array<number>(classNames.length).fill(0);
  for (const label of result.pseudoLabel) counts[label]++;
  const facts = {
    rows: result.row.length,
    poolRows: pool.rows,
    labelledRows: inputs.labeled!.rows,
    excludedRows: inputs.exclude.length,
    classCounts: Object.fromEntries(classNames.map((name, i) => [name, counts[i]])),
    unflippable: result.flipCap.reduce((count, cap) => count + Number(cap === Number.POSITIVE_INFINITY), 0),
    head: head.fitted,
    notes: [...inputs.notes, ...result.notes, ...fitWarnings(head.fitted)],
  };
  const settings = { ...options, threads: result.backend.threads };
  const run = {
    command: 'score',
    settings,
    inputs: records,
    outputs: [out],
    backend: result.backend,
    result: facts,
  };
  const manifest = await publishRun(run, outputs, session);
  const text = formatFacts([
    ['rows', `${formatCount(facts.rows)} scored of ${formatCount(pool.rows)}`],
    ['by class', describeCounts(Object.entries(facts.classCounts))],
    ['head', describeFit(facts.head)],
    [
      'never flips',
      facts.unflippable > 0 ? `${formatCount(facts.unflippable)} rows (flip cap inf)` : undefined,
    ],
    ['backend', describeBackend(result.backend)],
    ['timings', describeTimings(session.timings)],
    ...facts.notes.map((note) => ['note', note] as const),
  ]);
  session.print(
    { command: 'score', out, manifest, ...facts, backend: result.backend, timings: session.timings },
    `${text}\n\n${out}\n${manifest}`,
  );
}

function writerFor(out: string) {
  const extension = extname(out).toLowerCase();
  if (extension in WRITERS) return WRITERS[extension as keyof typeof WRITERS];
  throw expected('a .csv, .parquet or .safetensors file', '--out', out);
}
