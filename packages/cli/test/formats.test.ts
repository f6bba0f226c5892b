import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { readTable, writeParquet } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alfamix, type Scratch } from './support/cli.js';
import { blobs, DIM, npy, ROWS, scratchWithData } from './support/data.js';

let scratch: Scratch;
beforeAll(async () => {
  scratch = await scratchWithData();
  const data = blobs();
  mkdirSync(scratch.file('shards'));
  const part = (name: string, from: number, to: number) =>
    writeFileSync(
      scratch.file(`shards/${name}.npy`),
      npy([to - from, DIM], data.subarray(from * DIM, to * DIM)),
    );
  part('part-2', 30, 31);
  part('part-10', 31, ROWS);
  part('part-1', 0, 30);
  await writeParquet(scratch.file('pool.parquet'), [
    { name: 'id', type: 'STRING', data: Array.from({ length: ROWS }, (_, row) => `img ${row}`) },
    ...Array.from({ length: DIM }, (_, j) => ({
      name: `x${j}`,
      type: 'FLOAT' as const,
      data: Array.from({ length: ROWS }, (_, row) => data[row * DIM + j]),
    })),
  ]);
  await writeParquet(scratch.file('labels.parquet'), [
    { name: 'id', type: 'STRING', data: Array.from({ length: 24 }, (_, row) => `img ${row}`) },
    {
      name: 'label',
      type: 'STRING',
      data: Array.from({ length: 24 }, (_, row) => ['a, "b"', 'ü', 'c'][row % 3]),
    },
  ]);
});
afterAll(() => scratch[Symbol.dispose]());

const run = async (args: string[]) => {
  const result = await alfamix(args, { cwd: scratch.path });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
};
const records = async (name: string) => {
  const found = [];
  for await (const { fields } of readTable(scratch.file(name))) found.push(fields);
  return found;
};
const SELECT = ['select', '--labels', 'labels.csv', '--budget', '7'];

describe('pools of many files and kinds', () => {
  it('a folder and a glob of shards pick as the whole file, and verify', async () => {
    await run([...SELECT, '--pool', 'pool.npy', '--out', 'whole.csv']);
    for (const pool of ['shards', 'shards/part-*.npy']) {
      await run([...SELECT, '--pool', pool, '--out', 'shards/picks.csv']);
      expect(scratch.read('shards/picks.csv')).toBe(scratch.read('whole.csv'));
      const manifest = scratch.json('shards/picks.csv.manifest.json');
      const inputs = manifest.inputs.filter(({ option }: { option: string }) => option === 'pool');
      expect(inputs.map(({ spec, shape }: { spec: string; shape: number[] }) => [spec, shape[0]])).toEqual([
        ['shards/part-1.npy', 30],
        ['shards/part-2.npy', 1],
        ['shards/part-10.npy', 59],
      ]);
      expect(await run(['verify', 'shards/picks.csv'])).toMatch(/^same {5}7 picks/);
    }
    mkdirSync(scratch.file('tables'));
    copyFileSync(scratch.file('pool.csv'), scratch.file('tables/part-1.csv'));
    const over = await alfamix([...SELECT, '--pool', 'tables/*.csv', '--out', 'tables/part-1.csv'], {
      cwd: scratch.path,
    });
    expect(over).toMatchObject({ code: 2, stdout: '' });
    expect(over.stderr).toMatch(/expected another file for --out than --pool reads, got tables\/part-1\.csv/);
  });

  it('Parquet in: columns, ids and labels; names with commas, quotes and umlauts come through', async () => {
    const base = ['--pool', 'pool.parquet#x*', '--labels', 'labels.parquet'];
    await run(['select', ...base, '--budget', '9', '--out', 'p.csv', '--explain']);
    await run(['select', ...base, '--budget', '9', '--out', 'p.parquet']);
    const [csv, parquet] = [await records('p.csv'), await records('p.parquet')];
    expect(parquet[0]).toEqual(csv[0]);
    parquet.slice(1).forEach((fields, i) => {
      const { 4: cap, ...rest } = csv[i + 1];
      const { 4: found, ...others } = fields;
      expect(others).toEqual(rest);
      expect(Math.fround(Number(found))).toBe(Math.fround(Number(cap)));
      expect(fields[2]).toBe(`img ${fields[1]}`);
      expect(['a, "b"', 'ü', 'c']).toContain(fields[3]);
    });
    expect(await run(['verify', 'p.parquet'])).toMatch(/^same {5}9 picks/);
    await run(['select', ...base, '--budget', '5', '--exclude', 'p.parquet', '--out', 'next.csv']);
    const first = new Set(parquet.map(([, row]) => row));
    for (const [, row] of (await records('next.csv')).slice(1)) expect(first.has(row)).toBe(false);
  });

  it('scores as Parquet are those of the CSV', async () => {
    const base = ['score', '--pool', 'pool.parquet', '--labels', 'labels.parquet'];
    await run([...base, '--out', 's.csv']);
    await run([...base, '--out', 's.parquet']);
    const [csv, parquet] = [await records('s.csv'), await records('s.parquet')];
    expect(parquet.length).toBe(ROWS - 24 + 1);
    parquet.forEach((fields, i) => {
      fields.forEach((field, c) => {
        const other = csv[i][c];
        const same = field === other || Math.fround(Number(field)) === Math.fround(Number(other));
        expect(same, `${field} for ${other}`).toBe(true);
      });
    });
  });
});
