import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alfamix, BIN, type Scratch } from './support/cli.js';
import { blobs, labelsCsv, npy, scratchWithData } from './support/data.js';

/** Takes the TypeScript kernels several seconds, because their cost grows with the classes. */
const BIG_ROWS = 120_000;
const BIG_DIM = 96;
const BIG_CLASSES = 60;

let scratch: Scratch;
let before: string[];
beforeAll(async () => {
  scratch = await scratchWithData();
  writeFileSync(scratch.file('big.npy'), npy([BIG_ROWS, BIG_DIM], blobs(BIG_ROWS, BIG_DIM)));
  writeFileSync(
    scratch.file('big-labels.csv'),
    labelsCsv(
      600,
      Array.from({ length: BIG_CLASSES }, (_, i) => String(i)),
    ),
  );
  writeFileSync(scratch.file('scores.csv'), 'the old file\n');
  before = scratch.list();
});
afterAll(() => scratch[Symbol.dispose]());

const SCORE = [
  'score',
  '--pool',
  'big.npy',
  '--labels',
  'big-labels.csv',
  '--l2',
  '1',
  '--out',
  'scores.csv',
];
const untouched = () => {
  expect(scratch.list()).toEqual(before);
  expect(scratch.read('scores.csv')).toBe('the old file\n');
};

/** Calls back once a temporary file stands in the folder: the output is being written. */
async function whenWriting(folder: string): Promise<void> {
  while (!readdirSync(folder).some((name) => name.endsWith('.tmp'))) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe('Ctrl-C and SIGTERM', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while the pool is scored leaves the old file alone', async (signal, code) => {
    const result = await alfamix([...SCORE, '--backend', 'js'], {
      cwd: scratch.path,
      started: (child) => setTimeout(() => child.kill(signal), 1500),
    });
    expect(result).toMatchObject({ code, stdout: '', stderr: 'alfamix: interrupted, nothing was written\n' });
    untouched();
  });

  it('SIGINT while the output is written leaves the old file and no temporary one', async () => {
    const result = await alfamix(SCORE, {
      cwd: scratch.path,
      started: (child) => void whenWriting(scratch.path).then(() => child.kill('SIGINT')),
    });
    expect(result).toMatchObject({ code: 130, stdout: '' });
    untouched();
  });

  it('a file that may not grow to its size leaves all files of the run as they were', async () => {
    const old = ['full.csv', 'full.csv.manifest.json', 'full.csv.explain.jsonl'];
    for (const name of old) writeFileSync(scratch.file(name), 'the old file\n');
    const select = `select --pool pool.npy --labels labels.csv --budget 5 --explain --out full.csv`;
    // Blocks of 512 bytes, or of 1,024: enough for the picks, not for the explanations and the manifest.
    const child = spawn('sh', ['-c', `ulimit -f 1; exec "${process.execPath}" "${BIN}" ${select}`], {
      cwd: scratch.path,
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(2);
    expect(stderr).toMatch(
      /^alfamix: can't write full\.csv\.\w+\.jsonl?: it grew larger than a file may be here\n$/,
    );
    for (const name of old) {
      expect(scratch.read(name)).toBe('the old file\n');
      rmSync(scratch.file(name));
    }
    untouched();
  });

  it('SIGINT during the demo leaves no folder', async () => {
    const result = await alfamix(['demo', '--out', 'demo'], {
      cwd: scratch.path,
      started: (child) => setTimeout(() => child.kill('SIGINT'), 1200),
    });
    expect(result.code).toBe(130);
    untouched();
  });
});

describe('the process', () => {
  it('survives a reader that goes away', async () => {
    const args = [
      'select',
      '--pool',
      'pool.npy',
      '--labels',
      'labels.csv',
      '--budget',
      '5',
      '--out',
      'piped.csv',
    ];
    const result = await alfamix(args, {
      cwd: scratch.path,
      started: (child) => child.stdout?.destroy(),
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(scratch.table('piped.csv')).toHaveLength(5);
  });

  it.runIf(existsSync('/dev/full'))('one line and exit 1 where the output has no room', async () => {
    const select = `select --pool pool.npy --labels labels.csv --budget 5 --out room.csv`;
    const run = async (redirection: string, args = select) => {
      const command = `"${process.execPath}" "${BIN}" ${args} ${redirection}`;
      const child = spawn('sh', ['-c', command], { cwd: scratch.path });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          output += chunk;
        });
      return [await new Promise((resolve) => child.on('close', resolve)), output];
    };
    const line = "alfamix: can't write the output: no space is left on the device\n";
    expect(await run('> /dev/full')).toEqual([1, line]);
    expect(scratch.table('room.csv')).toHaveLength(5);
    expect(await run('> /dev/full', '--help')).toEqual([1, line]);
    expect(await run('> /dev/full 2> /dev/full')).toEqual([1, '']);
    // Bad input stays bad input.
    expect(await run('2> /dev/full', 'select')).toEqual([2, '']);
  });

  it.each(['select', 'score', 'fit', 'demo'])(
    '%s --help lists the options and an example',
    async (command) => {
      const { code, stdout, stderr } = await alfamix([command, '--help'], { cwd: scratch.path });
      expect(code).toBe(0);
      expect(stderr).toBe('');
      for (const option of ['--backend', '--threads', '--seed', '--json', '--quiet', '--help'])
        expect(stdout).toContain(option);
      expect(stdout).toMatch(new RegExp(`Example:\\n {2}alfamix ${command} `));
    },
  );

  it('prints its version and its help', async () => {
    expect(await alfamix(['--version'], { cwd: scratch.path })).toMatchObject({ code: 0, stdout: '0.1.0\n' });
    const help = await alfamix(['--help'], { cwd: scratch.path });
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of ['select', 'score', 'fit', 'demo'])
      expect(help.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  it('says how to build it when it is not built', async () => {
    const { copyFileSync, mkdirSync } = await import('node:fs');
    mkdirSync(scratch.file('unbuilt/bin'), { recursive: true });
    writeFileSync(scratch.file('unbuilt/package.json'), '{"type":"module"}');
    copyFileSync(
      fileURLToPath(new URL('../bin/alfamix.js', import.meta.url)),
      scratch.file('unbuilt/bin/alfamix.js'),
    );
    const child = spawn(process.execPath, [scratch.file('unbuilt/bin/alfamix.js')]);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^alfamix: not built yet .* npm run build\n$/);
  });
});
