import { SCALES } from '@alfamix/core';
import type { Command } from 'commander';
import { z } from 'zod';
import {
  addCommonOptions,
  commonOptions,
  count,
  inputOptions,
  integerList,
  nameList,
  pickOptions,
  readOptions,
  spec,
  whole,
} from '../options.js';
import { runCommand } from './run.js';

export const simulateOptions = commonOptions
  .extend(pickOptions.pick({ budget: true, alphaCap: true, maxCandidates: true }).shape)
  .extend({
    data: spec,
    test: spec.optional(),
    labelColumn: spec.optional(),
    scale: z.enum(SCALES, { error: `one of ${SCALES.join(', ')}` }).optional(),
    strategies: nameList,
    init: count,
    rounds: whole,
    seeds: integerList,
    model: z.enum(['linear', 'mlp', 'cnn'], { error: 'one of linear, mlp, cnn' }),
    l2: inputOptions.shape.l2,
    tf: z.enum(['auto', 'node', 'wasm', 'cpu'], { error: 'one of auto, node, wasm, cpu' }),
    jobs: count,
    out: spec,
  });

export type SimulateOptions = z.infer<typeof simulateOptions>;

export function addSimulateCommand(program: Command, signal: AbortSignal): void {
  const command = program
    .command('simulate')
    .description(
      'Measures query strategies on labelled data: label at random, then train, test, query and label, round by round. A run that was stopped goes on where it was.',
    )
    .requiredOption(
      '--data <rows>',
      'digits, csv:FILE, idx:DIR (MNIST files), or .safetensors/.npz embeddings with labels; [a:b] takes a slice of rows',
    )
    .option(
      '--test <rows>',
      'test rows, as --data (default: a fifth of the rows is held out, drawn by --seed)',
    )
    .option('--label-column <name>', 'the column or tensor that holds the labels (default: label)')
    .option('--scale <name>', `${SCALES.join(', ')} (default: mnist for idx:, max for digits, else none)`)
    .option(
      '--strategies <names>',
      'separated by commas; options after colons, alfa-mix:alpha=random; or a module, ./mine.js',
      'alfa-mix,random',
    )
    .option('--init <n>', 'rows labelled at the beginning, drawn by the seed', '100')
    .option('--budget <n>', 'rows labelled in each round', '100')
    .option('--rounds <n>', 'rounds of querying', '10')
    .option(
      '--seeds <list>',
      'one run each: initial labels, initial weights, everything random',
      '1,10,100,1000,10000',
    )
    .option('--model <name>', 'linear (on the features as they are), mlp or cnn', 'linear')
    .option('--l2 <number>', 'weight decay of the linear model (default: 1)')
    .option('--tf <backend>', 'TensorFlow.js backend for mlp and cnn: auto, node, wasm or cpu', 'auto')
    .option(
      '--alpha-cap <number>',
      'start and step of the alpha caps, up to the first of at least 1 (default: the strategy’s own); for alfa-mix',
    )
    .option(
      '--max-candidates <n>',
      'keep at most this many candidates, those of the lowest flip caps; for alfa-mix',
    )
    .option('--jobs <n>', 'strategies and seeds that run at the same time; the lines are the same', '1')
    .requiredOption(
      '--out <folder>',
      'folder of the run: run.json and a file of JSON lines a strategy and seed',
    );
  addCommonOptions(command).addHelpText(
    'after',
    '\nExample:\n  alfamix simulate --data digits --strategies alfa-mix,margin,random --init 20 --budget 20 --rounds 10 --out runs/digits',
  );
  command.action((raw) =>
    runCommand(raw, signal, async (session) => {
      const options = readOptions(simulateOptions, raw);
      const { runSimulation } = await import('../simulate/run.js');
      await runSimulation(options, session);
    }),
  );
}
