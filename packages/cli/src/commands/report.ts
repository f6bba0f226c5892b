import type { Command } from 'commander';
import { z } from 'zod';
import { commonOptions, inputOptions, readOptions } from '../options.js';
import { runCommand } from './run.js';

const reportOptions = z.object({
  out: inputOptions.shape.out.optional(),
  figures: inputOptions.shape.out.optional(),
  png: z.boolean().default(true),
  seed: commonOptions.shape.seed,
});

export type ReportOptions = z.infer<typeof reportOptions>;

export function addReportCommand(program: Command, signal: AbortSignal): void {
  program
    .command('report')
    .description('Draws a run of simulate, finished or not: one HTML file, and its figures as SVG and PNG.')
    .argument('<run>', 'folder of the run, with run.json')
    .option('--out <file>', 'the report (default: report.html in the run’s folder)')
    .option('--figures <folder>', 'folder for the figures (default: figures beside the report)')
    .option('--no-png', 'figures as SVG only')
    .option('--seed <n>', 'seed of the map of the pool', '0')
    .option('--json', 'print means, penalty matrices and paths as JSON, alone on stdout')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', '\nExample:\n  alfamix report runs/mnist')
    .action((run, raw) =>
      runCommand(raw, signal, async (session) => {
        const options = readOptions(reportOptions, raw);
        // Loaded here only: the drawing libraries would double the start-up time of every other command.
        const { writeReport } = await import('../report/run/write-report.js');
        await writeReport(run, options, session);
      }),
    );
}
