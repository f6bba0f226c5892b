import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadNative, writeSafetensors } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alfamix, type Scratch } from './support/cli.js';
import { blobs, CLASSES, DIM, f32, HEAD_WEIGHT, i64, npy, ROWS, scratchWithData } from './support/data.js';

const native = loadNative();
let scratch: Scratch;
let before: string[];

/** A safetensors file with any header, whatever it claims. */
function rawSafetensors(header: unknown, body = Buffer.alloc(0), length?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([size, text, body]);
}

const bad = (value: number, row: number) => {
  const data = blobs();
  data[row * DIM + 2] = value;
  return data;
};

beforeAll(async () => {
  scratch = await scratchWithData();
  const put = (name: string, content: string | Buffer) => writeFileSync(scratch.file(name), content);
  const good = npy([ROWS, DIM], blobs());
  put('empty.npy', '');
  put('text.parquet', 'PAR1 not really PAR1');
  put('text.npz', 'PK not really');
  put('truncated.npy', good.subarray(0, good.length - 10));
  put('stub.npy', good.subarray(0, 9));
  put('magic.npy', 'not a numpy file at all');
  put('lies.npy', npy([ROWS * 1000, DIM], blobs()));
  put('whole.npy', npy([4, 3], new Int32Array(12), '<i4'));
  put('rank.npy', npy([ROWS * DIM], blobs()));
  put('none.npy', npy([0, DIM], new Float32Array(0)));
  put('nan.npy', npy([ROWS, DIM], bad(Number.NaN, 50)));
  put('inf.npy', npy([ROWS, DIM], bad(Number.POSITIVE_INFINITY, 51)));
  put('nan-labelled.npy', npy([ROWS, DIM], bad(Number.NaN, 3)));
  put('narrow.npy', npy([24, 4], blobs(24, 4)));
  put('empty.safetensors', '');
  put('huge-header.safetensors', rawSafetensors('{}', undefined, 1n << 60n));
  put('not-json.safetensors', rawSafetensors('{"emb": '));
  const entry = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 1600] };
  put('offsets.safetensors', rawSafetensors({ emb: entry }, Buffer.alloc(16)));
  const whole = { dtype: 'I16', shape: [2, 2], data_offsets: [0, 8] };
  put('whole.safetensors', rawSafetensors({ emb: whole }, Buffer.alloc(8)));
  put('ragged.csv', 'a,b\n1,2\n3\n');
  put('word.csv', 'a,b\n1,2\n3,four\n');
  put('nan.csv', 'a,b\n1,2\n3,nan\n');
  put('empty.csv', '');
  put('header-only.csv', 'row,label\n');
  put('no-header.csv', '0,1\n1,2\n');
  put('outside.csv', 'row,label\n0,0\n1,1\n90,2\n');
  put('negative.csv', 'row,label\n0,0\n-1,1\n');
  put('word-row.csv', 'row,label\n0,0\none,1\n');
  put('twice.csv', 'row,label\n0,cat\n1,dog\n0,dog\n');
  put('blank.csv', 'row,label\n0,cat\n1,\n');
  put('one-class.csv', 'row,label\n0,cat\n3,cat\n');
  put('cow.csv', 'row,label\n0,cat\n1,cow\n');
  put('class-9.csv', 'row,label\n0,0\n1,9\n');
  put('unknown-id.csv', 'id,label\nimg 0,cat\nimg 999,dog\n');
  put('dup-ids.txt', Array.from({ length: ROWS }, (_, i) => `img ${i === 8 ? 7 : i}\n`).join(''));
  put('few-ids.txt', 'img 0\nimg 1\n');
  put('skip-outside.txt', '3\n90\n');
  put('skip-unknown.txt', 'img 3\nimg 90\n');
  put('skip-all.txt', Array.from({ length: ROWS }, (_, i) => `${i}\n`).join(''));
  put('float-labels.npy', npy([24], new Float32Array(24)));
  put('short-labels.npy', npy([5], new Int32Array(5), '<i4'));
  const weight = f32([CLASSES, DIM], HEAD_WEIGHT);
  await writeSafetensors(scratch.file('no-weight.safetensors'), { bias: f32([3], new Float32Array(3)) });
  await writeSafetensors(scratch.file('bias.safetensors'), { weight, bias: f32([2], new Float32Array(2)) });
  await writeSafetensors(scratch.file('two-heads.safetensors'), { 'a.weight': weight, 'b.weight': weight });
  await writeSafetensors(scratch.file('narrow-head.safetensors'), { weight: f32([3, 4], blobs(3, 4)) });
  await writeSafetensors(scratch.file('nan-head.safetensors'), {
    weight: f32(
      [CLASSES, DIM],
      HEAD_WEIGHT.map((w, i) => (i === 7 ? Number.NaN : w)),
    ),
  });
  await writeSafetensors(scratch.file('two-names.safetensors'), { weight }, { classes: '["cat","dog"]' });
  await writeSafetensors(scratch.file('big-labels.safetensors'), { labels: i64([...Array(23).fill(0), 1]) });
  mkdirSync(scratch.file('folder'));
  mkdirSync(scratch.file('folder.csv'));
  mkdirSync(scratch.file('figures/picks.svg'), { recursive: true });
  put('out.csv', 'the old file\n');
  before = scratch.list();
});
afterAll(() => scratch[Symbol.dispose]());

const OUT = ['--out', 'out.csv'];
const pool = (spec: string) => ['select', '--pool', spec, '--labels', 'labels.csv', '--budget', '5', ...OUT];
const labels = (...args: string[]) => [
  'select',
  '--pool',
  'pool.npy',
  '--budget',
  '5',
  ...OUT,
  '--labels',
  ...args,
];
const head = (spec: string) => labels('labels.csv', '--head', spec);
const budget = (text: string, ...args: string[]) => [
  'select',
  '--pool',
  'pool.npy',
  '--labels',
  'labels.csv',
  ...OUT,
  '--budget',
  text,
  ...args,
];

const CASES: [string, string[], RegExp][] = [
  ['missing pool', pool('nowhere.npy'), /nowhere\.npy: there is no such file/],
  ['pool is an empty folder', pool('folder'), /expected \.npy.* files in the folder folder, got none/],
  ['glob of nothing', pool('shard-*.npy'), /expected files that match shard-\*\.npy, got none/],
  ['pool of unknown kind', pool('pool.feather'), /expected a \.npy.*got a \.feather file/],
  ['not a parquet file', pool('text.parquet'), /text\.parquet is not a sound \.parquet file/],
  ['not an npz file', pool('text.npz'), /text\.npz is not a \.npz file/],
  ['empty npy', pool('empty.npy'), /empty\.npy is empty \(0 bytes\)/],
  ['truncated npy', pool('truncated.npy'), /truncated\.npy is truncated: expected 2160 bytes.*got 2150/],
  ['npy cut in its header', pool('stub.npy'), /stub\.npy is truncated/],
  ['wrong magic', pool('magic.npy'), /magic\.npy is not a \.npy file: expected it to begin with/],
  ['header that lies about its size', pool('lies.npy'), /lies\.npy is truncated: expected 2160000 bytes/],
  [
    'int32 npy',
    pool('whole.npy'),
    /expected a float type for whole\.npy, got int32; convert it: array\.astype\('float32'\) in NumPy/,
  ],
  ['rank 1 npy', pool('rank.npy'), /expected 2 dimensions for rank\.npy, got shape \(540,\)/],
  ['empty pool', pool('none.npy'), /empty pool: expected at least 1 row in none\.npy/],
  ['NaN in the pool', pool('nan.npy'), /row 50 of the pool \(nan\.npy\), got NaN/],
  ['infinity in the pool', pool('inf.npy'), /row 51 of the pool \(inf\.npy\)/],
  ['NaN in a labelled row', pool('nan-labelled.npy'), /row 3 of the pool \(?nan-labelled\.npy/],
  ['empty safetensors', pool('empty.safetensors'), /empty\.safetensors is empty/],
  ['safetensors header length', pool('huge-header.safetensors'), /huge-header\.safetensors/],
  ['safetensors header text', pool('not-json.safetensors'), /not-json\.safetensors.*JSON/],
  ['safetensors offsets', pool('offsets.safetensors'), /offsets\.safetensors/],
  [
    'int16 safetensors',
    pool('whole.safetensors#emb'),
    /expected a float type for whole\.safetensors#emb, got int16/,
  ],
  ['unknown tensor', pool('pool.safetensors#embed'), /name of a tensor in pool\.safetensors.*got "embed"/],
  ['several tensors, none named', pool('pool.safetensors'), /expected one 2-D float tensor.*name one, as in/],
  ['ragged CSV', pool('ragged.csv'), /ragged\.csv, line 3: expected 2 fields.*got 1/],
  ['word in a CSV', pool('word.csv'), /word\.csv, line 3.*"four"/],
  ['NaN in a CSV', pool('nan.csv'), /nan\.csv, line 3.*nan/i],
  [
    'duplicate ids',
    [...pool('pool.npy'), '--ids', 'dup-ids.txt'],
    /expected different ids in dup-ids\.txt, got "img 7" at line 8 and line 9/,
  ],
  ['too few ids', [...pool('pool.npy'), '--ids', 'few-ids.txt'], /expected 90 ids in few-ids\.txt.*got 2/],
  ['missing labels file', labels('nowhere.csv'), /nowhere\.csv: there is no such file/],
  ['empty labels file', labels('empty.csv'), /empty\.csv is empty/],
  ['no labels', labels('header-only.csv'), /expected at least one labelled row in header-only\.csv/],
  [
    'labels without a header',
    labels('no-header.csv'),
    /no-header\.csv, line 1: expected a header with row,label or id,label, got "0,1"/,
  ],
  [
    'row outside the pool',
    labels('outside.csv'),
    /outside\.csv, line 4: expected a row of the pool, 0 to 89, got "90"/,
  ],
  ['negative row', labels('negative.csv'), /negative\.csv, line 3: expected a row of the pool/],
  [
    'row that is no number',
    labels('word-row.csv'),
    /word-row\.csv, line 3: expected a row of the pool.*"one"/,
  ],
  [
    'row labelled twice differently',
    labels('twice.csv'),
    /twice\.csv, line 4: expected one label for row 0, got "dog" after "cat" on line 2/,
  ],
  ['missing label', labels('blank.csv'), /blank\.csv, line 3: expected a label, got nothing/],
  [
    'one class only',
    labels('one-class.csv'),
    /labels of at least two classes to fit a head, got 2 of class "cat" only/,
  ],
  [
    'label outside --classes',
    labels('cow.csv', '--classes', 'cat,dog'),
    /one of the 2 classes \(cat, dog\) for the label at cow\.csv, line 3, got "cow"/,
  ],
  [
    "label outside the head's classes",
    labels('class-9.csv', '--head', 'head.safetensors'),
    /one of the 3 classes.*class-9\.csv, line 3, got "9"/,
  ],
  [
    'ids without --ids',
    labels('by-id.csv'),
    /by-id\.csv, line 2: expected rows, because the pool has no ids/,
  ],
  [
    'unknown id',
    labels('unknown-id.csv', '--ids', 'ids.csv'),
    /unknown-id\.csv, line 3: expected an id of the pool, got "img 999"/,
  ],
  [
    'float labels',
    labels('float-labels.npy', '--labeled', 'labeled.npy'),
    /expected an integer type for float-labels\.npy, got float32/,
  ],
  [
    'fewer labels than rows',
    labels('short-labels.npy', '--labeled', 'labeled.npy'),
    /expected 24 labels, one a row of --labeled, in short-labels\.npy, got 5/,
  ],
  [
    'rows beside --labeled',
    labels('labels.csv', '--labeled', 'labeled.npy'),
    /labels\.csv, line 1: expected labels in the order of --labeled's rows, got the column row/,
  ],
  [
    'ids beside --labeled',
    labels('by-id.csv', '--labeled', 'labeled.npy'),
    /by-id\.csv, line 1: expected labels in the order of --labeled's rows, got the column id/,
  ],
  [
    'tensor labels without --labeled',
    labels('labeled.safetensors#labels'),
    /expected a CSV or \.parquet with columns row,label.* which says no rows: write each .*, or give .* with --labeled/,
  ],
  [
    '--labeled of another width',
    labels('labeled.safetensors#labels', '--labeled', 'narrow.npy'),
    /expected dimension 6, that of the pool \(pool\.npy\), for the labelled embeddings, got 4/,
  ],
  [
    '--labeled without --labels',
    ['select', '--pool', 'pool.npy', '--labeled', 'labeled.npy', '--budget', '5', ...OUT],
    /expected --labels/,
  ],
  [
    'no labels for alfa-mix',
    ['select', '--pool', 'pool.npy', '--budget', '5', ...OUT],
    /expected --labels .* for strategy alfa-mix/,
  ],
  ['missing head', head('nowhere.safetensors'), /nowhere\.safetensors: there is no such file/],
  ['head without weight', head('no-weight.safetensors'), /no-weight\.safetensors/],
  ['head with a bias of another length', head('bias.safetensors'), /expected.*3.*bias.*got.*2/],
  ['two heads in a file', head('two-heads.safetensors'), /two-heads\.safetensors.*a.*b/],
  [
    'head of another width',
    head('narrow-head.safetensors'),
    /expected dimension 6, that of the pool \(pool\.npy\), for the head, got 4/,
  ],
  ['NaN in the head', head('nan-head.safetensors'), /finite.*weight|weight.*finite/],
  [
    'fewer names than head rows',
    head('two-names.safetensors'),
    /two-names\.safetensors.*got.*2|expected 3.*names?/,
  ],
  [
    'row outside the pool in --exclude',
    [...pool('pool.npy'), '--exclude', 'skip-outside.txt'],
    /skip-outside\.txt, line 2: expected a row of the pool/,
  ],
  [
    'unknown id in --exclude',
    [...pool('pool.npy'), '--ids', 'ids.csv', '--exclude', 'skip-unknown.txt'],
    /skip-unknown\.txt, line 2: expected an id of the pool, got "img 90"/,
  ],
  [
    'everything excluded',
    [...pool('pool.npy'), '--exclude', 'skip-all.txt'],
    /at least one row of the pool \(pool\.npy\) that may be picked/,
  ],
  ['budget 0', budget('0'), /expected a positive integer for --budget, got "0"/],
  ['budget below 0', budget('-3'), /expected a positive integer for --budget, got "-3"/],
  ['budget that is no integer', budget('2.5'), /expected a positive integer for --budget, got "2\.5"/],
  ['budget that is no number', budget('many'), /expected a positive integer for --budget, got "many"/],
  [
    'budget beyond the pool',
    budget('67'),
    /expected at most 66, the pool's 90 rows less 24 labelled or excluded, for budget, got 67/,
  ],
  ['alpha cap 0', budget('5', '--alpha-cap', '0'), /expected a number above 0 for --alpha-cap, got "0"/],
  [
    'alpha cap infinite',
    budget('5', '--alpha-cap', 'inf'),
    /expected a number above 0 for --alpha-cap, got "inf"/,
  ],
  ['fewer candidates than picks', budget('5', '--max-candidates', '3'), /at least the budget|5/],
  [
    'unknown strategy',
    budget('5', '--strategy', 'best'),
    /expected one of alfa-mix, random, .* for strategy, got "best"/,
  ],
  [
    'unknown backend',
    budget('5', '--backend', 'tpu'),
    /expected one of auto, cuda, cpu, js for --backend, got "tpu"/,
  ],
  ['threads 0', budget('5', '--threads', '0'), /expected an integer from 1 to 256 for --threads, got "0"/],
  [
    'seed below 0',
    budget('5', '--seed', '-1'),
    /expected an integer from 0 to 2\^53 - 1 for --seed, got "-1"/,
  ],
  ['l2 below 0', budget('5', '--l2', '-1'), /expected a positive number for --l2, got "-1"/],
  [
    'class named twice',
    budget('5', '--classes', 'a,b,a'),
    /expected distinct names separated by commas for --classes, got "a,b,a"/,
  ],
  ['unknown option', budget('5', '--bugdet', '5'), /unknown option '--bugdet'.*Did you mean --budget/],
  [
    'unknown option with =',
    budget('5', '--bugdet=5'),
    /unknown option '--bugdet' \(Did you mean --budget\?\)/,
  ],
  ['missing option value', budget('5', '--ids'), /option '--ids <file>' argument missing/],
  [
    'missing required option',
    ['select', '--pool', 'pool.npy', ...OUT],
    /required option '--budget <n>' not specified/,
  ],
  [
    'mistyped required option',
    ['select', '--pool', 'pool.npy', '--budgt', '5', ...OUT],
    /unknown option '--budgt'.*Did you mean --budget/,
  ],
  [
    'a glob that the shell took apart',
    [...budget('5'), 'shards/b.npy', 'shards/c.npy'],
    /too many arguments.* got 2\..* A glob needs quotes: --pool 'shards\/\*\.npy'/,
  ],
  ['unknown command', ['selekt'], /unknown command 'selekt'/],
  ['no command', [], /expected a command: select, score, fit, verify, simulate, report, demo or doctor/],
  [
    'output in a missing folder',
    ['select', '--pool', 'pool.npy', '--labels', 'labels.csv', '--budget', '5', '--out', 'no/picks.csv'],
    /can't write no\/picks\.csv: the folder .* doesn't exist/,
  ],
  [
    'output is a folder',
    ['score', '--pool', 'pool.npy', '--labels', 'labels.csv', '--out', 'folder'],
    /expected a \.csv, \.parquet or \.safetensors file for --out, got "folder"/,
  ],
  [
    'select into a folder',
    ['select', '--pool', 'pool.npy', '--labels', 'labels.csv', '--budget', '5', '--out', 'folder.csv'],
    /can't write folder\.csv: it is a directory/,
  ],
  [
    'select to an unknown kind',
    ['select', '--pool', 'pool.npy', '--labels', 'labels.csv', '--budget', '5', '--out', 'picks.txt'],
    /expected a \.csv or \.parquet file for --out, got "picks\.txt"/,
  ],
  [
    'pool with a name too long',
    pool(`${'p'.repeat(5000)}.npy`),
    /can't read p+ … p+\.npy: its name is too long/,
  ],
  [
    'a figure that is a folder',
    ['demo', '--out', 'folder', '--figures', 'figures'],
    /can't write .*figures\/picks\.svg: it is a directory/,
  ],
  [
    'score to an unknown kind',
    ['score', '--pool', 'pool.npy', '--labels', 'labels.csv', '--out', 'scores.json'],
    /expected a \.csv, \.parquet or \.safetensors file for --out/,
  ],
  [
    'score without labels',
    ['score', '--pool', 'pool.npy', '--head', 'head.safetensors', '--out', 'scores.csv'],
    /expected --labels/,
  ],
  [
    'fit to an unknown kind',
    ['fit', '--pool', 'pool.npy', '--labels', 'labels.csv', '--out', 'head.csv'],
    /expected a \.safetensors file for --out/,
  ],
  ['fit without labels', ['fit', '--pool', 'pool.npy', '--out', 'fitted.safetensors'], /expected --labels/],
  ['fit without a pool', ['fit', '--labels', 'labels.csv', '--out', 'fitted.safetensors'], /expected --pool/],
  [
    'fit on one class',
    ['fit', '--pool', 'pool.npy', '--labels', 'one-class.csv', '--out', 'fitted.safetensors'],
    /at least two classes/,
  ],
  ['demo below a file', ['demo', '--out', 'labels.csv/demo'], /can't make the folder/],
  [
    'demo with an unknown strategy',
    ['demo', '--strategy', 'best', '--out', 'demo'],
    /expected one of alfa-mix/,
  ],
];

describe('bad input: one sentence, exit 2, nothing written', () => {
  it.each(CASES)('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await alfamix(args, { cwd: scratch.path });
    expect(stderr).toMatch(/^alfamix: .+\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(scratch.list()).toEqual(before);
    expect(scratch.read('out.csv')).toBe('the old file\n');
  });
});

describe('an output that is an input', () => {
  it.each([
    ['./pool.csv', /^alfamix: expected another file for --out than --pool reads, got \.\/pool\.csv\n$/],
    ['labels.csv', /than --labels reads, got labels\.csv/],
    ['./pool.npy', /^alfamix: expected a \.csv or \.parquet file for --out, got "\.\/pool\.npy"\n$/],
  ])('select --out %s', async (out, message) => {
    const inputs = ['pool.csv', 'pool.npy', 'labels.csv'];
    const contents = inputs.map((name) => readFileSync(scratch.file(name)));
    const args = ['select', '--pool', 'pool.csv', '--labels', 'labels.csv', '--budget', '5', '--out', out];
    const { code, stderr } = await alfamix(args, { cwd: scratch.path });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(scratch.list()).toEqual(before);
    expect(inputs.map((name) => readFileSync(scratch.file(name)))).toEqual(contents);
  });
});

describe('other failures: one sentence, exit 1', () => {
  it.each(['select --budget 5 --out out.csv', 'score --out scores.csv', 'fit --out fitted.safetensors'])(
    '%s --backend cuda without CUDA',
    async (words) => {
      const args = [...words.split(' '), '--pool', 'pool.npy', '--labels', 'labels.csv', '--backend', 'cuda'];
      const { code, stderr } = await alfamix(args, { cwd: scratch.path });
      expect(stderr).toMatch(/^alfamix: .*cuda.*\n$/i);
      expect(code).toBe(1);
      expect(scratch.list()).toEqual(before);
    },
  );

  it('--backend cpu where the addon cannot be loaded; auto goes on and says why', async () => {
    const env = { ALFAMIX_BACKEND: '', ALFAMIX_NATIVE_PATH: scratch.file('nowhere.node') };
    const cpu = await alfamix(budget('5', '--backend', 'cpu'), { cwd: scratch.path, env });
    expect(cpu.stderr).toMatch(/^alfamix: the native addon can't be used.*\n$/);
    expect(cpu.code).toBe(1);
    const auto = await alfamix(
      ['select', '--pool', 'pool.npy', '--labels', 'labels.csv', '--budget', '5', '--out', 'folder/auto.csv'],
      { cwd: scratch.path, env },
    );
    expect(auto).toMatchObject({ code: 0, stderr: '' });
    expect(auto.stdout).toMatch(/backend +js: the native addon can't be used/);
  });

  it.runIf(native.binding)('an ALFAMIX_BLAS that is none: goes on, says so once and keeps it', async () => {
    const words = ['--pool', 'pool.npy', '--labels', 'labels.csv', '--out', 'folder/blas.csv'];
    for (const [blas, why] of [
      [scratch.file('nowhere.so'), /nowhere\.so: /],
      [scratch.file('labels.csv'), /labels\.csv: /],
      [native.binding ? native.path : '', /alfamix\.node has no cblas_sgemm/],
    ] as const) {
      const env = { ALFAMIX_BACKEND: '', ALFAMIX_BLAS: blas };
      const run = (...more: string[]) =>
        alfamix(['select', '--budget', '5', ...words, ...more], { cwd: scratch.path, env });
      const { code, stderr } = await run();
      expect(code).toBe(0);
      expect(stderr).toMatch(/^alfamix: the BLAS that ALFAMIX_BLAS names is not used: [^\n]+\n$/);
      expect(stderr).toMatch(why);
      expect(scratch.json('folder/blas.csv.manifest.json').backend.blasReason).toMatch(why);
      expect(await run('--quiet')).toMatchObject({ code: 0, stderr: '' });
    }
    const off = await alfamix(['score', ...words], { cwd: scratch.path, env: { ALFAMIX_BLAS: 'off' } });
    expect(off).toMatchObject({ code: 0, stderr: '' });
    const { backend } = scratch.json('folder/blas.csv.manifest.json');
    expect(backend).not.toHaveProperty('blasReason');
    expect(backend).not.toHaveProperty('blas');
  });

  it('shows the stack with ALFAMIX_DEBUG=1 only', async () => {
    const { stderr } = await alfamix(budget('67'), { cwd: scratch.path, env: { ALFAMIX_DEBUG: '1' } });
    expect(stderr).toMatch(/^alfamix: expected at most 66/);
    expect(stderr).toMatch(/\n\s+at /);
  });
});
