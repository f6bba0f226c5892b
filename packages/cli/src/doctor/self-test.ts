import type { Kernels } from '@alfamix/core';
import { wrongNumber } from './check-numbers.js';
import { goldenChecks } from './golden-checks.js';
import { twinChecks } from './twin-checks.js';

let twins: ReturnType<typeof twinChecks> | undefined;

/**
 * Runs all kernels on golden numbers, and those of the addon against their TypeScript twins on sizes that no vector
 * fits. Takes a fraction of a second.
 *
 * @returns what is wrong, a sentence; undefined when nothing is
 */
export async function selfTest(kernels: Kernels): Promise<string | undefined> {
  const checks = goldenChecks();
  if (kernels.backend !== 'js') {
    twins ??= twinChecks();
    checks.push(...(await twins));
  }
  for (const check of checks) {
    const wrong = await wrongNumber(check, kernels);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
