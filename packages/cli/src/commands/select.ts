import { AlfamixError, getKernels, getStrategy, select } from '@alfamix/core';
import type { Command } from 'commander';
import type { z } from 'zod';
import { loadInputs } from '../inputs/load.js';
import {
  addCommonOptions,
  addInputOptions,
  addPickOptions,
  commonOptions,
  inputOptions,
  pickOptions,
  readOptions,
} from '../options.js';
import { writeCsv } from '../output/csv.js';
import { assertOutput, describeInputs, writeManifest } from '../output/manifest.js';
import type { Session } from '../session.js';
import { headFor } from './head.js';
import { describePicks, PICK_COLUMNS, pickFacts, pickLines } from './pick-facts.js';
import { runCommand } from './run.js';

const schema = commonOptions.extend(inputOptions.shape).extend(pickOptions.shape);
type Options = z.infer<typeof schema>;

export function addSelectCommand(program: Command, signal: AbortSignal): void {
  const command = program
    .command('select')
    .description('Picks the rows of a pool to label next and writes them, in that order, as CSV.')
    .requiredOption(
      '--pool <tensor>',
      'N×D embeddings: .npy, .safetensors (#name where it holds several) or .csv',
    )
    .requiredOption('--out <file>', 'CSV to write; a manifest is put beside it')
    .requiredOption('--budget <n>', 'how many rows to pick');
  addInputOptions(command)
    .option(
      '--head <file>',
      'linear head, .safetensors with weight and bias (default: one is fitted on the labels)',
    )
    .option(
      '--exclude <file>',
      'rows that may not be picked: a CSV with a row or id column, or a plain list',
    );
  addPickOptions(command);
  addCommonOptions(command).addHelpText(
    'after',
    '\nExample:\n  alfamix select --pool pool.npy --labels labels.csv --budget 100 --out picks.csv',
  );
  command.action((raw) => runCommand(raw, signal, (session) => runSelect(readOptions(schema, raw), session)));
}

async function runSelect(options: Options, session: Session): Promise<void> {
  const { budget, strategy, alphaCap, maxCandidates, backend, threads, seed, out } = options;
  const { signal } = session;
  const { needs } = getStrategy(strategy);
  if (needs.labels && options.labels === undefined) {
    const what = 'a CSV with a header row,label or id,label';
    throw new AlfamixError('INVALID_ARGUMENT', `expected --labels (${what}) for strategy ${strategy}`);
  }
  assertOutput(out, options);
  await getKernels(backend);
  const inputs = await session.timed('read', () => loadInputs(options, session));
  const pool = inputs.pool!;
  const head = inputs.head || needs.head ? await headFor(inputs, options, session) : undefined;
  const result = await select({
    pool,
    labeled: inputs.labeled,
    head,
    budget,
    strategy,
    alphaCap,
    maxCandidates,
    exclude: inputs.exclude,
    seed,
    backend,
    threads,
    signal,
    onProgress: session.progress,
  });
  session.addTimings(result.timings);
  const records = await session.timed('hash inputs', () => describeInputs(inputs.files, session));
  const lines = pickLines(result.picks, pool, inputs.classNames);
  await session.timed('write', () => writeCsv(out, PICK_COLUMNS, lines, { signal }));

  const facts = pickFacts(result, inputs, head?.fitted);
  const settings = { ...options, threads: result.backend.threads };
  const run = {
    command: 'select',
    settings,
    inputs: records,
    outputs: [out],
    backend: result.backend,
    result: facts,
  };
  const manifest = await writeManifest(run, session);
  session.print(
    {
      command: 'select',
      out,
      manifest,
      strategy,
      budget,
      ...facts,
      backend: result.backend,
      timings: session.timings,
    },
    `${describePicks(facts, { strategy, backend: result.backend, timings: session.timings })}\n\n${out}\n${manifest}`,
  );
}
