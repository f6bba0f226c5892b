import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../../scripts/make-pool.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'alfamix-make-pool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SMALL = ['--rows', '40', '--dim', '3', '--classes', '4', '--labeled', '10'];

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function make(name: string, ...args: string[]): { pool: Buffer; labels: string } {
  const out = join(folder, name);
  expect(run(...SMALL, '--out', out, ...args)).toEqual({ status: 0, stdout: '', stderr: '' });
  return { pool: readFileSync(join(out, 'pool.npy')), labels: readFileSync(join(out, 'labels.csv'), 'utf8') };
}

describe('scripts/make-pool.js', () => {
  it('makes the same pool of the same seed, and another of every other', () => {
    const pools = ['0', '1', '2', '3', '4', '5'].map((seed) => make(`seed-${seed}`, '--seed', seed));
    expect(make('again', '--seed', '1')).toEqual(pools[1]);
    expect(new Set(pools.map(({ pool }) => pool.toString('base64'))).size).toBe(pools.length);
    expect(pools[0].labels).toMatch(/^row,label\n0,class\d\n4,class/);
    expect(pools[0].labels.trim().split('\n')).toHaveLength(11);
  });

  it.each([
    [['--spread', 'x'], /^make-pool: expected a number of at least 0 for --spread, got x\n$/],
    [['--spread', ''], /^make-pool: expected a number of at least 0 for --spread, got \n$/],
    [['--spread=-1'], /^make-pool: expected a number of at least 0 for --spread, got -1\n$/],
    [['--rows', '0'], /^make-pool: expected a positive integer for --rows, got 0\n$/],
    [['--seed', '1.5'], /^make-pool: expected an integer from 0 to 2147483647 for --seed, got 1\.5\n$/],
    [['--seed', '4294967296'], /^make-pool: expected an integer from 0 to 2147483647 for --seed, got 4/],
    [['--labeled', '41'], /^make-pool: expected at most 40, the rows, for --labeled, got 41\n$/],
    [['--sprad', '1'], /^make-pool: Unknown option '--sprad'\n$/],
    [['--seed'], /^make-pool: Option '--seed <value>' argument missing\n$/],
    [['--out', SCRIPT], /^make-pool: expected a folder to write to for --out: EEXIST[^\n]*\n$/],
    [['stray'], /^make-pool: Unexpected argument 'stray'[^\n]*\n$/],
  ])('refuses %j in one line, with exit code 2', (args, message) => {
    const { status, stdout, stderr } = run(...SMALL, '--out', join(folder, 'refused'), ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('asks for what it needs', () => {
    expect(run()).toMatchObject({
      status: 2,
      stderr: 'make-pool: expected a positive integer for --rows, got none\n',
    });
    expect(run(...SMALL)).toMatchObject({
      status: 2,
      stderr: 'make-pool: expected a folder for --out, got none\n',
    });
  });
});
