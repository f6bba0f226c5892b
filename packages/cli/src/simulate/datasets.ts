import { fileURLToPath } from 'node:url';
import {
  AlfamixError,
  type Dataset,
  expected,
  holdOut,
  type OpenDatasetOptions,
  openDataset,
  type Scale,
  scaleFeatures,
} from '@alfamix/core';
import { DIGIT_FILES } from '../demo/digits.js';

/** What `simulate` is told about its data, and `report` finds in run.json. */
export interface DataOptions {
  readonly data: string;
  /** Default: a fifth of the rows is held out, drawn by `splitSeed`. */
  readonly test?: string;
  readonly splitSeed: number;
  readonly labelName?: string;
  /** Default: mnist for idx:, max for digits, else none. */
  readonly scale?: Scale;
  readonly signal?: AbortSignal;
}

export interface SplitData {
  readonly pool: Dataset;
  readonly test: Dataset;
  readonly scale: Scale;
}

const DIGITS = /^digits(?=\[|$)/;

/** Loads pool and test rows, with the pool's classes, and scales both by what the pool says. */
export async function loadData(options: DataOptions): Promise<SplitData> {
  const { data, test, splitSeed, labelName, signal } = options;
  const open = (spec: string, classNames?: readonly string[]) =>
    openNamed(spec, { labelName, classNames, signal });
  const all = await open(data);
  const split =
    test === undefined ? holdOut(all, splitSeed) : { pool: all, test: await open(test, all.classNames) };
  if (split.test.dim !== split.pool.dim) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${split.pool.dim} features a row, as in ${data}, in the test rows ${test}, got ${split.test.dim}`,
    );
  }
  const scale = options.scale ?? defaultScale(data);
  scaleFeatures(scale, split.pool, split.test);
  return { ...split, scale };
}

/** `openDataset`, which knows files only, with the bundled name and errors about what the user typed. */
async function openNamed(spec: string, options: OpenDatasetOptions): Promise<Dataset> {
  const file = fileURLToPath(DIGIT_FILES.digits);
  try {
    return await openDataset(spec.replace(DIGITS, `csv:${file}`), options);
  } catch (error) {
    if (!(error instanceof AlfamixError)) throw error;
    const { code, details } = error;
    if (details.name === 'the data')
      throw expected(
        'digits, csv:FILE, idx:DIR, or a .safetensors or .npz file with labels',
        'the data',
        spec,
      );
    if (!DIGITS.test(spec)) throw error;
    const message = error.message.replaceAll(`csv:${file}`, 'digits').replaceAll(file, 'digits');
    throw new AlfamixError(code, message, { cause: error, details: { ...details } });
  }
}

function defaultScale(spec: string): Scale {
  if (spec.startsWith('idx:')) return 'mnist';
  return DIGITS.test(spec) ? 'max' : 'none';
}
