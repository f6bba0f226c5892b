import { AlfamixError, discardUnfinishedFiles, ioError } from '@alfamix/core';
import { exitFor } from './exit.js';
import { Interrupt } from './interrupt.js';
import { buildProgram } from './program.js';

/**
 * Runs the command line and sets `process.exitCode`: 0 done, 2 bad input or usage, 1 any other failure, 130 and 143
 * after Ctrl-C and SIGTERM. A failure is one line on stderr; `ALFAMIX_DEBUG=1` adds the stack.
 *
 * @param argv the arguments, without node and the script
 */
export async function main(argv: readonly string[]): Promise<void> {
  surviveClosedPipes();
  process.once('exit', discardUnfinishedFiles);
  process.on('uncaughtException', failUncaught);
  const interrupt = new Interrupt();
  try {
    await buildProgram(interrupt.signal).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (interrupt.exitCode !== undefined) {
      process.exitCode = interrupt.exitCode;
      process.stderr.write(`alfamix: ${interruption(error)}\n`);
    } else {
      const { code, message } = exitFor(error);
      process.exitCode ||= code;
      if (message !== undefined) process.stderr.write(`alfamix: ${message}\n`);
    }
    if (process.env.ALFAMIX_DEBUG && process.exitCode) console.error(error);
  } finally {
    interrupt.dispose();
  }
}

/** What a module of the user's throws behind our back. */
function failUncaught(error: unknown): void {
  const { message } = exitFor(error);
  process.stderr.write(`alfamix: ${message ?? String(error)}\n`);
  if (process.env.ALFAMIX_DEBUG) console.error(error);
  process.exit(1);
}

/** A command that keeps what it has done says so itself. */
function interruption(error: unknown): string {
  const own = error instanceof AlfamixError && error.message.startsWith('interrupted');
  return own ? error.message : 'interrupted, nothing was written';
}

/**
 * `alfamix … | head -1` closes our stdout early; the files are written all the same. Any other failure, such as a full disk,
 * is one line and exit 1.
 */
function surviveClosedPipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || process.exitCode) return;
    process.exitCode = 1;
    process.stderr.write(`alfamix: ${ioError(error, 'write', 'the output').message}\n`);
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode ||= 1;
  });
}
