import { execFile } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { assertBuilt } from '../support/built.js';
import { npy, safetensors, testFolder } from '../support/files.js';

const { path: folder, put } = testFolder();
const run = promisify(execFile);
/** A header that lies costs nothing; a CSV record of 8 MiB costs its fields. */
const MOST_RSS = { header: 32 << 20, record: 512 << 20 };

const none = new Uint8Array(0);
const f32 = (shape: number[], end: number) => ({ x: { dtype: 'F32', shape, data_offsets: [0, end] } });
const claims = (length: number) => Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, ...u32(length)]);
const u32 = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);

/** A sparse file of `bytes` zero bytes behind `start`. */
function sparse(name: string, start: Uint8Array, bytes: number): string {
  const file = join(folder, name);
  const handle = openSync(file, 'w');
  writeSync(handle, start);
  ftruncateSync(handle, start.length + bytes);
  closeSync(handle);
  return file;
}

const files = [
  put('rows.npy', npy(none, [2 ** 40, 1])),
  put('product.npy', npy(none, [], { shape: '(4294967296, 4294967296)' })),
  put('wraps.npy', npy(new Uint8Array(16), [], { shape: '(9223372036854775808, 2)' })),
  put('header.npy', Buffer.concat([claims(2 ** 32 - 1), Buffer.alloc(100)])),
  sparse('header-in-zeros.npy', claims(2 ** 32 - 1), 6 * 2 ** 30),
  put('rows.safetensors', safetensors(f32([2 ** 40, 1], 2 ** 42), none)),
  put('header.safetensors', safetensors('{}', none, 2n ** 63n)),
  sparse('header-in-zeros.safetensors', safetensors('{}', none, 2n ** 32n), 6 * 2 ** 30),
  put('deep.safetensors', safetensors('{"a":'.repeat(100_000), none)),
  put('commas.csv', ','.repeat(10 << 20)),
  put('quote.csv', `"${'x'.repeat(10 << 20)}`),
  put('blank.csv', '\n'.repeat(10 << 20)),
];

// Its own small heap, and the most memory it ever held: what a header claims must not be taken on trust.
const CHILD = `
  const { Pool } = await import(process.argv[1]);
  for (const file of process.argv.slice(2)) {
    const before = process.resourceUsage().maxRSS;
    const code = await Pool.open(file).then(() => 'opened', (error) => error.code ?? String(error));
    console.log(JSON.stringify({ file: file.split('/').pop(), code, grown: (process.resourceUsage().maxRSS - before) * 1024 }));
  }`;

test('declared sizes are checked before memory is taken', async () => {
  assertBuilt();
  const core = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
  const node = ['--max-old-space-size=256', '--input-type=module', '-e', CHILD, core, ...files];
  const { stdout } = await run(process.execPath, node, { timeout: 50_000 });
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(results).toHaveLength(files.length);
  for (const { file, code, grown } of results) {
    expect(code, file).toBe('FORMAT');
    expect(grown, file).toBeLessThan(file.endsWith('.csv') ? MOST_RSS.record : MOST_RSS.header);
  }
});
