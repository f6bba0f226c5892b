import { extname } from 'node:path';
import { type Explanation, expected, explain, OutputSet } from '@alfamix/core';
import type { Command } from 'commander';
import type { z } from 'zod';
import {
  addCommonOptions,
  addInputOptions,
  addPickOptions,
  addRequiredOption,
  commonOptions,
  flag,
  inputOptions,
  POOL_HELP,
  pickOptions,
  pickSettings,
  readOptions,
} from '../options.js';
import { writeCsv } from '../output/csv.js';
import { explainPath, explanationLine, writeExplanations } from '../output/explain-file.js';
import { assertApart, assertOutput, describeInputs, manifestPath, publishRun } from '../output/manifest.js';
import { writePicksParquet } from '../output/parquet.js';
import { retireExplanations } from '../output/retire-explanations.js';
import type { Session } from '../session.js';
import { describePicks, PICK_COLUMNS, pickFacts, pickLines } from './pick-facts.js';
import { pickRows } from './pick-rows.js';
import { runCommand } from './run.js';

export const selectOptions = commonOptions.extend(inputOptions.shape).extend(pickOptions.shape).extend({
  explain: flag,
});
type Options = z.infer<typeof selectOptions>;

export function addSelectCommand(program: Command, signal: AbortSignal): void {
  const command = program
    .command('select')
    .description('Picks the rows of a pool to label next and writes them, in that order, as CSV.');
  addRequiredOption(command, '--pool <tensor>', POOL_HELP);
  addRequiredOption(command, '--out <file>', 'CSV (or .parquet) to write; a manifest is put beside it');
  addRequiredOption(command, '--budget <n>', 'how many rows to pick');
  addInputOptions(command)
    .option(
      '--head <file>',
      'linear head, .safetensors with weight and bias (default: one is fitted on the labels)',
    )
    .option(
      '--exclude <file>',
      'rows that may not be picked: a CSV or .parquet with a row or id column, or a plain list',
    );
  addPickOptions(command).option(
    '--explain',
    'say why each row was picked, in OUT.explain.jsonl: its flip, the nearest labelled rows, its cluster',
  );
  addCommonOptions(command).addHelpText(
    'after',
    '\nExample:\n  alfamix select --pool pool.npy --labels labels.csv --budget 100 --out picks.csv',
  );
  command.action((raw) =>
    runCommand(raw, signal, (session) => runSelect(readOptions(selectOptions, raw), session)),
  );
}

async function runSelect(options: Options, session: Session): Promise<void> {
  const { budget, strategy, backend, threads, out } = options;
  const { signal } = session;
  if (!['.csv', '.parquet'].includes(extensionOf(out)))
    throw expected('a .csv or .parquet file', '--out', out);
  assertOutput(out, options, options.explain ? [explainPath(out)] : []);
  const { inputs, head, strategy: resolved, result } = await pickRows(options, session);
  assertApart([out, manifestPath(out), ...(options.explain ? [explainPath(out)] : [])], inputs.files);
  const pool = inputs.pool!;
  const { classNames, labeled } = inputs;
  const explanations =
    options.explain && head && labeled
      ? await session.timed('explain', () =>
          explain({
            pool,
            labeled,
            head,
            picks: result.picks,
            clusters: result.clusters,
            backend,
            threads,
            signal,
            onProgress: session.progress,
          }),
        )
      : undefined;
  const records = await session.timed('hash inputs', () => describeInputs(inputs.files, session));
  using outputs = new OutputSet();
  const writing = { signal, outputs };
  const lines = pickLines(result.picks, pool, classNames);
  await session.timed('write', async () => {
    if (extensionOf(out) === '.parquet')
      await writePicksParquet(out, result.picks, pool, classNames, writing);
    else await writeCsv(out, PICK_COLUMNS, lines, writing);
    if (explanations) await writeExplanations(explainPath(out), explanations, { pool, classNames }, writing);
  });
  const retired = explanations ? undefined : await retireExplanations(out, outputs, signal);

  const found = pickFacts(result, inputs, head?.fitted);
  const facts = retired === undefined ? found : { ...found, notes: [...found.notes, retired] };
  const settings = pickSettings(options, resolved, result.backend.threads);
  const explained = explanations && explainPath(out);
  const run = {
    command: 'select',
    settings,
    inputs: records,
    outputs: [out, ...(explained ? [explained] : [])],
    backend: result.backend,
    result: facts,
  };
  const manifest = await publishRun(run, outputs, session);
  const files = [out, ...(explained ? [explained] : []), manifest];
  session.print(
    {
      command: 'select',
      out,
      manifest,
      ...(explained && { explained }),
      strategy,
      budget,
      ...facts,
      backend: result.backend,
      timings: session.timings,
    },
    [
      ...(explanations ? [describeExplanations(explanations, classNames)] : []),
      describePicks(facts, { strategy, backend: result.backend, timings: session.timings }),
      files.join('\n'),
    ].join('\n\n'),
  );
}

const extensionOf = (path: string): string => extname(path).toLowerCase();

/** The first picks' explanations as text; all are in the file. */
const SHOWN = 10;

function describeExplanations(
  explanations: readonly Explanation[],
  names: readonly string[] | undefined,
): string {
  const lines = explanations
    .slice(0, SHOWN)
    .map((explanation, i) => `${i + 1}. ${explanationLine(explanation, names)}`);
  const rest = explanations.length - lines.length;
  return [...lines, ...(rest > 0 ? [`… and ${rest} more, in the file`] : [])].join('\n');
}
