import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { LinearHead, Pool } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { fails, floats, testFolder } from './support/files.js';
import { everyKernels } from './support/golden-cases.js';

const { path: folder, put } = testFolder();
const [rows, dim, classes] = [6, 4, 2];
const head = { weight: floats(classes * dim), bias: new Float32Array(classes), classes };

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

describe('a file that a kernel can not read: one code, one sentence, whatever the backend', () => {
  const posix = process.platform !== 'win32';
  const directory = join(folder, 'directory');
  const loop = join(folder, 'loop');
  mkdirSync(directory);
  if (posix) symlinkSync(loop, loop);
  const file = put('rows.bin', new Uint8Array(floats(rows * dim).buffer));
  const short = put('short.bin', new Uint8Array(40));
  const deep = join(folder, ...Array.from({ length: 9 }, () => 'a-long-name-of-a-folder'));
  mkdirSync(deep, { recursive: true });

  test.each<[string, string, string, RegExp, boolean]>([
    ['a directory', directory, 'IO', /directory: it is a directory, expected a file$/, true],
    ['a deep directory', deep, 'IO', /: it is a directory, expected a file$/, true],
    ['a device', '/dev/zero', 'IO', /it is a pipe, socket or device, expected a file$/, posix],
    ['no file', join(folder, 'none'), 'IO', /none: there is no such file or folder$/, true],
    ['a path through a file', join(file, 'x'), 'IO', /a part of its path is not a folder$/, posix],
    ['a link to itself', loop, 'IO', /its symbolic links form a loop$/, posix],
    ['a path with a NUL', `${file}\0.x`, 'INVALID_ARGUMENT', /^expected a file path without NUL/, true],
    [
      'too few bytes',
      short,
      'IO',
      /short.bin ended at byte 40 while it was read, expected at least 96/,
      true,
    ],
  ])('%s', async (_, path, code, message, here) => {
    if (!here || (path.startsWith('/dev') && !existsSync(path))) return;
    const args = { data: { segments: [{ path, offset: 0, rows }] }, rows, dim, ...head };
    const said = new Set<string>();
    for (const kernels of makers) {
      for (const run of [
        () => kernels.logits(args),
        () => kernels.scoreUncertainty(args),
        () => kernels.flipSearch({ ...args, anchors: floats(dim) }),
      ])
        said.add((await fails(run, code as 'IO', message)).message);
    }
    expect([...said]).toHaveLength(1);
  });
});

test('a path with a NUL names no file', async () => {
  const words = /: its path has a NUL character$/;
  for (const path of ['rows\0.npy', 'rows\0.safetensors', 'rows\0.csv']) {
    await fails(() => Pool.open(path), 'IO', words);
    if (path.endsWith('safetensors')) await fails(() => LinearHead.open(path), 'IO', words);
  }
  rmSync(join(folder, 'loop'), { force: true });
});
