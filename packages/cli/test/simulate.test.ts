import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRun } from '@alfamix/core';
import { afterAll, describe, expect, it } from 'vitest';
import { alfamix, BIN, Scratch } from './support/cli.js';

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());
const { path: cwd } = scratch;

const SMALL = ['--data', 'digits', '--init', '20', '--budget', '10', '--rounds', '2', '--seeds', '1,2'];
const simulate = (out: string, ...more: string[]) =>
  alfamix(['simulate', ...SMALL, '--out', out, ...more], { cwd });
const timeless = async (out: string) =>
  (await readRun(join(cwd, out))).lines.map(({ seconds: _, stages: __, ...line }) => line);

describe('alfamix simulate', () => {
  it('digits: lines, settings and a table', async () => {
    const { code, stdout, stderr } = await simulate('runs/first', '--strategies', 'random,alfa-mix,margin');
    expect([code, stderr.split('\n').filter(Boolean).length]).toEqual([0, 18]);
    expect(stderr).toMatch(/^margin, seed 2, round 2: [\d.]+ % \(18 of 18\)$/m);
    expect(stderr).toMatch(/\(1 of 18, .* left\)$/m);
    const { settings, lines } = await readRun(join(cwd, 'runs/first'));
    expect(lines).toHaveLength(18);
    expect(settings).toMatchObject({
      model: 'linear',
      tf: null,
      data: { spec: 'digits', test: null, scale: 'max', rows: 1438, testRows: 359, inputDim: 64 },
    });
    for (const { labelled, accuracy, round } of lines) {
      expect(labelled).toBe(20 + 10 * round);
      expect(accuracy).toBeGreaterThan(0.4);
    }
    for (const name of ['random', 'alfa-mix', 'margin']) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
    const last = lines.filter(({ strategy, round }) => strategy === 'margin' && round === 2);
    const mean = (100 * last.reduce((sum, { accuracy }) => sum + accuracy, 0)) / last.length;
    expect(stdout).toMatch(new RegExp(`^margin .* ${mean.toFixed(1)} ± `, 'm'));
    expect(stdout.trim().split('\n').pop()).toBe('runs/first');
  });

  it('killed at some point and started again ends with the same lines; jobs change nothing', async () => {
    const more = ['--strategies', 'random,alfa-mix,margin'];
    const folder = join(cwd, 'runs/killed');
    for (let kills = 0; kills < 3; kills++) {
      const { signal } = await alfamix(['simulate', ...SMALL, '--out', 'runs/killed', ...more], {
        cwd,
        started: (child) => {
          // Once it has written a line more.
          const before = count(folder);
          const timer = setInterval(() => {
            if (count(folder) <= before) return;
            clearInterval(timer);
            child.kill('SIGKILL');
          }, 5);
          child.on('exit', () => clearInterval(timer));
        },
      });
      expect(signal).toBe('SIGKILL');
    }
    const end = await simulate('runs/killed', ...more, '--jobs', '2', '--json');
    expect(end.code).toBe(0);
    const summary = JSON.parse(end.stdout);
    expect(summary.found + summary.made).toBe(18);
    expect(summary.found).toBeGreaterThanOrEqual(3);
    expect(summary.strategies[2].rounds[2]).toMatchObject({ labelled: 40, seeds: 2 });
    expect(await timeless('runs/killed')).toEqual(await timeless('runs/first'));
  });

  it('Ctrl-C keeps the lines and says so', async () => {
    const { code, stderr } = await alfamix(
      ['simulate', ...SMALL, '--rounds', '60', '--out', 'runs/stopped'],
      {
        cwd,
        started: (child) => {
          const timer = setInterval(() => {
            if (count(join(cwd, 'runs/stopped')) < 2) return;
            clearInterval(timer);
            child.kill('SIGINT');
          }, 5);
        },
      },
    );
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /^alfamix: interrupted; the \d+ lines? made are in runs\/stopped, and the same command goes on/m,
    );
    expect(readdirSync(join(cwd, 'runs/stopped'))).not.toContain('run.lock');
  });

  it.skipIf(process.platform === 'win32')(
    'a disk that fills keeps the lines; started again it goes on',
    async () => {
      const args = [...SMALL, '--out', 'runs/full', '--strategies', 'margin', '--rounds', '6'];
      const full = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
        // Files of at most 2 KiB: the write that would go beyond is cut short, as on a full disk.
        const command = `ulimit -f 4; exec "$@"`;
        const child = spawn('sh', ['-c', command, 'sh', process.execPath, BIN, 'simulate', ...args], { cwd });
        let stderr = '';
        child.stderr.on('data', (chunk) => {
          stderr += chunk;
        });
        child.on('close', (code) => resolve({ code, stderr }));
      });
      expect(full).toEqual({
        code: 2,
        stderr: expect.stringMatching(/^alfamix: can't write .*margin\.seed-1\.jsonl: /m),
      });
      expect(count(join(cwd, 'runs/full'))).toBeGreaterThan(0);
      const again = await alfamix(['simulate', ...args, '--json'], { cwd });
      expect(JSON.parse(again.stdout).found).toBeGreaterThan(0);
      await alfamix(['simulate', ...args, '--out', 'runs/roomy'], { cwd });
      expect(await timeless('runs/full')).toEqual(await timeless('runs/roomy'));
    },
  );

  it.each([
    [
      'never ends',
      'import { writeFileSync } from "node:fs"; export default () => { writeFileSync("asked", ""); return new Promise(() => {}); };',
      130,
      /^alfamix: interrupted; what was under way did not stop/m,
    ],
    [
      'throws behind our back',
      'export default () => { setTimeout(() => { throw new Error("late"); }); return new Promise(() => {}); };',
      1,
      /^alfamix: .*late$/m,
    ],
  ])('a strategy that %s ends in a sentence', async (name, source, code, message) => {
    writeFileSync(scratch.file('odd.mjs'), source);
    const result = await alfamix(
      ['simulate', ...SMALL, '--out', `runs/${name}`, '--strategies', './odd.mjs'],
      {
        cwd,
        started: (child) => {
          if (code !== 130) return;
          const timer = setInterval(() => {
            if (!existsSync(scratch.file('asked'))) return;
            clearInterval(timer);
            child.kill('SIGINT');
          }, 5);
          child.on('exit', () => clearInterval(timer));
        },
      },
    );
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^ +at /m);
    expect(result.code).toBe(code);
  });

  it('a strategy of one’s own, from a module', async () => {
    writeFileSync(
      scratch.file('newest.mjs'),
      'export default ({ available, budget }) => [...available.subarray(available.length - budget)].reverse();',
    );
    const { code } = await simulate('runs/own', '--strategies', './newest.mjs,random', '--seeds', '1');
    expect(code).toBe(0);
    const { settings, lines } = await readRun(join(cwd, 'runs/own'));
    expect(settings.strategies).toEqual([expect.stringMatching(/^newest@[0-9a-f]{8}$/), 'random']);
    // Changed, it is another strategy: nothing is mixed.
    writeFileSync(
      scratch.file('newest.mjs'),
      'export default { name: "random", needs: {}, select: async ({ available, budget }) => ({ picks: [...available.subarray(0, budget)].map((row) => ({ row })) }) };',
    );
    const again = await simulate('runs/own', '--strategies', './newest.mjs', '--seeds', '1', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ found: 0, made: 3 });
    const { settings: grown } = await readRun(join(cwd, 'runs/own'));
    expect(grown.strategies[2]).toMatch(/^random@[0-9a-f]{8}$/);
    expect(lines[0].query?.picks[0]).toBeGreaterThan(lines[0].query?.picks[9] ?? 0);
  });

  it('data of one’s own: a CSV with a test file, scaled', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${(i * 7) % 10},${i % 3},${'abc'[i % 3]}`);
    writeFileSync(scratch.file('pool.csv'), `x,y,kind\n${rows.slice(0, 40).join('\n')}\n`);
    writeFileSync(scratch.file('test.csv'), `x,y,kind\n${rows.slice(40).join('\n')}\n`);
    const args = [
      '--data',
      'csv:pool.csv',
      '--test',
      'csv:test.csv',
      '--label-column',
      'kind',
      '--scale',
      'standard',
    ];
    const rest = [
      '--l2',
      '0.01',
      '--init',
      '10',
      '--budget',
      '5',
      '--rounds',
      '1',
      '--seeds',
      '3',
      '--strategies',
      'margin',
    ];
    const { code, stderr } = await alfamix(['simulate', ...args, ...rest, '--out', 'runs/csv'], { cwd });
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^margin, seed 3/)]);
    const { settings, lines } = await readRun(join(cwd, 'runs/csv'));
    expect(settings.data).toMatchObject({
      scale: 'standard',
      rows: 40,
      testRows: 20,
      classes: ['a', 'b', 'c'],
    });
    expect(lines[1].accuracy).toBeGreaterThan(0.9);
  });

  it.each<[string, string[], RegExp]>([
    [
      'an unknown strategy',
      ['--strategies', 'best'],
      /^alfamix: expected one of alfa-mix, .*random.* for strategy, got "best"\n$/,
    ],
    ['an unknown option', ['--strategies', 'alfa-mix:beta=1'], /option/],
    ['a strategy twice', ['--strategies', 'random,random'], /each one once for strategies, got "random"/],
    [
      'a module that is none',
      ['--strategies', './none.js'],
      /can't read \.\/none\.js: there is no such file/,
    ],
    ['a model', ['--model', 'tree'], /one of linear, mlp, cnn for --model, got "tree"/],
    ['seeds', ['--seeds', '1,x'], /integers separated by commas for --seeds/],
    ['no such data', ['--data', 'csv:none.csv'], /none\.csv/],
    [
      'a slice',
      ['--data', 'digits[0:5000]'],
      /slice within 1797 rows for digits\[0:5000\], got \[0:5000\]$/m,
    ],
    [
      'a slice that is none',
      ['--data', 'digits[a:b]'],
      /a slice of rows, \[from:to\], for digits\[a:b\], got "\[a:b\]"$/m,
    ],
    [
      'a misspelt name',
      ['--data', 'digit'],
      /^alfamix: expected digits, csv:FILE, .* for the data, got "digit"$/m,
    ],
    ['labels missing', ['--data', 'csv:bare.csv'], /column "label" with the labels in bare\.csv/],
    [
      'other classes in the test rows',
      ['--data', 'digits[0:1000]', '--test', 'csv:cats.csv'],
      /one of the 10 classes of the pool for row 0 of csv:cats\.csv, got "cat"/,
    ],
    ['test rows of another width', ['--data', 'digits', '--test', 'csv:narrow.csv'], /64 features/],
    ['more labels than rows', ['--rounds', '500'], /pool of at least 5020 rows/],
    ['another run', ['--budget', '11', '--out', 'runs/first'], /expected budget 10, as the run there has it/],
    ['a foreign folder', ['--out', 'photos'], /run\.json, or an empty folder .*cat\.jpg/],
    ['a corrupted run', ['--out', 'broken'], /random\.seed-1\.jsonl, line 1: expected/],
  ])('%s: exit 2, one sentence', async (_name, more, message) => {
    writeFileSync(scratch.file('bare.csv'), 'a,b\n1,2\n');
    writeFileSync(scratch.file('narrow.csv'), 'a,label\n1,2\n');
    writeFileSync(
      scratch.file('cats.csv'),
      `${Array.from({ length: 64 }, (_, i) => `p${i}`)},label\n${'1,'.repeat(64)}cat\n`,
    );
    prepareFolders();
    const { code, stdout, stderr } = await simulate('runs/bad', ...more);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
  });
});

function count(folder: string): number {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .reduce((sum, name) => sum + readFileSync(join(folder, name), 'utf8').split('\n').length - 1, 0);
  } catch {
    return 0;
  }
}

function prepareFolders(): void {
  if (readdirSync(cwd).includes('photos')) return;
  mkdirSync(join(cwd, 'photos'));
  writeFileSync(join(cwd, 'photos', 'cat.jpg'), 'meow');
  cpSync(join(cwd, 'runs/first'), join(cwd, 'broken'), { recursive: true });
  writeFileSync(join(cwd, 'broken', 'random.seed-1.jsonl'), '{"strategy":"random"}\n');
}
