import type { Command } from 'commander';
import { type Check, runChecks } from '../doctor/checks.js';
import { commonOptions, readOptions } from '../options.js';
import { VERSION } from '../version.js';

const MARKS = { ok: ['✓', 32], none: ['–', 2], warning: ['!', 33], bad: ['✗', 31] } as const;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'Says what alfamix runs on here, tests it, and how to mend what is wrong. Exit 0, or 1 with a red line.',
    )
    .option('--json', 'print the checks as JSON, alone on stdout')
    .addHelpText('after', '\nExample:\n  alfamix doctor')
    .action(async (raw) => {
      const { json } = readOptions(commonOptions.pick({ json: true }), raw);
      const checks = await runChecks();
      const ok = checks.every(({ status }) => status !== 'bad');
      const cuda = checks.find(({ name }) => name === 'cuda')?.details;
      const summary = { command: 'doctor', version: VERSION, ok, checks, cuda };
      process.stdout.write(json ? `${JSON.stringify(summary, undefined, 2)}\n` : describe(checks));
      if (!ok) process.exitCode = 1;
    });
}

function describe(checks: readonly Check[]): string {
  const colour = process.stdout.isTTY && !process.env.NO_COLOR;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const paint = (text: string, code: number) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const lines = checks.flatMap(({ name, status, value, fix }) => {
    const [mark, code] = MARKS[status];
    const line = `${paint(mark, code)} ${name.padEnd(width)}  ${value}`;
    return fix && status !== 'ok' && status !== 'none'
      ? [line, `  ${''.padEnd(width)}  mend: ${fix}`]
      : [line];
  });
  return `alfamix ${VERSION}\n${lines.join('\n')}\n`;
}
