import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { loadNative } from '@alfamix/native';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Kernels } from '../src/kernels/kernels.js';
import { Pool } from '../src/pool/pool.js';
import { assertBuilt } from './support/built.js';
import { npy, testFolder } from './support/files.js';
import { flipJob } from './support/flip-job.js';
import { everyKernels } from './support/golden-cases.js';

const { path: folder } = testFolder();
const FULL = process.env.CI_FULL === '1';
const MB = 1 << 20;

/** A pool of zeros but for its last rows, in a file with a hole for the zeros: no disk is needed for it. */
function sparsePool(rows: number, dim: number, last: Float32Array): string {
  const path = join(folder, `${rows}-${dim}.npy`);
  const head = npy(new Uint8Array(0), [rows, dim]);
  const file = openSync(path, 'w');
  writeSync(file, head);
  ftruncateSync(file, head.length + rows * dim * 4);
  writeSync(file, last, 0, last.byteLength, head.length + (rows * dim - last.length) * 4);
  closeSync(file);
  return path;
}

describe('byte offsets beyond 4 GiB', () => {
  const [rows, dim, tail] = [10_000_000, 128, 500];
  const { data: last, anchors, weight, bias, classes } = flipJob(tail, dim);
  let makers: Kernels[];
  let path: string;
  beforeAll(async () => {
    makers = await everyKernels();
    path = sparsePool(rows, dim, last);
  });

  test('rows are gathered from there', async () => {
    using pool = await Pool.open(path);
    const wanted = [rows - 1, 0, rows - tail, 8_388_608];
    const zeros = new Float32Array(dim);
    expect(await pool.gather(wanted)).toEqual(
      Float32Array.from([...last.subarray(-dim), ...zeros, ...last.subarray(0, dim), ...zeros]),
    );
  });

  test('and scored as rows in memory are', async () => {
    using pool = await Pool.open(path);
    expect(pool.rows).toBe(rows);
    const { segments } = pool.source as { segments: { path: string; offset: number; rows: number }[] };
    const beyond = { ...segments[0], rows: tail, offset: segments[0].offset + (rows - tail) * dim * 4 };
    expect(beyond.offset).toBeGreaterThan(2 ** 32);
    const args = { rows: tail, dim, weight, bias, classes, anchors };
    for (const kernels of makers) {
      const found = await kernels.flipSearch({ ...args, data: { segments: [beyond] } });
      expect(found, kernels.level).toEqual(await kernels.flipSearch({ ...args, data: last }));
    }
  });
});

/** Peak growth of a process, in bytes, while it selects from a pool in a file; its picks. */
function selectInChild(path: string, dim: number): { grown: number; rows: number[]; candidates: number } {
  assertBuilt();
  const script = `
    import { LabeledSet, LinearHead, Pool, select } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const dim = ${dim};
    const weight = Float32Array.from({ length: 4 * dim }, (_, i) => Math.sin(i));
    // Zeros are class 0 beyond doubt.
    const head = LinearHead.from({ weight, bias: Float32Array.of(200, 0, 0, 0), classes: 4, dim });
    const labeled = LabeledSet.from({ embeddings: weight.slice(), labels: [0, 1, 2, 3] });
    const run = (pool) => select({ pool, labeled, head, budget: 20 });
    await run(Pool.fromArray(new Float32Array(100 * dim), { dim, rows: 100 }));
    const before = process.resourceUsage().maxRSS;
    const { picks, candidates } = await run(await Pool.open(${JSON.stringify(path)}));
    const grown = (process.resourceUsage().maxRSS - before) * 1024;
    console.log(JSON.stringify({ grown, rows: picks.map(({ row }) => row), candidates }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('memory while rows are chosen from a file', () => {
  /** Of a row, whatever its dimensions: seven scores, the mask, lists of rows and caps, and copies of them on the way. */
  const PER_ROW = 80;

  const shapes: [number, number][] = [
    [150_000, 1024],
    [300_000, 512],
  ];
  if (FULL) shapes.push([10_000_000, 128]);

  test.each(shapes)(
    '%i × %i: a pool larger than what the process may grow by',
    (rows, dim) => {
      // The last rows lie where class 0 is least sure.
      const last = Float32Array.from({ length: 40 * dim }, (_, k) => -3 * Math.sin(k % dim));
      const { grown, rows: picks } = selectInChild(sparsePool(rows, dim, last), dim);
      const bound = 100 * MB + PER_ROW * rows;
      expect(rows * dim * 4).toBeGreaterThan(4 * bound);
      expect(grown).toBeLessThan(bound);
      expect(picks).toHaveLength(20);
      expect(Math.max(...picks)).toBeLessThan(rows);
    },
    600_000,
  );
});

/** Whether the kernel counts a process's private memory against a limit is a matter of Linux. */
describe.runIf(process.platform === 'linux')('under a limit of memory, a sixteenth of the pool', () => {
  const [rows, dim] = [800_000, 1024];
  const bytes = rows * dim * 4;
  const limit = bytes / 16;

  /** Runs a module in a process that may have so much private memory: heap, buffers, stacks; not the files' pages. */
  const limited = (script: string) => {
    const args = ['-c', 'ulimit -d "$0" && exec "$@"', String(Math.floor(limit / 1024))];
    const node = [process.execPath, '--input-type=module', '-e', script];
    // In TypeScript alone so many rows take a minute.
    const env = { ...process.env, ALFAMIX_BACKEND: '' };
    return spawnSync('sh', [...args, ...node], { encoding: 'utf8', env });
  };
  const hold = (size: number) =>
    limited(`const held = [];
      for (let left = ${size}; left > 0; left -= ${MB}) held.push(Buffer.alloc(${MB}, 1));
      console.log(held.length);`);

  test('a program that holds the pool does not end well, one that holds little does', () => {
    expect(hold(64 * MB)).toMatchObject({ status: 0, stdout: '64\n', stderr: '' });
    const { status, stdout, stderr } = hold(bytes);
    expect([status === 0, stdout]).toEqual([false, '']);
    expect(stderr).toMatch(/allocation failed|out of memory/i);
  });

  test.runIf(loadNative().binding)('select and score go on to the end', () => {
    assertBuilt();
    const last = Float32Array.from({ length: 40 * dim }, (_, k) => -9 * Math.sin(k % dim));
    const path = sparsePool(rows, dim, last);
    const { status, stdout, stderr } = limited(`
      import { LabeledSet, LinearHead, Pool, score, select } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      const dim = ${dim};
      const weight = Float32Array.from({ length: 4 * dim }, (_, i) => Math.sin(i));
      const head = LinearHead.from({ weight, bias: Float32Array.of(200, 0, 0, 0), classes: 4, dim });
      const labeled = LabeledSet.from({ embeddings: weight.slice(), labels: [0, 1, 2, 3] });
      const pool = await Pool.open(${JSON.stringify(path)});
      // Each thread's stack counts too.
      const given = { pool, labeled, head, threads: 2 };
      const { picks } = await select({ ...given, budget: 20 });
      const { row, pseudoLabel } = await score(given);
      console.log(JSON.stringify({ picks: picks.length, scored: row.length, first: pseudoLabel[0], last: pseudoLabel.at(-1) }));`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { last: label, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({ picks: 20, scored: rows, first: 0 });
    // Zeros are class 0; the last rows, read to the very end, are not.
    expect(label).toBeGreaterThan(0);
  });
});
