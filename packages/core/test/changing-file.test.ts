import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AlfamixError } from '../src/errors.js';
import { openTensor, readTensorData } from '../src/formats/tensor-file.js';
import { LinearHead } from '../src/head/linear-head.js';
import { backendInfo, getKernels } from '../src/kernels/get-kernels.js';
import { LabeledSet } from '../src/labels/labeled-set.js';
import { Pool } from '../src/pool/pool.js';
import { type ScoreResult, score } from '../src/score.js';
import { select } from '../src/select.js';
import { fuzzRuns } from './fuzz/runs.js';
import { fails, floats, npy, safetensors, testFolder } from './support/files.js';

const { path: folder } = testFolder();
const DIM = 16;
const CHANGED = /^expected .* to stay as it was when it was opened, got a changed file$/;
const { backend } = await backendInfo();
const backends = backend === 'cpu' ? (['cpu', 'js'] as const) : (['js'] as const);

const head = LinearHead.from({
  weight: floats(3 * DIM),
  bias: new Float32Array(3),
  classes: 3,
  dim: DIM,
});
const labeled = LabeledSet.from({ embeddings: floats(9 * DIM), labels: [0, 1, 2, 0, 1, 2, 0, 1, 2] });

/** A pool of its own, last written long before it is opened: no change can hide in the clock's tick. */
async function poolFile(format: 'npy' | 'safetensors', rows: number, value = floats(rows * DIM)) {
  const file = join(folder, `pool.${format}`);
  const bytes = new Uint8Array(value.buffer);
  const header = { emb: { dtype: 'F32', shape: [rows, DIM], data_offsets: [0, bytes.length] } };
  rmSync(file, { force: true });
  writeFileSync(file, format === 'npy' ? npy(value, [rows, DIM]) : safetensors(header, bytes));
  utimesSync(file, 1_000_000_000, 1_000_000_000);
  return { file, pool: await Pool.open(file) };
}

/** Changes that leave what was opened as it was. */
const harmless: Record<string, (file: string) => void> = {
  'a chmod': (file) => chmodSync(file, 0o600),
  'another link': (file) => {
    rmSync(`${file}.link`, { force: true });
    linkSync(file, `${file}.link`);
  },
};

const harmful: Record<string, (file: string) => void> = {
  truncated: (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
  emptied: (file) => truncateSync(file, 0),
  grown: (file) => appendFileSync(file, 'more'),
  'overwritten in place': (file) => {
    const handle = openSync(file, 'r+');
    writeSync(handle, new Uint8Array(64), 0, 64, statSync(file).size - 64);
    closeSync(handle);
  },
  'renamed over by one of the same size and time': (file) => {
    writeFileSync(`${file}.new`, readFileSync(file).fill(0, 200));
    utimesSync(`${file}.new`, 1_000_000_000, 1_000_000_000);
    renameSync(`${file}.new`, file);
  },
};

const gone: Record<string, (file: string) => void> = {
  deleted: (file) => rmSync(file),
  'turned into a folder': (file) => {
    rmSync(file);
    mkdirSync(file);
  },
  'turned into a link to itself': (file) => {
    rmSync(file);
    symlinkSync(file, file);
  },
};

describe.each(backends)('a pool that changes between Pool.open and its reading, %s', (backend) => {
  describe.each(['npy', 'safetensors'] as const)('%s', (format) => {
    test.each(Object.entries(harmless))('%s changes nothing', async (_name, change) => {
      const { file, pool } = await poolFile(format, 50);
      const before = await score({ pool, labeled, head, backend });
      change(file);
      expect((await score({ pool, labeled, head, backend })).flipCap).toEqual(before.flipCap);
    });

    test.each(Object.entries(harmful))('%s', async (_name, change) => {
      const { file, pool } = await poolFile(format, 50);
      change(file);
      for (const read of [
        () => score({ pool, labeled, head, backend }),
        () => select({ pool, labeled, head, budget: 5, backend }),
        () => pool.toArray(),
        () => pool.gather([0]),
        () => LabeledSet.fromPool(pool, { rows: [1], labels: [0] }),
      ]) {
        await fails(read, 'IO', CHANGED);
      }
    });

    test.each(Object.entries(gone))('%s', async (_name, change) => {
      const { file, pool } = await poolFile(format, 50);
      change(file);
      await fails(() => score({ pool, labeled, head, backend }), 'IO', /pool\.(npy|safetensors)/);
      await fails(() => pool.toArray(), 'IO', /^can't read /);
      rmSync(file, { recursive: true, force: true });
    });
  });

  test('a time before 1970 and one far ahead are as good as any', async () => {
    for (const time of [-5, -0.25, 0, 4_000_000_000]) {
      const { file } = await poolFile('npy', 50);
      utimesSync(file, time, time);
      const pool = await Pool.open(file);
      expect((await score({ pool, labeled, head, backend })).row).toHaveLength(50);
      expect(await pool.gather([49])).toHaveLength(DIM);
    }
  });

  test('at a random moment of score: the right answer or an error, never a mixture', {
    timeout: 120_000,
  }, async () => {
    const rows = backend === 'cpu' ? 200_000 : 40_000;
    const old = floats(rows * DIM);
    const { pool } = await poolFile('npy', rows, old);
    const right = await score({ pool, labeled, head, backend });
    const changes = Object.entries({ ...harmless, ...harmful, ...gone });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...changes), fc.nat(8), async ([name, change], delay) => {
        const { file, pool } = await poolFile('npy', rows, old);
        const running: Promise<ScoreResult | AlfamixError> = score({ pool, labeled, head, backend }).catch(
          (error) => error,
        );
        await sleep(delay);
        change(file);
        const result = await running;
        rmSync(file, { recursive: true, force: true });
        if (result instanceof Error) {
          expect(result, name).toBeInstanceOf(AlfamixError);
          expect((result as AlfamixError).code, name).toBe('IO');
        } else {
          expect(Buffer.from(result.flipCap.buffer).equals(Buffer.from(right.flipCap.buffer)), name).toBe(
            true,
          );
          expect(Buffer.from(result.entropy.buffer).equals(Buffer.from(right.entropy.buffer)), name).toBe(
            true,
          );
        }
      }),
      { seed: 7, numRuns: fuzzRuns(30) },
    );
  });
});

test("a head or labels whose file changes between header and data aren't read from two files", async () => {
  const file = join(folder, 'small.npy');
  writeFileSync(file, npy(floats(6), [6]));
  utimesSync(file, 1_000_000_000, 1_000_000_000);
  const tensor = await openTensor(file, { dtype: 'float' });
  writeFileSync(file, npy(new Float32Array(6), [6]));
  await fails(() => readTensorData(tensor), 'IO', CHANGED);
});

test('a deleted file that is still being read gives all its rows', async () => {
  const rows = 200_000;
  const { file, pool } = await poolFile('npy', rows);
  let seen = 0;
  for await (const block of pool.blocks()) {
    if (seen === 0) rmSync(file);
    seen += block.rows;
  }
  expect(seen).toBe(rows);
});

test('a file written over while it is read stops the walk at the next block', async () => {
  const { file, pool } = await poolFile('npy', 200_000);
  let blocks = 0;
  const walk = async () => {
    for await (const _ of pool.blocks()) {
      if (blocks++ > 0) continue;
      const handle = openSync(file, 'r+');
      writeSync(handle, new Uint8Array(4), 0, 4, 8_000_000);
      closeSync(handle);
    }
  };
  await fails(walk, 'IO', CHANGED);
  expect(blocks).toBe(1);
});

test.each(backends)('rows beyond 4 GiB of a sparse file are read, %s', async (backend) => {
  const file = join(folder, 'sparse.npy');
  const rows = 110_000_000;
  const header = npy(new Float32Array(0), [rows, DIM]);
  const last = floats(2 * DIM);
  const offset = header.length + (rows - 2) * DIM * 4;
  writeFileSync(file, header);
  const handle = openSync(file, 'r+');
  ftruncateSync(handle, offset);
  writeSync(handle, new Uint8Array(last.buffer), 0, last.byteLength, offset);
  closeSync(handle);
  expect((await Pool.open(file)).rows).toBe(rows);
  const kernels = await getKernels(backend);
  const { weight, bias } = head;
  const search = { rows: 2, dim: DIM, weight, bias, classes: 3, anchors: new Float32Array(0) };
  const data = { segments: [{ path: file, offset, rows: 2 }] };
  expect(await kernels.flipSearch({ ...search, data })).toEqual(
    await kernels.flipSearch({ ...search, data: last }),
  );
  rmSync(file);
});

test.skipIf(process.platform !== 'linux')(
  'what is no file of its own is refused, and nothing blocks',
  async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    for (const [target, code, message] of [
      ['/dev/zero', 'IO', /it is a pipe, socket or device, expected a file$/],
      ['/proc/self/status', 'FORMAT', /is empty \(0 bytes\)/],
      [empty, 'FORMAT', /^expected \.npy.* files in the folder .*, got none$/],
    ] as const) {
      for (const extension of ['npy', 'safetensors', 'csv']) {
        const link = join(folder, `special.${extension}`);
        rmSync(link, { force: true });
        symlinkSync(target, link);
        await fails(() => Pool.open(link), code, message);
      }
    }
  },
);
