import { expect, test } from 'vitest';
import { hasAddon, runChild } from './addon.js';

const runs = Math.ceil(3000 * Number(process.env.ALFAMIX_FUZZ_RUNS ?? 1));
const seed = process.env.ALFAMIX_FUZZ_SEED ?? '20220314';

test.skipIf(!hasAddon)('any arguments end in a typed error or a settled promise', async () => {
  const ending = await runChild('fuzz-arguments.mjs', [String(runs), seed]);
  expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' });
  const ended: Record<string, number> = JSON.parse(ending.stdout);
  for (const how of ['INVALID_ARGUMENT', 'SHAPE_MISMATCH', 'passed on', 'resolved']) {
    expect(ended[how], how).toBeGreaterThan(0);
  }
});
