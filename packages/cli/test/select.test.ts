import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alfamix, type Scratch } from './support/cli.js';
import { scratchWithData } from './support/data.js';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await scratchWithData();
});
afterAll(() => scratch[Symbol.dispose]());

const BASE = ['--labels', 'labels.csv', '--budget', '7'];
const run = async (args: string[], out = 'picks.csv') => {
  const result = await alfamix(['select', ...args, '--out', out], { cwd: scratch.path });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result;
};

describe('alfamix select', () => {
  it('writes the picks with their columns and prints a summary', async () => {
    const { stdout } = await run(['--pool', 'pool.npy', ...BASE]);
    expect(scratch.read('picks.csv').split('\n')[0]).toBe(
      'rank,row,id,pseudo_label,flip_cap,cluster,cluster_size',
    );
    const picks = scratch.table('picks.csv');
    expect(picks.map(({ rank }) => rank)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(new Set(picks.map(({ row }) => row)).size).toBe(7);
    for (const pick of picks) {
      expect(Number(pick.row)).toBeGreaterThanOrEqual(24);
      expect(pick.id).toBe('');
      expect(['0', '1', '2']).toContain(pick.pseudo_label);
      // Shortest digits that read back as float32, never a widened double.
      expect(pick.flip_cap).toMatch(/^(inf|[\d.e-]{1,13})$/);
    }
    expect(stdout).toMatch(/picks +7 of 90 rows \(alfa-mix; 24 labelled or excluded\)/);
    expect(stdout).toMatch(/candidates +0\.2: \d+/);
    expect(stdout).toMatch(/head +[\d.]+ % right in cross-validation .*l2 = /);
    expect(stdout).toMatch(/overlap +\d with margin's picks, \d with random's/);
    expect(stdout).toMatch(/backend +(cpu|js)/);
    expect(stdout).toMatch(/timings +read .* total /);
  });

  it('picks the same rows from npy, safetensors and csv', async () => {
    await run(['--pool', 'pool.npy', ...BASE], 'a.csv');
    await run(['--pool', 'pool.safetensors#emb', ...BASE], 'b.csv');
    await run(['--pool', 'pool.csv', ...BASE], 'c.csv');
    expect(scratch.read('b.csv')).toBe(scratch.read('a.csv'));
    expect(scratch.read('c.csv')).toBe(scratch.read('a.csv'));
  });

  it('picks the same rows on the TypeScript kernels and with other thread counts', async () => {
    await run(['--pool', 'pool.npy', ...BASE], 'a.csv');
    await run(['--pool', 'pool.npy', ...BASE, '--backend', 'js'], 'b.csv');
    await run(['--pool', 'pool.npy', ...BASE, '--threads', '3'], 'c.csv');
    const rows = (name: string) => scratch.table(name).map(({ row }) => row);
    expect(rows('b.csv')).toEqual(rows('a.csv'));
    expect(scratch.read('c.csv')).toBe(scratch.read('a.csv'));
  });

  it('names rows by id, in labels, exclusions and output', async () => {
    writeFileSync(scratch.file('skip.txt'), 'img 30\nimg 31\n');
    const ids = ['--pool', 'pool.npy', '--ids', 'ids.csv', '--exclude', 'skip.txt'];
    await run([...ids, '--labels', 'by-id.csv', '--budget', '64'], 'all.csv');
    const picks = scratch.table('all.csv');
    expect(picks.map(({ id, row }) => [id, row])).toEqual(picks.map(({ row }) => [`img ${row}`, row]));
    expect(picks.map(({ row }) => Number(row)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 66 }, (_, i) => i + 24).filter((row) => row !== 30 && row !== 31),
    );
    expect(new Set(picks.map(({ pseudo_label }) => pseudo_label))).toEqual(new Set(['cat', 'dog', 'eel']));
  });

  it.each([
    ['a row column', 'rank,row,id\n1,40,\n2,41,\n'],
    ['a plain list of rows', '40\n41\n'],
  ])('leaves out rows given by %s', async (_, text) => {
    writeFileSync(scratch.file('skip.csv'), text);
    const { stdout } = await run(
      ['--pool', 'pool.npy', '--labels', 'labels.csv', '--budget', '64', '--exclude', 'skip.csv', '--json'],
      'ex.csv',
    );
    const rows = scratch.table('ex.csv').map(({ row }) => row);
    expect(rows).not.toContain('40');
    expect(rows).not.toContain('41');
    expect(JSON.parse(stdout)).toMatchObject({ excludedRows: 2, labelledRows: 24, availableRows: 64 });
  });

  it('takes a picks file as the next exclusion', async () => {
    await run(['--pool', 'pool.npy', ...BASE], 'first.csv');
    await run(['--pool', 'pool.npy', ...BASE, '--exclude', 'first.csv'], 'second.csv');
    const first = scratch.table('first.csv').map(({ row }) => row);
    for (const { row } of scratch.table('second.csv')) expect(first).not.toContain(row);
  });

  it('takes labelled embeddings that are not in the pool', async () => {
    const apart = ['--pool', 'pool.npy', '--labeled', 'labeled.safetensors#emb', '--budget', '90'];
    await run([...apart, '--labels', 'labeled.safetensors#labels'], 'apart.csv');
    expect(scratch.table('apart.csv')).toHaveLength(90);
  });

  it('fills a budget beyond the candidates at random, without repeats, and says so', async () => {
    const { stdout } = await run(
      ['--pool', 'pool.npy', '--labels', 'labels.csv', '--budget', '66'],
      'fill.csv',
    );
    const picks = scratch.table('fill.csv');
    expect(new Set(picks.map(({ row }) => row)).size).toBe(66);
    expect(stdout).toMatch(/note +\d+ of 66 picks were filled at random/);
  });

  it.each(['random', 'least-confidence', 'margin', 'entropy'])(
    'strategy %s leaves its empty columns empty',
    async (strategy) => {
      await run(['--pool', 'pool.npy', ...BASE, '--strategy', strategy], `${strategy}.csv`);
      const picks = scratch.table(`${strategy}.csv`);
      expect(picks).toHaveLength(7);
      for (const pick of picks) {
        expect(pick).toMatchObject({ flip_cap: '', cluster: '', cluster_size: '' });
        expect(pick.pseudo_label === '').toBe(strategy === 'random');
      }
    },
  );

  it('needs no labels for random, nor for margin with a head', async () => {
    await run(['--pool', 'pool.npy', '--strategy', 'random', '--budget', '3'], 'r.csv');
    await run(
      ['--pool', 'pool.npy', '--strategy', 'margin', '--head', 'named-head.safetensors', '--budget', '3'],
      'm.csv',
    );
    for (const { pseudo_label } of scratch.table('m.csv'))
      expect(['cat', 'dog', 'eel']).toContain(pseudo_label);
  });

  it('changes its random picks with the seed only', async () => {
    const random = ['--pool', 'pool.npy', '--strategy', 'random', '--budget', '9'];
    await run([...random, '--seed', '3'], 's3.csv');
    await run([...random, '--seed', '3'], 's3b.csv');
    await run([...random, '--seed', '4'], 's4.csv');
    expect(scratch.read('s3b.csv')).toBe(scratch.read('s3.csv'));
    expect(scratch.read('s4.csv')).not.toBe(scratch.read('s3.csv'));
  });

  it('climbs a ladder of the alpha cap given, and keeps at most --max-candidates', async () => {
    const { stdout } = await run([
      '--pool',
      'pool.npy',
      ...BASE,
      '--alpha-cap',
      '0.5',
      '--max-candidates',
      '9',
      '--json',
    ]);
    const { candidatesPerCap, notes } = JSON.parse(stdout);
    expect(candidatesPerCap.map(({ cap }: { cap: number }) => cap)).toEqual([0.5, 1]);
    expect(notes.join(' ')).toMatch(/9 of \d+ candidates were clustered/);
  });

  it.each([
    ['alfa-mix:alpha=random:diversify=norm', BASE, 0.03125],
    ['alfa-mix:diversify=symmetric-kl', BASE, 0.2],
    ['cluster-margin:factor=3', BASE, undefined],
    ['typiclust', ['--budget', '7'], undefined],
    ['k-means:normalize=yes', ['--budget', '7'], undefined],
  ])('--strategy %s: in manifest and summary as given, and verified', async (strategy, base, alphaCap) => {
    const { stdout } = await run(['--pool', 'pool.npy', ...base, '--strategy', strategy, '--json'], 'o.csv');
    expect(JSON.parse(stdout).strategy).toBe(strategy);
    const manifest = scratch.json('o.csv.manifest.json');
    expect(manifest.settings).toMatchObject({ strategy });
    expect(manifest.settings.alphaCap).toBe(alphaCap);
    const cap = / --alpha-cap (\S+)/.exec(manifest.rerun)?.[1];
    expect(manifest.rerun).toContain(` --strategy ${strategy} `);
    expect(cap).toBe(alphaCap?.toString());
    expect(new Set(scratch.table('o.csv').map(({ row }) => row)).size).toBe(7);
    const again = await alfamix(['verify', 'o.csv'], { cwd: scratch.path });
    expect(again).toMatchObject({ code: 0, stderr: '' });
  });

  it('writes a manifest with every setting, version and hash', async () => {
    const { stdout } = await run(['--pool', 'pool.npy', '--ids', 'ids.csv', ...BASE, '--json'], 'p.csv');
    const manifest = scratch.json('p.csv.manifest.json');
    const sha256 = (name: string) =>
      createHash('sha256')
        .update(readFileSync(scratch.file(name)))
        .digest('hex');
    expect(manifest).toMatchObject({
      command: 'select',
      versions: { alfamix: '0.1.0', node: process.version, platform: process.platform },
      settings: {
        pool: 'pool.npy',
        budget: 7,
        strategy: 'alfa-mix',
        alphaCap: 0.2,
        seed: 0,
        backend: 'auto',
        out: 'p.csv',
      },
      outputs: [{ file: 'p.csv', sha256: sha256('p.csv') }],
      picks: 7,
    });
    expect(manifest.settings.threads).toBe(manifest.backend.threads);
    const inputs = Object.fromEntries(
      manifest.inputs.map((input: { option: string }) => [input.option, input]),
    );
    expect(inputs.pool).toMatchObject({
      path: scratch.file('pool.npy'),
      sha256: sha256('pool.npy'),
      shape: [90, 6],
    });
    expect(inputs.labels).toMatchObject({ sha256: sha256('labels.csv'), shape: [24] });
    expect(inputs.ids.sha256).toBe(sha256('ids.csv'));
    const summary = JSON.parse(stdout);
    expect(summary.manifest).toBe('p.csv.manifest.json');
    expect(manifest.candidatesPerCap).toEqual(summary.candidatesPerCap);
  });

  it('tells the BLAS that ALFAMIX_BLAS names, in manifest and --json, where this machine has one', async ({
    skip,
  }) => {
    const env = { ALFAMIX_BLAS: process.env.ALFAMIX_TEST_BLAS ?? 'libopenblas.so.0' };
    const words = ['--pool', 'pool.npy', '--labels', 'labels.csv', '--json', '--quiet', '--out'];
    const told = async (...command: string[]) => {
      const { stdout } = await alfamix([...command, ...words, 'b.csv'], { cwd: scratch.path, env });
      const { backend } = scratch.json('b.csv.manifest.json');
      expect(JSON.parse(stdout).backend).toEqual(backend);
      return backend;
    };
    const backend = await told('select', '--budget', '7');
    skip(backend.blas === undefined, `no BLAS here: ${backend.blasReason}`);
    expect(backend.blas).toMatch(/^\S.*\S$/);
    expect(backend).not.toHaveProperty('blasReason');
    expect((await told('score')).blas).toBe(backend.blas);
  });

  it('runs again from its manifest with the same picks', async () => {
    await run(
      [
        '--pool',
        'pool.npy',
        '--labels',
        'named.csv',
        '--budget',
        '5',
        '--seed',
        '7',
        '--classes',
        'cat,dog,eel',
      ],
      'once.csv',
    );
    const before = scratch.read('once.csv');
    const [npx, name, ...words] = scratch.json('once.csv.manifest.json').rerun.split(' ');
    expect([npx, name]).toEqual(['npx', 'alfamix']);
    writeFileSync(scratch.file('once.csv'), '');
    const again = await alfamix(words, { cwd: scratch.path });
    expect(again.code).toBe(0);
    expect(scratch.read('once.csv')).toBe(before);
  });

  it('prints JSON alone with --json, and nothing with --quiet', async () => {
    const { stdout } = await run(['--pool', 'pool.npy', ...BASE, '--json', '--quiet']);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      command: 'select',
      picks: 7,
      filled: 0,
      out: 'picks.csv',
      strategy: 'alfa-mix',
    });
    expect(summary.head.crossValidation.accuracy).toBeGreaterThan(0.3);
    expect(summary.overlap.margin).toBeTypeOf('number');
    expect(summary.timings.total).toBeGreaterThan(0);
    expect(Object.values<number>(summary.classCounts).reduce((a, b) => a + b)).toBe(7);
    expect((await run(['--pool', 'pool.npy', ...BASE, '--quiet'])).stdout).toBe('');
  });
});
