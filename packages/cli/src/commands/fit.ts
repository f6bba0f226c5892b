import { extname } from 'node:path';
import { expected, OutputSet } from '@alfamix/core';
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
import { assertOutput, describeInputs, publishRun } from '../output/manifest.js';
import type { Session } from '../session.js';
import { formatCount } from '../terminal/format.js';
import { describeTimings, formatFacts } from '../terminal/summary.js';
import { describeFit, fitHead, fitWarnings } from './head.js';
import { runCommand } from './run.js';

const schema = commonOptions.extend(inputOptions.shape);
type Options = z.infer<typeof schema>;

export function addFitCommand(program: Command, signal: AbortSignal): void {
  const command = program
    .command('fit')
    .description('Fits a linear head on labelled embeddings and writes it as .safetensors.')
    .option('--pool <tensor>', `the rows that --labels names: ${POOL_HELP}`);
  addRequiredOption(command, '--out <file>', '.safetensors to write; a manifest is put beside it');
  addInputOptions(command);
  addCommonOptions(command).addHelpText(
    'after',
    '\nExample:\n  alfamix fit --pool pool.npy --labels labels.csv --out head.safetensors',
  );
  command.action((raw) => runCommand(raw, signal, (session) => runFit(readOptions(schema, raw), session)));
}

async function runFit(options: Options, session: Session): Promise<void> {
  const { out } = options;
  if (extname(out).toLowerCase() !== '.safetensors') throw expected('a .safetensors file', '--out', out);
  assertOutput(out, options);
  await startKernels(options.backend, session);
  const inputs = await session.timed('read', () => loadInputs(options, session));
  const head = await fitHead(inputs, options, session);
  const records = await session.timed('hash inputs', () => describeInputs(inputs.files, session));
  using outputs = new OutputSet();
  await session.timed('write', () => head.save(out, { signal: session.signal, outputs }));

  const facts = {
    classes: head.classes,
    classNames: head.classNames,
    dim: head.dim,
    labelledRows: inputs.labeled!.rows,
    head: head.fitted,
    notes: [...inputs.notes, ...fitWarnings(head.fitted)],
  };
  // The fit runs in TypeScript on every backend.
  const run = {
    command: 'fit',
    settings: options,
    inputs: records,
    outputs: [out],
    backend: undefined,
    result: facts,
  };
  const manifest = await publishRun(run, outputs, session);
  const text = formatFacts([
    [
      'head',
      `${formatCount(head.classes)} classes × ${formatCount(head.dim)} from ${formatCount(facts.labelledRows)} labelled rows`,
    ],
    ['accuracy', describeFit(facts.head)],
    ['timings', describeTimings(session.timings)],
    ...facts.notes.map((note) => ['note', note] as const),
  ]);
  session.print(
    { command: 'fit', out, manifest, ...facts, timings: session.timings },
    `${text}\n\n${out}\n${manifest}`,
  );
}
