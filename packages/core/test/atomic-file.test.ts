import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assertWritable, discardUnfinishedFiles, writeFileAtomic } from '../src/formats/atomic-file.js';
import { OutputSet } from '../src/formats/output-set.js';
import { fails, testFolder } from './support/files.js';

const { path: folder, put } = testFolder();
const leftovers = () => readdirSync(folder).filter((name) => name.endsWith('.tmp'));

describe('writeFileAtomic', () => {
  test('writes text and bytes in order, over what was there', async () => {
    const file = put('out.txt', 'old');
    await writeFileAtomic(file, async (append) => {
      await append('é1\n');
      await append(Uint8Array.of(0x32, 0x0a));
      await append('x'.repeat(200_000));
      expect(readFileSync(file, 'utf8')).toBe('old');
      expect(leftovers()).toHaveLength(1);
      expect(leftovers()[0]).toMatch(new RegExp(`^\\.out\\.txt\\.${process.pid}\\.\\d+\\.tmp$`));
    });
    expect(readFileSync(file, 'utf8')).toBe(`é1\n2\n${'x'.repeat(200_000)}`);
    expect(leftovers()).toEqual([]);
  });

  test('an error leaves the old file and nothing else', async () => {
    const file = put('kept.txt', 'old');
    const problem = new Error('no more');
    const failing = writeFileAtomic(file, async (append) => {
      await append('new');
      throw problem;
    });
    await expect(failing).rejects.toBe(problem);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(leftovers()).toEqual([]);
  });

  test('an abort leaves the old file and nothing else', async () => {
    const file = put('aborted.txt', 'old');
    const controller = new AbortController();
    const { signal } = controller;
    const run = () =>
      writeFileAtomic(
        file,
        async (append) => {
          await append('new');
          controller.abort('stop');
          await append('more');
        },
        { signal },
      );
    expect((await fails(run, 'ABORTED', /aborted/)).cause).toBe('stop');
    await fails(run, 'ABORTED', /aborted/);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(leftovers()).toEqual([]);
  });

  test('two writers of one file use two temporary files', async () => {
    const file = join(folder, 'both.txt');
    let open = 0;
    const both = ['a', 'b'].map((text) =>
      writeFileAtomic(file, async (append) => {
        await append(text);
        open = Math.max(open, leftovers().length);
        await new Promise((done) => setTimeout(done, 20));
      }),
    );
    await Promise.all(both);
    expect(open).toBe(2);
    expect(readFileSync(file, 'utf8')).toMatch(/^[ab]$/);
  });

  test('a link stays a link, a long name fits', async () => {
    const target = put('target.txt', 'old');
    symlinkSync(target, join(folder, 'link.txt'));
    await writeFileAtomic(join(folder, 'link.txt'), (append) => append('new'));
    expect(readFileSync(target, 'utf8')).toBe('new');
    const long = join(folder, 'n'.repeat(250));
    await writeFileAtomic(long, (append) => append('x'));
    expect(readFileSync(long, 'utf8')).toBe('x');
    await fails(
      () => writeFileAtomic(join(folder, 'n'.repeat(300)), (append) => append('x')),
      'IO',
      /its name is too long$/,
    );
  });

  test('a link to nothing stays a link too: its target is made', async () => {
    symlinkSync('later.txt', join(folder, 'dangling.txt'));
    await writeFileAtomic(join(folder, 'dangling.txt'), (append) => append('new'));
    expect(lstatSync(join(folder, 'dangling.txt')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'later.txt'), 'utf8')).toBe('new');
    symlinkSync('round.txt', join(folder, 'round.txt'));
    await fails(
      () => writeFileAtomic(join(folder, 'round.txt'), (append) => append('x')),
      'IO',
      /form a loop$/,
    );
  });

  test('unfinished files can be discarded at once', async () => {
    const file = join(folder, 'unfinished.txt');
    const run = () =>
      writeFileAtomic(file, async (append) => {
        await append(new Uint8Array(10));
        expect(discardUnfinishedFiles()).toBe(1);
        expect(leftovers()).toEqual([]);
      });
    await fails(run, 'IO', /^can't write .*unfinished\.txt: /);
    expect(existsSync(file)).toBe(false);
    expect(discardUnfinishedFiles()).toBe(0);
  });
});

describe('OutputSet', () => {
  const both = (text: string, outputs: OutputSet, second = text) =>
    Promise.all([
      writeFileAtomic(join(folder, 'first.txt'), (append) => append(text), { outputs }),
      writeFileAtomic(join(folder, 'second.txt'), (append) => append(second), { outputs }),
    ]);
  const contents = () => ['first.txt', 'second.txt'].map((name) => readFileSync(join(folder, name), 'utf8'));

  test('its files appear together, and take the place of others', async () => {
    put('first.txt', 'old');
    put('second.txt', 'old');
    const gone = put('gone.txt', 'old');
    using outputs = new OutputSet();
    await both('new', outputs);
    outputs.replaces(gone);
    expect(contents()).toEqual(['old', 'old']);
    expect(readFileSync(outputs.temporaryOf(join(folder, 'first.txt')), 'utf8')).toBe('new');
    await outputs.commit();
    expect(contents()).toEqual(['new', 'new']);
    expect(existsSync(gone)).toBe(false);
    expect(leftovers()).toEqual([]);
    expect(discardUnfinishedFiles()).toBe(0);
  });

  test('an error in one, or an abort, leaves all as they were', async () => {
    put('first.txt', 'old');
    put('second.txt', 'old');
    const kept = put('kept-too.txt', 'old');
    const failing = async (signal?: AbortSignal) => {
      using outputs = new OutputSet();
      await both('new', outputs);
      outputs.replaces(kept);
      if (!signal) throw new Error('no more');
      await outputs.commit({ signal });
    };
    await expect(failing()).rejects.toThrow('no more');
    await fails(() => failing(AbortSignal.abort()), 'ABORTED', /aborted/);
    expect(contents()).toEqual(['old', 'old']);
    expect(existsSync(kept)).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  test('what waits for its commit goes with the process', async () => {
    using outputs = new OutputSet();
    await both('new', outputs);
    expect(leftovers()).toHaveLength(2);
    expect(discardUnfinishedFiles()).toBe(2);
    expect(leftovers()).toEqual([]);
    // Whichever was written first.
    await fails(() => outputs.commit(), 'IO', /^can't write .*(first|second)\.txt: /);
  });
});

describe('assertWritable', () => {
  test('bad targets', async () => {
    const check = (path: string) => () => assertWritable(path);
    await fails(
      check(join(folder, 'no/such/x.csv')),
      'IO',
      /^can't write .*x\.csv: the folder .*such doesn't exist$/,
    );
    put('plain', 'x');
    await fails(check(join(folder, 'plain/x.csv')), 'IO', /^can't write .*x\.csv: .*plain is not a folder$/);
    mkdirSync(join(folder, 'dir'));
    await fails(check(join(folder, 'dir')), 'IO', /^can't write .*dir: it is a directory, expected a file$/);
    await fails(check(join(folder, 'new/')), 'IO', /it is a directory, expected a file$/);
    if (process.platform === 'linux') {
      await fails(
        check('/dev/null'),
        'IO',
        /^can't write \/dev\/null: it is a pipe, socket or device, expected a regular file$/,
      );
    }
    await fails(() => writeFileAtomic(join(folder, 'dir'), async () => {}), 'IO', /it is a directory/);
    expect(assertWritable(join(folder, 'fine.csv'))).toBeUndefined();
    expect(existsSync(join(folder, 'fine.csv'))).toBe(false);
  });

  // The superuser may write anywhere.
  test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'a folder without permission',
    async () => {
      const locked = join(folder, 'locked');
      mkdirSync(locked);
      chmodSync(locked, 0o500);
      await fails(() => assertWritable(join(locked, 'x')), 'IO', /permission denied/);
      chmodSync(locked, 0o700);
    },
  );

  test.skipIf(process.platform !== 'linux' || !existsSync('/dev/full'))('a pipe is not read', async () => {
    const { openTensor } = await import('../src/formats/tensor-file.js');
    execFileSync('mkfifo', [join(folder, 'pipe.npy')]);
    await fails(
      () => openTensor(join(folder, 'pipe.npy'), { dtype: 'int' }),
      'IO',
      /it is a pipe, socket or device, expected a file$/,
    );
  });
});
