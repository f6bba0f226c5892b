import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { Scratch } from './support/cli.js';

const SCRIPT = new URL('../../../scripts/stale-build.js', import.meta.url);

it('a build is stale once a source is newer, new or gone', async () => {
  const { isStale }: { isStale: (folder: string) => boolean } = await import(SCRIPT.href);
  using scratch = new Scratch();
  const put = (name: string, second: number) => {
    mkdirSync(dirname(scratch.file(name)), { recursive: true });
    writeFileSync(scratch.file(name), '');
    utimesSync(scratch.file(name), second, second);
  };
  const folders = ['packages/core/src', 'packages/core/src/formats', 'native/src'];
  const settle = () => {
    for (const folder of folders) utimesSync(scratch.file(folder), 50, 50);
  };
  for (const name of ['native', 'core', 'cli']) put(`packages/${name}/dist/index.js`, 90);
  for (const folder of folders) put(`${folder}/a`, 50);
  settle();
  expect(isStale(scratch.path)).toBe(true);
  put('build/built', 100);
  expect(isStale(scratch.path)).toBe(false);
  for (const folder of folders) {
    put(`${folder}/a`, 101);
    expect(isStale(scratch.path), folder).toBe(true);
    put(`${folder}/a`, 50);
    expect(isStale(scratch.path)).toBe(false);
    put(`${folder}/b`, 50);
    expect(isStale(scratch.path), `another file in ${folder}`).toBe(true);
    settle();
    rmSync(scratch.file(`${folder}/b`));
    expect(isStale(scratch.path), `a file of ${folder} gone`).toBe(true);
    settle();
  }
  rmSync(scratch.file('packages/cli/dist/index.js'));
  expect(isStale(scratch.path)).toBe(true);
});
