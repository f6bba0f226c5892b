import type { Kernels } from '@alfamix/core';
import { toOutputs } from '../../src/makers/maker.js';
import { type Outputs, type Problem, readArray } from '../../src/problem.js';

/** What a kernel is called with: the problem's numbers, and its arrays read. */
export function readArguments({ args, arrays }: Problem): Record<string, unknown> {
  const given = Object.entries(arrays).map(([name, array]) => [name, readArray(array)]);
  return { ...args, ...Object.fromEntries(given) };
}

/** The problem solved by kernels, in this process. */
export async function ours(problem: Problem, kernels: Kernels): Promise<Outputs> {
  const run = kernels[problem.kernel as keyof Kernels] as unknown as (args: object) => Promise<unknown>;
  return toOutputs(await run.call(kernels, readArguments(problem)));
}
