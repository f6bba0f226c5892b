import { readFileSync } from 'node:fs';
import { readTensor } from '../../src/formats/tensor-file.js';
import { getKernels } from '../../src/kernels/get-kernels.js';
import type { Kernels } from '../../src/kernels/kernels.js';

const folder = new URL('../golden/', import.meta.url);

/** One golden file's tensors by name; integers and float64 as doubles. */
export async function golden(name: string) {
  const path = new URL(`${name}.safetensors`, folder).pathname;
  const read = async (tensor: string, dtype: 'float32' | 'float64' | 'int', rank: number) =>
    (await readTensor(`${path}#${tensor}`, { dtype, rank })).data;
  return {
    float32: async (tensor: string, rank = 2) => (await read(tensor, 'float32', rank)) as Float32Array,
    float64: async (tensor: string, rank = 1) => (await read(tensor, 'float64', rank)) as Float64Array,
    int: async (tensor: string, rank = 1) => Array.from(await read(tensor, 'int', rank)),
  };
}

export interface GoldenEntry {
  name: string;
  n: number;
  d: number;
  classes: number;
  labeled: number;
  budget: number;
  reference_candidates_per_cap?: number[];
  reference_stop_cap?: number;
}

export const goldenIndex: GoldenEntry[] = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'));

/** Every maker of kernels that runs here: the TypeScript twin, and each level of the addon. */
export async function everyKernels(): Promise<Kernels[]> {
  const all = [await getKernels('js')];
  const { loadNative } = await import('@alfamix/native');
  const native = loadNative();
  for (const level of native.binding?.levels() ?? []) all.push(await getKernels('cpu', { level }));
  return all;
}
