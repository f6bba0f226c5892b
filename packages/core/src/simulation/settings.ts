import { createHash } from 'node:crypto';
import type { Dataset } from '../datasets/dataset.js';
import type { Scale } from '../datasets/scale.js';

/** What a run depends on, as its run.json holds it. */
export interface RunSettings {
  readonly format: 'alfamix-run';
  /** Of the format. */
  readonly version: 1;
  /** The package's. */
  readonly alfamix: string;
  readonly data: {
    readonly spec: string;
    /** Null: held out of `spec`, drawn by `splitSeed`. */
    readonly test: string | null;
    readonly splitSeed: number;
    /** The label column or tensor, where it was named. */
    readonly labelName: string | null;
    readonly scale: Scale;
    readonly rows: number;
    readonly testRows: number;
    readonly inputDim: number;
    readonly classes: readonly string[];
    /** Of pool and test rows as they were used: scaled features, then labels. */
    readonly sha256: string;
  };
  /** `linear`, `mlp`, `cnn`. */
  readonly model: string;
  /** The TensorFlow.js backend that trains; null for a model that needs none. */
  readonly tf: string | null;
  /** The ridge of the linear model; null for others. */
  readonly l2: number | null;
  /** Rows labelled at round 0, drawn by the seed. */
  readonly init: number;
  /** Rows labelled by each query. */
  readonly budget: number;
  /** Queries. */
  readonly rounds: number;
  /** Null: each strategy's own. */
  readonly alphaCap: number | null;
  readonly maxCandidates: number | null;
  /** Names with their options; grows when a run is continued with more of them. */
  readonly strategies: readonly string[];
  readonly seeds: readonly number[];
}

/** SHA-256 over the numbers of pool and test rows: equal for equal data, wherever it lies. */
export function hashData(pool: Dataset, test: Dataset): string {
  const hash = createHash('sha256');
  for (const { features, labels, dim } of [pool, test]) {
    hash.update(`${labels.length}x${dim};`);
    hash.update(new Uint8Array(features.buffer, features.byteOffset, features.byteLength));
    hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
  }
  return hash.digest('hex');
}
