import { Command } from 'commander';
import { addDemoCommand } from './commands/demo.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addFitCommand } from './commands/fit.js';
import { addReportCommand } from './commands/report.js';
import { addScoreCommand } from './commands/score.js';
import { addSelectCommand } from './commands/select.js';
import { addSimulateCommand } from './commands/simulate.js';
import { addVerifyCommand } from './commands/verify.js';
import { VERSION } from './version.js';

/** The command line: every command, with the signal that stops it. Errors are thrown, never printed. */
export function buildProgram(signal: AbortSignal): Command {
  const program = new Command('alfamix')
    .description('Which rows of a pool of embeddings to label next.')
    .version(VERSION)
    .exitOverride()
    // The error is thrown all the same; main prints it, as one line.
    .configureOutput({ writeErr: () => {} })
    .addHelpText(
      'after',
      '\nExample:\n  alfamix select --pool pool.npy --labels labels.csv --budget 100 --out picks.csv',
    );
  addSelectCommand(program, signal);
  addScoreCommand(program, signal);
  addFitCommand(program, signal);
  addVerifyCommand(program, signal);
  addSimulateCommand(program, signal);
  addReportCommand(program, signal);
  addDemoCommand(program, signal);
  addDoctorCommand(program);
  return program;
}
