import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';

export interface Options {
  quick: boolean;
  slow: boolean;
  only: string[];
  threads?: number;
  repeats?: number;
  /** Seconds. */
  budget?: number;
  /** True: on stdout. */
  json?: string | true;
  markdown?: string;
  figures?: string;
  peers: boolean;
  python?: string;
  mnist?: string;
}

/** A wrong option, or a call for help: with the exit code. */
export class Usage extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message = '') {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Where the Python environment of the peers is made when none is given. */
export const ownFolder = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'alfamix', 'bench-peers');

/**
 * @param write where help and complaints go
 * @throws Usage
 */
export function readOptions(args: readonly string[], write: (text: string) => void): Options {
  const program = new Command('npm run bench --')
    .description(
      'Times every kernel against its peers on the same data, after comparing their results, and against what the machine can do.',
    )
    .option('--quick', 'little data: under a minute, for CI; wrong results fail, slow ones don’t', false)
    .option('--only <names>', 'cases whose name holds one of these, separated by commas', list, [])
    .option(
      '--threads <n>',
      'threads of every contender (default: the cores this process may use)',
      integer(1, 256),
    )
    .option('--repeats <n>', 'runs after the warm-up (default 9, quick 2)', integer(1, 1000))
    .option(
      '--budget <s>',
      'seconds a contender may take in a case (default 4, quick 0.5); one whose run takes more than half of it is run once',
      seconds,
    )
    .option('--slow', 'also run contenders that take minutes', false)
    .option(
      '--json [file]',
      'write everything as JSON to a file, or alone on stdout (npm run --silent bench)',
    )
    .option('--markdown <file>', 'write the tables for a Markdown page')
    .option('--figures <dir>', 'also measure time against N, D, C, K and threads, and draw it as SVG')
    .option('--peers', 'peers in Python too, on the sizes of the results page (npm run bench:peers)', false)
    .option(
      '--python <path>',
      `with --peers: a Python that has them (default: an environment made in ${ownFolder()})`,
    )
    .option('--mnist <dir>', 'with --peers: the folder of MNIST’s test images (IDX)')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
    .addHelpText(
      'after',
      '\nExit: 0 done; 1 results disagree or a contender died; 2 wrong usage.\n\nExample:\n  npm run bench -- --only flipSearch,kmeans --json bench.json',
    );
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) throw new Usage(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
  const options = program.opts<Options>();
  if (program.args.length > 0) throw new Usage(2, `expected options only, got ${program.args.join(' ')}`);
  if (!options.peers && (options.python ?? options.mnist) !== undefined)
    throw new Usage(2, '--python and --mnist belong to --peers');
  return options;
}

const list = (text: string, before: string[]) => [
  ...before,
  ...text.split(',').filter((name) => name !== ''),
];

const integer = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`expected an integer of ${min} to ${max}.`);
};

const seconds = (text: string) => {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError('expected seconds, above 0 and at most 86400.');
};
