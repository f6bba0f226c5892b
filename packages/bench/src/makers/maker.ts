import { AlfamixError } from '@alfamix/core';
import type { ArrayType, Outputs, Values } from '../problem.js';

/** A problem with its arrays in memory. */
export interface Loaded {
  kernel: string;
  args: Readonly<Record<string, unknown>> & { readonly rows: number; readonly dim: number };
  arrays: Readonly<Record<string, { values: Values; type: ArrayType }>>;
  threads: number;
}

/** Does all that may be done before the clock starts, and gives what is timed. */
export type Make = (problem: Loaded) => Promise<() => Promise<Outputs>>;

export interface Maker {
  make: Make;
  /** Of what is measured: a library's version. */
  version: string;
}

/**
 * By name: `js`, `cpu:LEVEL`, `tfjs:BACKEND`, `ml-kmeans`. Each loads only what it needs.
 * @throws NATIVE_UNAVAILABLE, TF_UNAVAILABLE; INVALID_ARGUMENT for an unknown name
 */
export async function loadMaker(name: string): Promise<Maker> {
  const [kind, part] = name.split(':');
  if (kind === 'js' || kind === 'cpu' || kind === 'cuda')
    return (await import('./alfamix.js')).alfamixMaker(kind, part);
  if (kind === 'tfjs') return (await import('./tfjs.js')).tfjsMaker(part);
  if (kind === 'ml-kmeans') return (await import('./ml-kmeans.js')).mlKmeansMaker();
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected js, cpu:LEVEL, tfjs:BACKEND or ml-kmeans, got ${name}`,
  );
}

/** A kernel's result as outputs: its typed arrays by name (a lone array is `values`), its numbers. */
export function toOutputs(result: unknown): Outputs {
  const fields = ArrayBuffer.isView(result) ? { values: result } : (result as Record<string, unknown>);
  const outputs: Outputs = { arrays: {}, numbers: {} };
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Uint8Array) outputs.arrays[name] = Int32Array.from(value);
    else if (ArrayBuffer.isView(value)) outputs.arrays[name] = value as Values;
    else if (typeof value === 'number' || typeof value === 'boolean') outputs.numbers[name] = value;
  }
  return outputs;
}
