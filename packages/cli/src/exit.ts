import { AlfamixError, type ErrorCode, printable } from '@alfamix/core';
import { CommanderError } from 'commander';

const BAD_INPUT: ReadonlySet<ErrorCode> = new Set([
  'INVALID_ARGUMENT',
  'SHAPE_MISMATCH',
  'NON_FINITE',
  'FORMAT',
  'IO',
]);

const NO_COMMAND =
  'expected a command: select, score, fit, verify, simulate, report, demo or doctor; see alfamix --help';

/** Exit status and the one line for stderr (none when help or the version was asked for). */
export interface Exit {
  readonly code: number;
  readonly message: string | undefined;
}

/** What an error means to the shell: 2 for bad input and usage, 1 for the rest. */
export function exitFor(error: unknown): Exit {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { code: 0, message: undefined };
    return { code: 2, message: oneLine(usageMessage(error)) };
  }
  const message = oneLine(error instanceof Error ? error.message : String(error));
  return { code: error instanceof AlfamixError && BAD_INPUT.has(error.code) ? 2 : 1, message };
}

function usageMessage({ code, message }: CommanderError): string {
  if (code === 'commander.help') return NO_COMMAND;
  const text = message.replace(/^error: /, '');
  // The shell has made many arguments of a glob.
  return code === 'commander.excessArguments' ? `${text} A glob needs quotes: --pool 'shards/*.npy'` : text;
}

const oneLine = (text: string): string => printable(text.trim().replace(/\s*\n\s*/g, ' '));
