import { readFileSync } from 'node:fs';
import { loadNative } from '@alfamix/native';
import { getKernels, type Kernels, LabeledSet, LinearHead, Pool } from '../../src/index.js';
import { type GoldenTensors, goldenFile } from './golden-tensors.js';

/** What index.json says of a file that holds a pool. */
export interface GoldenEntry {
  name: string;
  n: number;
  d: number;
  classes: number;
  labeled: number;
  budget?: number;
  reference_candidates_per_cap?: number[];
  reference_stop_cap?: number;
  oracle_vs_reference_mismatch_per_cap?: number[];
}

export const goldenIndex: GoldenEntry[] = JSON.parse(
  readFileSync(new URL('../golden/index.json', import.meta.url), 'utf8'),
);

/** The digits-* files: those with a budget. */
export const digitsEntries = goldenIndex.filter(({ budget }) => budget !== undefined);

export interface GoldenCase {
  tensors: GoldenTensors;
  pool: Pool;
  labeled: LabeledSet;
  head: LinearHead;
}

/** A spread of it is arguments of `select`: the tensors are left out. */
export function goldenCase({ name, n, d, classes }: GoldenEntry): GoldenCase {
  const tensors = goldenFile(name);
  const given = {
    pool: Pool.fromArray(tensors.f32('unlabeled'), { rows: n, dim: d }),
    labeled: LabeledSet.from({ embeddings: tensors.f32('labeled'), labels: tensors.ints('labels') }),
    head: LinearHead.from({ weight: tensors.f32('weight'), bias: tensors.f32('bias'), classes, dim: d }),
  };
  return Object.defineProperty(given, 'tensors', { value: tensors }) as GoldenCase;
}

/**
 * Every maker of kernels that runs here: the TypeScript twin, and each level of the addon. With ALFAMIX_TEST_DEVICE=1 the CUDA
 * plug-in too, which must work then: on a device, or lane by lane on the host, which takes long (cuda.test.ts has the
 * short cases).
 */
export async function everyKernels(): Promise<Kernels[]> {
  const levels = loadNative().binding?.levels() ?? [];
  const cuda = process.env.ALFAMIX_TEST_DEVICE === '1' ? [getKernels('cuda')] : [];
  return Promise.all([getKernels('js'), ...levels.map((level) => getKernels('cpu', { level })), ...cuda]);
}
