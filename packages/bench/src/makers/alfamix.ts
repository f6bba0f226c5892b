import { backendInfo, getKernels, type Kernels, LabeledSet, LinearHead, Pool, score } from '@alfamix/core';
import type { Loaded, Maker } from './maker.js';
import { toOutputs } from './maker.js';

type Kernel = (args: unknown) => Promise<unknown>;

/** Our own kernels at one level: a kernel gets the problem's arguments and arrays under their names. */
export async function alfamixMaker(backend: 'js' | 'cpu' | 'cuda', level?: string): Promise<Maker> {
  const kernels = await getKernels(backend, level === undefined ? {} : { level });
  const { nativeVersion } = await backendInfo();
  return {
    version: backend === 'js' ? 'TypeScript' : (nativeVersion ?? 'unknown'),
    make: async (problem) => {
      if (problem.kernel === 'score') return scoreRun(problem, kernels);
      const { args, arrays, threads } = problem;
      const given = Object.entries(arrays).map(([name, { values, type }]) => [
        name,
        type === 'float16' || type === 'bfloat16' ? { dtype: type, values } : values,
      ]);
      const all = { ...args, ...Object.fromEntries(given), threads };
      const kernel = kernels[problem.kernel as keyof Kernels] as Kernel;
      return async () => toOutputs(await kernel.call(kernels, all));
    },
  };
}

/** `score()` as a user calls it, on an array in memory. */
function scoreRun(
  { args, arrays, threads }: Loaded,
  kernels: Kernels,
): () => Promise<ReturnType<typeof toOutputs>> {
  const floats = (name: string) => arrays[name].values as Float32Array;
  const { rows, dim } = args;
  const classes = args.classes as number;
  const pool = Pool.fromArray(floats('data'), { rows, dim });
  const head = LinearHead.from({ weight: floats('weight'), bias: floats('bias'), classes, dim });
  const labeled = LabeledSet.from({
    embeddings: floats('labelled'),
    labels: [...(arrays.labels.values as Int32Array)],
  });
  return async () => toOutputs(await score({ pool, labeled, head, threads, kernels }));
}
