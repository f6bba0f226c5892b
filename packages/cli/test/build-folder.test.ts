import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Scratch } from './support/cli.js';

const SCRIPT = new URL('../../../scripts/build-folder.js', import.meta.url);

it('a build folder that was never configured to its end goes; others stay', async () => {
  const { dropHalfConfigured }: { dropHalfConfigured: (folder: string) => void } = await import(SCRIPT.href);
  using scratch = new Scratch();
  const put = (name: string) => writeFileSync(scratch.file(`build/${name}`), '');
  const after = () => {
    dropHalfConfigured(scratch.file('build'));
    return scratch.list();
  };
  expect(after()).toEqual([]);
  mkdirSync(scratch.file('build'));
  expect(after()).toEqual(['build']);
  put('CMakeCache.txt');
  put('cmake_install.cmake');
  expect(after()).toEqual(['build']);
  mkdirSync(scratch.file('other'));
  writeFileSync(scratch.file('other/CMakeCache.txt'), '');
  dropHalfConfigured(scratch.file('other'));
  expect(scratch.list()).toEqual(['build']);
});
