import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { addon, addonPath, hasAddon } from './addon.js';

/** The logits of 300 x 64 rows and 48 classes at a level, in a process of its own: a process opens one BLAS. */
const CHILD = `
  const addon = process.dlopen(module, process.argv[1]) ?? module.exports;
  const [rows, dim, classes] = [300, 64, 48];
  const values = (n, step) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * step));
  const args = { data: values(rows * dim, 0.7), rows, dim, weight: values(classes * dim, 1.3), bias: values(classes, 2), classes, level: 'scalar' };
  (async () => {
    const { used } = await addon.measureProduct({ rows: 256, dim: 256, columns: 256, threads: 1, level: 'scalar' }).promise;
    const both = [];
    for (const threads of [1, 3]) both.push(Buffer.from((await addon.logits({ ...args, threads }).promise).buffer).toString('base64'));
    console.log(JSON.stringify({ blas: addon.blas(), used, both }));
  })();`;

function run(blas: string) {
  const text = execFileSync(process.execPath, ['-e', CHILD, addonPath], {
    encoding: 'utf8',
    env: { ...process.env, ALFAMIX_BLAS: blas },
  });
  const { both, ...rest } = JSON.parse(text) as { blas: { name?: string }; used: boolean; both: string[] };
  const floats = both.map((bytes) => new Float32Array(new Uint8Array(Buffer.from(bytes, 'base64')).buffer));
  return { ...rest, floats };
}

/** ALFAMIX_TEST_BLAS names a library; otherwise where Debian puts OpenBLAS. */
const LIBRARY = process.env.ALFAMIX_TEST_BLAS ?? 'libopenblas.so.0';
const found = hasAddon && run(LIBRARY).blas.name !== undefined;

describe.skipIf(!hasAddon)('BLAS', () => {
  it('that is off is not there, and logits are the same bits on any number of threads', () => {
    const { blas, used, floats } = run('off');
    expect(blas).toEqual({ reason: 'ALFAMIX_BLAS is off' });
    expect(used).toBe(false);
    expect(floats[1]).toEqual(floats[0]);
  });

  it('says what it found, or why it found none', () => {
    const { name, reason } = addon.blas();
    expect([name, reason].filter((text) => typeof text === 'string' && text !== '')).toHaveLength(1);
  });

  it.skipIf(!found)(
    'that is twice as fast is taken by logits: within rounding of our own, the same bits on any threads',
    () => {
      const [own, taken] = [run('off').floats[0], run(LIBRARY)];
      expect(taken.used).toBe(true);
      expect(taken.floats[1]).toEqual(taken.floats[0]);
      expect(taken.floats[0]).not.toEqual(own);
      const worst = own.reduce((most, x, i) => Math.max(most, Math.abs(x - taken.floats[0][i])), 0);
      // Two orders of 64 float32 additions of terms up to 1.
      expect(worst).toBeLessThan(64 * 64 * 2 ** -24);
    },
  );
});
