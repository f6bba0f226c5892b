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

/** Looks for the name meant by `--bugdet=10` without its value: Commander compares the whole. */
class CommandLine extends Command {
  override createCommand(name?: string): Command {
    return new CommandLine(name);
  }

  /** Commander's own, which its types leave out. */
  unknownOption(flag: string): void {
    Reflect.apply(Reflect.get(Command.prototype, 'unknownOption'), this, [flag.split('=', 1)[0]]);
  }
}

/** The command line: every command, with the signal that stops it. Errors are thrown, never printed. */
export function buildProgram(signal: AbortSignal): Command {
  const program = new CommandLine('alfamix')
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
