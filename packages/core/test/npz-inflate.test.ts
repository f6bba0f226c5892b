import { constants, crc32, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Pool } from '../src/index.js';
import { fails, floats, npy, testFolder } from './support/files.js';
import { zip } from './support/zip.js';

const { put } = testFolder();
const MiB = 1 << 20;
const DIM = 64;

/** A deflated .npz of `size` MiB of zeros, made without holding them: parts that end in a flush may be joined. */
function zeros(name: string, size: number): string {
  const rows = (size * MiB) / (4 * DIM);
  const head = npy(new Float32Array(0), [rows, DIM]);
  const part = new Uint8Array(MiB);
  const flushed = (bytes: Uint8Array) =>
    deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, level: constants.Z_BEST_SPEED });
  const parts: Uint8Array[] = Array(size).fill(flushed(part));
  let crc = crc32(head);
  for (let i = 0; i < size; i++) crc = crc32(part, crc);
  const deflated = Buffer.concat([flushed(head), ...parts, deflateRawSync(new Uint8Array(0))]);
  const bytes = head.length + size * MiB;
  return put(name, zip([{ name: 'emb.npy', data: head, deflated, crc, size: bytes }]));
}

/** How long the event loop waited at most while `work` ran, in milliseconds. */
async function longestWait(work: () => Promise<unknown>): Promise<number> {
  let [longest, last] = [0, performance.now()];
  const look = () => {
    const now = performance.now();
    [longest, last] = [Math.max(longest, now - last), now];
  };
  const timer = setInterval(look, 1);
  await work();
  clearInterval(timer);
  look();
  return longest;
}

test('a compressed pool of 192 MiB: little more memory than the array, and the event loop turns', async () => {
  const path = zeros('large.npz', 192);
  const before = process.resourceUsage().maxRSS * 1024;
  let pool: Pool | undefined;
  const waited = await longestWait(async () => {
    pool = await Pool.open(path);
  });
  const held = process.resourceUsage().maxRSS * 1024 - before;
  expect(pool?.rows).toBe((192 * MiB) / (4 * DIM));
  expect((await pool!.gather([0, pool!.rows - 1])).every((value) => value === 0)).toBe(true);
  expect(held).toBeLessThan(1.3 * 192 * MiB);
  // Inflated in one go it waits for 500 ms and more; this bound leaves room for a busy machine.
  expect(waited).toBeLessThan(150);
});

test('an abort ends it', async () => {
  const path = zeros('abort.npz', 256);
  const controller = new AbortController();
  const started = performance.now();
  setTimeout(() => controller.abort(), 20);
  await fails(() => Pool.open(path, { signal: controller.signal }), 'ABORTED', /aborted/);
  expect(performance.now() - started).toBeLessThan(1000);
});

test('what the header says decides the size, not what follows', async () => {
  const data = npy(new Float32Array(8), [4, 2]);
  const deflated = deflateRawSync(Buffer.concat([data, new Uint8Array(9)]));
  const longer = zip([{ name: 'e.npy', data, deflated }]);
  await fails(
    () => Pool.open(put('longer.npz', longer)),
    'FORMAT',
    /can't be inflated to 160 bytes: it holds more/,
  );
  const large = npy(floats(50_000), [25_000, 2]);
  const cut = zip([{ name: 'e.npy', data: large, deflated: deflateRawSync(large).subarray(0, -4) }]);
  await fails(
    () => Pool.open(put('cut.npz', cut)),
    'FORMAT',
    /can't be inflated to 200128 bytes: unexpected end/,
  );
  const shorter = deflateRawSync(data.subarray(0, -4));
  const short = zip([{ name: 'e.npy', data, deflated: shorter }]);
  await fails(() => Pool.open(put('short.npz', short)), 'FORMAT', /truncated: expected 160 bytes, got 156/);
});

test('empty blocks before the data, and bytes behind it', async () => {
  const data = npy(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const empty = Uint8Array.of(0, 0, 0, 0xff, 0xff);
  const before = Buffer.concat([...Array(2000).fill(empty), deflateRawSync(data)]);
  const behind = Buffer.concat([deflateRawSync(data), Buffer.alloc(100, 7)]);
  for (const deflated of [before, behind]) {
    const pool = await Pool.open(put('odd.npz', zip([{ name: 'e.npy', data, deflated }])));
    expect(await pool.toArray()).toEqual(Float32Array.of(1, 2, 3, 4));
  }
});
