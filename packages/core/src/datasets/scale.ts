import { AlfamixError } from '../errors.js';
import type { Dataset } from './dataset.js';

/**
 * How features are scaled, by what the pool says, the test rows alike: `none`; `standard`, each to mean 0 and standard
 * deviation 1 (a constant one to 0); `max`, divided by the largest absolute value; `mnist`, pixels / 255, less 0.1307,
 * over 0.3081 (mean and deviation of MNIST's training pixels).
 */
export const SCALES = ['none', 'standard', 'max', 'mnist'] as const;
export type Scale = (typeof SCALES)[number];

/** Scales pool and test rows in place. */
export function scaleFeatures(scale: Scale, pool: Dataset, test: Dataset): void {
  if (scale === 'none') return;
  const { dim } = pool;
  const { shift, factor } = scale === 'standard' ? moments(pool) : constants(scale, pool);
  for (const { features, name } of [pool, test]) {
    for (let i = 0; i < features.length; i++) {
      const value = (features[i] - shift[i % dim]) * factor[i % dim];
      features[i] = value;
      if (!Number.isFinite(features[i])) {
        const row = Math.floor(i / dim);
        throw new AlfamixError('NON_FINITE', `row ${row} of ${name} leaves float32 when scaled (${scale})`);
      }
    }
  }
}

interface Affine {
  shift: Float64Array;
  factor: Float64Array;
}

function constants(scale: 'max' | 'mnist', { features, dim }: Dataset): Affine {
  let [shift, factor] = [0.1307 * 255, 1 / 255 / 0.3081];
  if (scale === 'max') {
    let largest = 0;
    for (const value of features) largest = Math.max(largest, Math.abs(value));
    [shift, factor] = [0, largest === 0 ? 0 : 1 / largest];
  }
  return { shift: new Float64Array(dim).fill(shift), factor: new Float64Array(dim).fill(factor) };
}

function moments({ features, rows, dim }: Dataset): Affine {
  const shift = new Float64Array(dim);
  for (let i = 0; i < features.length; i++) shift[i % dim] += features[i] / rows;
  const variance = new Float64Array(dim);
  for (let i = 0; i < features.length; i++) variance[i % dim] += (features[i] - shift[i % dim]) ** 2 / rows;
  return { shift, factor: variance.map((value) => (value > 0 ? 1 / Math.sqrt(value) : 0)) };
}
