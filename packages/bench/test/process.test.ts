import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertBuilt } from '../../core/test/support/built.js';

const BENCH = fileURLToPath(new URL('../bin/bench.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
beforeAll(assertBuilt);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bench = (...args: string[]) =>
  spawnSync(process.execPath, [BENCH, ...args], {
    encoding: 'utf8',
    env: { ...process.env, TMPDIR: folder },
  });

describe('npm run bench', () => {
  test('--json is alone on stdout and holds machine, versions and rows; nothing stays in the temporary folder', () => {
    const { status, stdout, stderr } = bench('--quick', '--only', 'normalizeRows,kmeans/', '--json');
    expect(stderr).toContain('normalizeRows, 1,500 × 64');
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.machine.threads).toBeGreaterThanOrEqual(1);
    expect(report.versions.js).toBe('TypeScript');
    const ids = report.cases.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(['kmeans/pass', 'kmeans/run', 'kmeans/hartigan', 'normalizeRows']);
    const contenders = report.cases[0].rows.map(({ contender }: { contender: string }) => contender);
    expect(contenders).toEqual(expect.arrayContaining(['js', 'ml-kmeans']));
    expect(report.cases.flatMap(({ failures }: { failures: string[] }) => failures)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('--json FILE', () => {
    const file = join(folder, 'bench.json');
    const { status, stdout } = bench('--quick', '--only', 'nearest', '--threads', '1', '--json', file);
    expect([status, stdout.includes('nearestMembers')]).toEqual([0, true]);
    expect(JSON.parse(readFileSync(file, 'utf8')).machine.threads).toBe(1);
  });

  test('--budget decides whether a contender is run once or as often as --repeats says', () => {
    const runs = (budget: string) => {
      const words = ['--quick', '--only', 'normalizeRows', '--repeats', '3', '--budget', budget, '--json'];
      const { stdout } = bench(...words);
      return JSON.parse(stdout).cases[0].rows.map(({ ms }: { ms: { runs: number } }) => ms.runs);
    };
    expect(new Set(runs('0.00001'))).toEqual(new Set([1]));
    expect(new Set(runs('60'))).toEqual(new Set([3]));
  });

  test('wrong usage is exit 2, before anything runs', () => {
    const lost = bench('--only', 'sorting');
    expect([lost.status, lost.stdout]).toEqual([2, '']);
    expect(lost.stderr).toContain('for --only, got sorting');
  });

  test('a --python that is no file, has no NumPy, or does not run', () => {
    const fake = (name: string, script: string) => {
      const file = join(folder, name);
      writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return file;
    };
    const refused = (python: string) => {
      const { status, stdout, stderr } = bench('--peers', '--python', python);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr.trim()).not.toContain('\n');
      return stderr;
    };
    expect(refused('/no/such/python')).toMatch(/got \/no\/such\/python: there is no such program$/m);
    if (process.platform === 'win32') return;
    const bare = fake('bare-python', `echo "ModuleNotFoundError: No module named 'numpy'" >&2; exit 1`);
    expect(refused(bare)).toMatch(
      /bare-python has no NumPy; the peers need numpy, .*: \S+bare-python -m pip install numpy torch/,
    );
    expect(refused(fake('ill-python', 'echo one >&2; echo out of paper >&2; exit 3'))).toMatch(
      /ill-python, which can't import NumPy: out of paper$/m,
    );
    expect(refused(folder)).toMatch(/which can't import NumPy: .*EACCES/);
  });
});
