import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunFolder } from '../src/simulation/run-folder.js';
import { fails, testFolder } from './support/files.js';

const folder = testFolder();
const DEAD = '4194303999';

test('this process itself has to wait its turn, under another name of the folder too', async () => {
  const path = join(folder.path, 'own');
  const unlock = await new RunFolder(path).lock();
  expect(readFileSync(join(path, 'run.lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  symlinkSync(path, join(folder.path, 'alias'), 'junction');
  for (const name of ['own', 'alias'])
    await fails(
      () => new RunFolder(join(folder.path, name)).lock(),
      'INVALID_ARGUMENT',
      /this process has locked/,
    );
  expect(readdirSync(path)).toEqual(['run.lock']);
  await unlock();
  expect(readdirSync(path)).toEqual([]);
  await (await new RunFolder(path).lock())();
});

test.each([
  ['fresh', undefined, undefined],
  ['dead', DEAD, undefined],
  ['cut short', '', undefined],
  ['dead, and one that died taking it over', DEAD, DEAD],
  ['of this number, from another life', String(process.pid), undefined],
])('a lock that is %s goes to one of four', async (name, lock, over) => {
  const path = join(folder.path, `race ${name}`);
  mkdirSync(path);
  if (lock !== undefined) writeFileSync(join(path, 'run.lock'), lock);
  if (over !== undefined) writeFileSync(join(path, 'run.lock.over'), over);
  const ends = await Promise.allSettled(Array.from({ length: 4 }, () => new RunFolder(path).lock()));
  const got = ends.filter((end) => end.status === 'fulfilled');
  expect(got).toHaveLength(1);
  expect(readdirSync(path)).toEqual(['run.lock']);
  await got[0].value();
  expect(readdirSync(path)).toEqual([]);
});

test("another's lock is not removed, and what killed processes left doesn't block a folder", async () => {
  const path = join(folder.path, 'left');
  const unlock = await new RunFolder(path).lock();
  writeFileSync(join(path, 'run.lock'), '1 someone');
  await unlock();
  expect(readFileSync(join(path, 'run.lock'), 'utf8')).toBe('1 someone');
  writeFileSync(join(path, '.run.json.123.4.tmp'), '{');
  writeFileSync(join(path, '.run.lock.123.4.tmp'), '123');
  expect(await new RunFolder(path).settings()).toBeUndefined();
  writeFileSync(join(path, '.run.json.mine.tmp'), '{');
  await fails(() => new RunFolder(path).settings(), 'FORMAT', /"\.run\.json\.mine\.tmp"/);
});
