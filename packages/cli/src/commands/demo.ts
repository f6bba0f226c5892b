import type { Command } from 'commander';
import { z } from 'zod';
import {
  addCommonOptions,
  addPickOptions,
  commonOptions,
  inputOptions,
  pickOptions,
  readOptions,
} from '../options.js';
import { runCommand } from './run.js';

/** The options of `demo`, as its manifest's settings hold them too. */
export const demoOptions = commonOptions
  .extend(pickOptions.shape)
  .extend(inputOptions.pick({ l2: true, out: true }).shape)
  .extend({ figures: z.string().min(1, { error: 'a folder' }).optional() });

export type DemoCommandOptions = z.infer<typeof demoOptions>;

export function addDemoCommand(program: Command, signal: AbortSignal): void {
  const command = program
    .command('demo')
    .description(
      'Picks the handwritten digits to label next from a bundled pool, and writes a report with pictures.',
    )
    .option(
      '--out <folder>',
      'folder for picks.csv, its manifest, head.safetensors and report.html',
      'alfamix-demo',
    )
    .option('--budget <n>', 'how many rows to pick', '20')
    .option('--l2 <number>', 'weight decay of the fitted heads (default: by cross-validation)')
    .option('--figures <folder>', 'also write the figures as SVG files that stand alone');
  addPickOptions(command);
  addCommonOptions(command).addHelpText('after', '\nExample:\n  alfamix demo --budget 30 --strategy margin');
  command.action((raw) =>
    runCommand(raw, signal, async (session) => {
      const options = readOptions(demoOptions, raw);
      // Loaded here only: the drawing libraries would double the start-up time of every other command.
      const { runDemo } = await import('../demo/run.js');
      await runDemo(options, session);
    }),
  );
}
