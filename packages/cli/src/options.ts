import { defaultAlphaCap, expected, type Strategy, strategyNames } from '@alfamix/core';
import type { Command } from 'commander';
import { z } from 'zod';

/** An option given as text: `parse` returns undefined for a text that isn't `what`. */
const parsed = <T>(what: string, parse: (text: string) => T | undefined) =>
  z.string({ error: what }).transform((text, context): T => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: what });
    return z.NEVER;
  });

const decimal = (text: string): number =>
  /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
const integer = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Number.NaN);
const when = (value: number, good: boolean): number | undefined => (good ? value : undefined);

export const count = parsed('a positive integer', (text) =>
  when(integer(text), Number.isSafeInteger(integer(text)) && integer(text) > 0),
);
/** An integer, 0 included. */
export const whole = parsed('an integer of at least 0', (text) =>
  when(integer(text), Number.isSafeInteger(integer(text))),
);
export const spec = parsed('a file', (text) => text || undefined);

const separated = (text: string): string[] => text.split(',').map((part) => part.trim());

/** Names, as far as they are there: whoever takes them says what they may be. */
export const nameList = parsed('names separated by commas', (text) =>
  separated(text).every(Boolean) ? separated(text) : undefined,
);
export const integerList = parsed('integers separated by commas', (text) => {
  const list = separated(text).map(integer);
  return list.every(Number.isSafeInteger) ? list : undefined;
});

const names = parsed('distinct names separated by commas', (text) => {
  const list = text.split(',').map((name) => name.trim());
  return list.every(Boolean) && new Set(list).size === list.length ? list : undefined;
});

export const POOL_HELP =
  'N×D embeddings: .npy, .npz, .safetensors (#name where they hold several), .parquet (#column) or .csv; a folder or a glob of them';

export const flag = z.boolean({ error: 'true or false' }).default(false);

/** What every command takes. */
export const commonOptions = z.object({
  backend: z.enum(['auto', 'cuda', 'cpu', 'js'], { error: 'one of auto, cuda, cpu, js' }),
  threads: parsed('an integer from 1 to 256', (text) =>
    when(integer(text), integer(text) >= 1 && integer(text) <= 256),
  ).optional(),
  seed: parsed('an integer from 0 to 2^53 - 1', (text) =>
    when(integer(text), Number.isSafeInteger(integer(text))),
  ),
  json: flag,
  quiet: flag,
});

/** Pool, labels and head, as `select`, `score` and `fit` take them. */
export const inputOptions = z.object({
  pool: spec.optional(),
  labels: spec.optional(),
  labeled: spec.optional(),
  ids: spec.optional(),
  classes: names.optional(),
  head: spec.optional(),
  exclude: spec.optional(),
  l2: parsed('a positive number', (text) =>
    when(decimal(text), decimal(text) > 0 && decimal(text) < Infinity),
  ).optional(),
  out: spec,
});

/** How rows are picked. */
export const pickOptions = z.object({
  budget: count,
  strategy: parsed('a strategy', (text) => text || undefined),
  alphaCap: parsed('a number above 0', (text) =>
    when(decimal(text), decimal(text) > 0 && decimal(text) < Infinity),
  ).optional(),
  maxCandidates: count.optional(),
});

export type CommonOptions = z.infer<typeof commonOptions>;
export type InputOptions = z.infer<typeof inputOptions>;
export type PickOptions = z.infer<typeof pickOptions>;

/** How a run picked its rows, defaults that depend on the strategy included: enough to pick them again. */
export const pickSettings = <Options extends PickOptions>(
  options: Options,
  strategy: Strategy,
  threads: number,
) => ({
  ...options,
  alphaCap: options.alphaCap ?? defaultAlphaCap(strategy),
  threads,
});

/** The options of a command after defaults, or INVALID_ARGUMENT "expected … for --name, got …". */
export function readOptions<T>(schema: z.ZodType<T>, raw: Record<string, unknown>): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const key = String(issue.path[0]);
  throw expected(issue.message, `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`, raw[key]);
}

/** Commander's own requiredOption would miss `--budget` before it names the mistyped `--budgt`. */
export function addRequiredOption(command: Command, flags: string, description: string): Command {
  const name = command.createOption(flags).attributeName();
  return command.option(flags, description).hook('preAction', () => {
    if (command.getOptionValue(name) !== undefined) return;
    command.error(`error: required option '${flags}' not specified`, {
      code: 'commander.missingMandatoryOptionValue',
    });
  });
}

export function addCommonOptions(command: Command): Command {
  return command
    .option('--backend <name>', 'kernels to use: auto, cuda, cpu or js', 'auto')
    .option('--threads <n>', 'threads (default: the cores this process may use)')
    .option('--seed <n>', 'seed of everything random', '0')
    .option('--json', 'print the summary as JSON, alone on stdout')
    .option('--quiet', 'print nothing but errors');
}

export function addInputOptions(command: Command): Command {
  return command
    .option('--ids <file>', 'one id a pool row: a CSV or .parquet with an id column, or a plain list')
    .option(
      '--labels <file>',
      'CSV or .parquet with columns row,label or id,label; with --labeled the M labels of its rows, .npy, .npz or .safetensors too',
    )
    .option('--labeled <tensor>', 'M×D embeddings of the labelled rows, where they are not in the pool')
    .option('--classes <names>', 'class names in the order of the head, separated by commas')
    .option('--l2 <number>', 'weight decay of the fitted head (default: by cross-validation)');
}

export function addPickOptions(command: Command): Command {
  return command
    .option(
      '--strategy <name>',
      `${strategyNames.join(', ')}; options after colons (the README has all): alfa-mix:alpha=random:diversify=norm, alfa-mix:clustering=hartigan:nInit=3`,
      'alfa-mix',
    )
    .option(
      '--alpha-cap <number>',
      'start and step of the alpha caps, up to the first of at least 1 (default: 0.2; learned or random, 0.03125); for alfa-mix',
    )
    .option(
      '--max-candidates <n>',
      'keep at most this many candidates, those of the lowest flip caps; for alfa-mix',
    );
}
