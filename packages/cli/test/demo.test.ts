import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { LinearHead } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSplit } from '../data/make-split.js';
import { loadDigits } from '../src/demo/digits.js';
import { alfamix, type CliResult, Scratch } from './support/cli.js';

const data = (name: string) => readFileSync(new URL(`../data/${name}`, import.meta.url), 'utf8');

describe('the bundled digits', () => {
  it('are split as their README says', () => {
    expect(data('digits-split.csv')).toBe(makeSplit(data('digits.csv')));
    const { pool, labelled, test } = loadDigits();
    expect([labelled.rows, test.rows, pool.rows]).toEqual([40, 450, 1307]);
    for (const [part, each] of [
      [labelled, 4],
      [test, 45],
    ] as const) {
      const counts = new Array<number>(10).fill(0);
      for (const label of part.labels) counts[label]++;
      expect(counts).toEqual(new Array(10).fill(each));
    }
    const origins = [...pool.origin, ...labelled.origin, ...test.origin];
    expect(new Set(origins).size).toBe(1797);
    expect(Math.max(...pool.pixels)).toBe(1);
  });
});

describe('alfamix demo', () => {
  let scratch: Scratch;
  let result: CliResult;
  beforeAll(async () => {
    scratch = new Scratch();
    result = await alfamix(['demo', '--figures', 'figures'], { cwd: scratch.path });
  });
  afterAll(() => scratch[Symbol.dispose]());

  it('prints picks, candidates, timings and backend, and the report last', () => {
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const report = result.stdout.trimEnd().split('\n').at(-1)!;
    expect(isAbsolute(report)).toBe(true);
    expect(report).toBe(join(scratch.path, 'alfamix-demo', 'report.html'));
    expect(existsSync(report)).toBe(true);
    expect(result.stdout.endsWith(`${report}\n`)).toBe(true);
    expect(result.stdout).toMatch(
      /^rank +row +id +pseudo-label +true label +flip cap +cluster +cluster size$/m,
    );
    expect(result.stdout).toMatch(/candidates +0\.2: \d+ \(used\) · 0\.4: \d+/);
    expect(result.stdout).toMatch(/timings +fit .* score .* total /);
    expect(result.stdout).toMatch(/backend +(cpu|js)/);
    expect(result.stdout).toMatch(
      /% before\n.*% after labelling the 20 picks\n.*% after labelling 20 random rows.*mean of 20/,
    );
  });

  it('writes a report that needs nothing from outside, with three figures', () => {
    const html = scratch.read('alfamix-demo/report.html');
    expect(html.match(/<figure>/g)).toHaveLength(3);
    expect(html.match(/<svg[^>]* role="img" aria-label="[^"]+"><title>/g)).toHaveLength(2);
    expect(html.match(/<li class="card"/g)).toHaveLength(20);
    for (const [i, card] of html.split('<li class="card"').slice(1).entries()) {
      const { cluster_size: size } = scratch.table('alfamix-demo/picks.csv')[i];
      expect(card).toMatch(/<dt>flips to <b>\d<\/b> at [\d.]+<\/dt><dd>.*aria-label="the mix at cap /);
      expect(card.match(/aria-label="a labelled \d at distance [\d.]+"/g)).toHaveLength(3);
      expect(card).toContain(`<dt>stands for ${size} row`);
      expect(card.match(/aria-label="a row of its group"/g) ?? []).toHaveLength(
        Math.min(3, Number(size) - 1),
      );
    }
    expect(html.match(/<script|<link(?! rel="icon" href="data:,")|@import|src=|url\((?!#)/)).toBeNull();
    expect(html.replaceAll('http://www.w3.org', '').match(/https?:\/\//)).toBeNull();
    expect(html.match(/NaN|undefined|\[object/)).toBeNull();
    expect(/prefers-color-scheme:dark/.test(html)).toBe(true);
    expect(/@media print/.test(html)).toBe(true);
    expect(/<meta name="viewport"/.test(html)).toBe(true);
  });

  it('writes picks, manifest and a head that opens', async () => {
    const picks = scratch.table('alfamix-demo/picks.csv');
    expect(picks).toHaveLength(20);
    const { pool } = loadDigits();
    for (const { row, id } of picks) expect(id).toBe(`digit-${pool.origin[Number(row)]}`);
    const head = await LinearHead.open(join(scratch.path, 'alfamix-demo', 'head.safetensors'));
    expect(head).toMatchObject({ classes: 10, dim: 64 });
    const manifest = scratch.json('alfamix-demo/picks.csv.manifest.json');
    expect(manifest.outputs.map(({ file }: { file: string }) => file)).toEqual([
      'picks.csv',
      'head.safetensors',
      'report.html',
    ]);
    expect(manifest.settings).toMatchObject({ strategy: 'alfa-mix', budget: 20, seed: 0 });
    expect(manifest.accuracies.random.seeds).toBe(20);
  });

  it('writes the figures as files that stand alone', () => {
    for (const name of ['demo-map', 'demo-caps', 'picks']) {
      const svg = scratch.read(`figures/${name}.svg`);
      expect(svg.startsWith('<svg xmlns=')).toBe(true);
      expect(svg.match(/var\(|NaN|undefined/)).toBeNull();
    }
  });

  it('takes strategy, budget and folder, and prints JSON with the report', async () => {
    const args = [
      'demo',
      '--strategy',
      'margin',
      '--budget',
      '70',
      '--out',
      'other',
      '--backend',
      'js',
      '--json',
    ];
    const { code, stdout, stderr } = await alfamix(args, { cwd: scratch.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      command: 'demo',
      strategy: 'margin',
      picks: 70,
      backend: { name: 'js' },
    });
    expect(summary.report).toBe(join(scratch.path, 'other', 'report.html'));
    expect(summary.accuracies.before).toBeGreaterThan(0.5);
    // No candidates, so no chart of them.
    expect(scratch.read('other/report.html').match(/<figure>/g)).toHaveLength(2);
  });
});
