import { readTensor } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alfamix, type Scratch } from './support/cli.js';
import { scratchWithData } from './support/data.js';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await scratchWithData();
});
afterAll(() => scratch[Symbol.dispose]());

const run = async (...args: string[]) => {
  const result = await alfamix(['score', '--pool', 'pool.npy', '--labels', 'named.csv', ...args], {
    cwd: scratch.path,
  });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result;
};
const NAMES = ['cat', 'dog', 'eel'];
const HEAD = ['--head', 'named-head.safetensors'];

describe('alfamix score', () => {
  it('writes every unlabelled row, in order, as CSV', async () => {
    const { stdout } = await run(...HEAD, '--ids', 'ids.csv', '--out', 'scores.csv');
    expect(scratch.read('scores.csv').split('\n')[0]).toBe(
      'row,id,pseudo_label,confidence,margin,entropy,flip_cap,flip_anchor,flip_to',
    );
    const rows = scratch.table('scores.csv');
    expect(rows.map(({ row }) => Number(row))).toEqual(Array.from({ length: 66 }, (_, i) => i + 24));
    for (const row of rows) {
      expect(row.id).toBe(`img ${row.row}`);
      expect(NAMES).toContain(row.pseudo_label);
      expect(Number(row.confidence)).toBeGreaterThan(1 / 3);
      expect(Number(row.margin)).toBeLessThanOrEqual(Number(row.confidence));
      if (row.flip_cap === 'inf') expect(row).toMatchObject({ flip_anchor: '', flip_to: '' });
      else expect(NAMES).toContain(row.flip_to);
      expect(row.flip_to).not.toBe(row.pseudo_label);
    }
    expect(stdout).toMatch(/rows +66 scored of 90/);
  });

  it('writes the same numbers as tensors, classes by index with their names in the metadata', async () => {
    await run(...HEAD, '--out', 'scores.csv');
    const { stdout } = await run(...HEAD, '--out', 'scores.safetensors', '--json');
    const table = scratch.table('scores.csv');
    const read = (name: string, dtype: 'float' | 'int') =>
      readTensor(`${scratch.file('scores.safetensors')}#${name}`, { dtype, rank: 1 });
    const { data: row, metadata } = await read('row', 'int');
    expect([...row]).toEqual(table.map((line) => Number(line.row)));
    expect(JSON.parse(metadata.classes)).toEqual(NAMES);
    expect(metadata.manifest).toBe('scores.safetensors.manifest.json');
    for (const name of ['confidence', 'margin', 'entropy', 'flip_cap']) {
      const { data } = await read(name, 'float');
      const printed = table.map((line) => Math.fround(line[name] === 'inf' ? Infinity : Number(line[name])));
      expect([...data]).toEqual(printed);
    }
    for (const name of ['pseudo_label', 'flip_anchor', 'flip_to']) {
      const { data } = await read(name, 'int');
      expect([...data]).toEqual(table.map((line) => NAMES.indexOf(line[name])));
    }
    expect(JSON.parse(stdout)).toMatchObject({ command: 'score', rows: 66, out: 'scores.safetensors' });
    const manifest = scratch.json('scores.safetensors.manifest.json');
    expect(manifest).toMatchObject({ command: 'score', rows: 66, poolRows: 90, labelledRows: 24 });
    expect(manifest.outputs[0].file).toBe('scores.safetensors');
  });

  it('prints inf, and no anchor, where nothing flips', async () => {
    // Two rows that are labelled alike: a pool whose other row is their own mean cannot flip.
    const flat = scratch.file('flat.csv');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(flat, 'x,y\n1,1\n1,1\n1,1\n');
    writeFileSync(scratch.file('flat-labels.csv'), 'row,label\n0,cat\n1,dog\n');
    const args = ['score', '--pool', 'flat.csv', '--labels', 'flat-labels.csv', '--out', 'flat-scores.csv'];
    const { code, stdout } = await alfamix(args, { cwd: scratch.path });
    expect(code).toBe(0);
    expect(scratch.read('flat-scores.csv').trim().split('\n')[1]).toMatch(
      /^2,,(cat|dog),[\d.]+,[\d.]+,[\d.]+,inf,,$/,
    );
    expect(stdout).toMatch(/never flips +1 rows/);
  });
});

describe('alfamix fit', () => {
  it('writes a head that the other commands take, with its class names', async () => {
    const args = ['fit', '--pool', 'pool.npy', '--labels', 'named.csv', '--out', 'fitted.safetensors'];
    const { code, stdout } = await alfamix(args, { cwd: scratch.path });
    expect(code).toBe(0);
    expect(stdout).toMatch(/head +3 classes × 6 from 24 labelled rows/);
    expect(stdout).toMatch(
      /accuracy +[\d.]+ % right in cross-validation \(24 rows, leave one out; most frequent class 33\.3 %\); l2 = /,
    );
    await run('--out', 'own.csv');
    await run('--head', 'fitted.safetensors', '--out', 'given.csv');
    expect(scratch.read('given.csv')).toBe(scratch.read('own.csv'));
    const manifest = scratch.json('fitted.safetensors.manifest.json');
    expect(manifest).toMatchObject({
      command: 'fit',
      classes: 3,
      dim: 6,
      classNames: NAMES,
      labelledRows: 24,
    });
  });

  it('needs no pool with --labeled, and takes the l2 given', async () => {
    const args = [
      'fit',
      '--labeled',
      'labeled.npy',
      '--labels',
      'labeled.safetensors#labels',
      '--l2',
      '0.5',
      '--json',
    ];
    const { code, stdout } = await alfamix([...args, '--out', 'apart.safetensors'], { cwd: scratch.path });
    expect(code).toBe(0);
    const summary = JSON.parse(stdout);
    expect(summary.head).toMatchObject({ l2: 0.5 });
    expect(summary.head.crossValidation).toBeUndefined();
  });

  it('warns when the head does not beat the most frequent class', async () => {
    const { writeFileSync } = await import('node:fs');
    const label = (row: number) => ['a', 'b'][((row * 7919) % 13) % 2];
    const lines = Array.from({ length: 40 }, (_, row) => `${row},${label(row)}`);
    writeFileSync(scratch.file('noise.csv'), `row,label\n${lines.join('\n')}\n`);
    const args = ['fit', '--pool', 'pool.npy', '--labels', 'noise.csv', '--out', 'noise.safetensors'];
    const { stdout } = await alfamix(args, { cwd: scratch.path });
    expect(stdout).toMatch(
      /note +the head's accuracy in cross-validation.*does not beat the most frequent class/,
    );
  });
});
