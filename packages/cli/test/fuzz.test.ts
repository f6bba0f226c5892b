import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { mutated } from '../../core/test/fuzz/mutate.js';
import { FUZZ_SEED, fuzzRuns } from '../../core/test/fuzz/runs.js';
import { exitFor } from '../src/exit.js';
import { buildProgram } from '../src/program.js';
import { scratchWithData } from './support/data.js';

const scratch = await scratchWithData();
afterAll(() => scratch[Symbol.dispose]());
const file = (name: string) => scratch.file(name);

const select = (pool: string, labels: string, ...more: string[]) => [
  'select',
  '--pool',
  file(pool),
  '--labels',
  file(labels),
  '--budget',
  '3',
  '--out',
  file('out.csv'),
  ...more,
];
const score = (...more: string[]) => [
  'score',
  '--pool',
  file('pool.npy'),
  '--out',
  file('out.safetensors'),
  ...more,
];

/** The file to damage, and a command that reads it and is right while the file is whole. */
const surface: [damaged: string, argv: string[]][] = [
  ['pool.npy', select('pool.npy', 'labels.csv', '--head', file('head.safetensors'))],
  ['pool.safetensors', select('pool.safetensors#emb', 'labels.csv', '--head', file('head.safetensors'))],
  ['pool.csv', select('pool.csv', 'labels.csv', '--head', file('head.safetensors'))],
  ['ids.csv', select('pool.npy', 'by-id.csv', '--ids', file('ids.csv'), '--strategy', 'margin')],
  ['by-id.csv', select('pool.npy', 'by-id.csv', '--ids', file('ids.csv'), '--strategy', 'random')],
  ['exclude.csv', select('pool.npy', 'labels.csv', '--exclude', file('exclude.csv'), '--strategy', 'random')],
  ['named-head.safetensors', score('--labels', file('named.csv'), '--head', file('named-head.safetensors'))],
  ['labels.csv', score('--labels', file('labels.csv'), '--head', file('head.safetensors'))],
  [
    'labeled.safetensors',
    score(
      '--labeled',
      file('labeled.safetensors#emb'),
      '--labels',
      file('labeled.safetensors#labels'),
      '--head',
      file('head.safetensors'),
    ),
  ],
  [
    'labeled.npy',
    [
      'fit',
      '--labeled',
      file('labeled.npy'),
      '--labels',
      file('labeled.safetensors#labels'),
      '--out',
      file('fit.safetensors'),
      '--l2',
      '1',
    ],
  ],
];
writeFileSync(file('exclude.csv'), 'row\n30\n31\n"32"\n');

const run = (argv: readonly string[]) =>
  buildProgram(new AbortController().signal).parseAsync([...argv, '--quiet'], { from: 'user' });

test.each(surface)(
  '%s damaged: done, or exit 2 with one sentence and nothing written',
  { timeout: 3_600_000 },
  async (name, argv) => {
    const whole = readFileSync(file(name));
    const out = argv[argv.indexOf('--out') + 1];
    const before = scratch.list();
    await run(argv);
    const written = scratch.list().filter((entry) => !before.includes(entry));
    expect(written).toHaveLength(2);
    await fc.assert(
      fc.asyncProperty(mutated([whole]), async (bytes) => {
        for (const entry of written) writeFileSync(file(entry), 'old');
        writeFileSync(file(name), bytes);
        let failure: unknown;
        try {
          await run(argv);
        } catch (error) {
          failure = error;
        }
        expect(scratch.list()).toEqual([...before, ...written].sort());
        if (failure === undefined) {
          expect(readFileSync(out, 'latin1')).not.toBe('old');
          return;
        }
        const { code, message } = exitFor(failure);
        expect(code, String((failure as Error).stack)).toBe(2);
        expect(message).toMatch(/^[^\p{Cc}]{10,1100}$/u);
        for (const entry of written) expect(scratch.read(entry)).toBe('old');
      }),
      { seed: FUZZ_SEED, numRuns: fuzzRuns(40) },
    );
    writeFileSync(file(name), whole);
    for (const entry of written) rmSync(file(entry));
  },
);
