import { describe, expect, it } from 'vitest';
import { hasAddon, runChild } from './addon.js';

const rounds = 20;

describe.skipIf(!hasAddon)('a process with jobs under way', { timeout: 120_000 }, () => {
  it.each(['exit', 'exit-in-progress'])(`ends by ${'%s'}, ${rounds} times`, async (how) => {
    for (let round = 0; round < rounds; round++) {
      const ending = await runChild('exit-mid-job.mjs', [how, String((round % 5) * 15)]);
      expect(ending).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
    }
  });

  it('ends by an uncaught exception with its message', async () => {
    for (let round = 0; round < 5; round++) {
      const ending = await runChild('exit-mid-job.mjs', ['throw', String(round * 20)]);
      expect(ending).toMatchObject({ code: 1, signal: null, stdout: '' });
      expect(ending.stderr).toContain('Error: on purpose');
    }
  });

  it.skipIf(process.platform === 'win32')('ends by a signal', async () => {
    expect(await runChild('exit-mid-job.mjs', ['signal', '30'])).toMatchObject({
      signal: 'SIGTERM',
      stderr: '',
    });
  });

  it('rejects what it cancels, then ends by itself', async () => {
    const ending = await runChild('exit-mid-job.mjs', ['cancel', '30']);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(ending.stdout).toMatch(/^ABORTED,ABORTED,(fulfilled|ABORTED)$/);
  });

  it(`stays until its last promise is settled, ${rounds} times`, async () => {
    for (let round = 0; round < rounds; round++) {
      const ending = await runChild('exit-mid-job.mjs', ['natural', String((round % 3) * 10)]);
      expect(ending).toMatchObject({ code: 0, stdout: 'told', stderr: '' });
    }
  });
});

describe.skipIf(!hasAddon)('worker threads', { timeout: 120_000 }, () => {
  it('run jobs, several at once, and end cleanly in the middle of them', async () => {
    const ending = await runChild('workers.mjs', ['30']);
    expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    const { several, own, slowest } = JSON.parse(ending.stdout);
    expect(several).toHaveLength(3);
    for (const { norm } of several) expect(norm).toBeCloseTo(1, 5);
    expect(own).toBe(64_000);
    expect(slowest).toBeLessThan(500);
  });

  it('survive a main thread that exits while they work', async () => {
    for (let round = 0; round < 5; round++) {
      const ending = await runChild('exit-with-workers.mjs', [String(round * 15)]);
      expect(ending).toEqual({ code: 3, signal: null, stdout: '', stderr: '' });
    }
  });
});

describe.skipIf(!hasAddon)('memory', { timeout: 60_000 }, () => {
  it('comes back from jobs that finish, fail or are cancelled', async () => {
    const ending = await runChild('memory.mjs', [], ['--expose-gc']);
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    const { before, after } = JSON.parse(ending.stdout);
    const megabyte = 2 ** 20;
    // 40 rounds hold 10 MB of arrays each while they run.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(megabyte);
    expect(after.rss - before.rss).toBeLessThan(60 * megabyte);
  });
});
