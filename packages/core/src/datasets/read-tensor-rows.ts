import { AlfamixError } from '../errors.js';
import { parseSpec, readTensor } from '../formats/tensor-file.js';
import { Pool } from '../pool/pool.js';
import type { LabeledRows } from './dataset.js';

/** Tried in this order where the labels' tensor isn't named. */
const LABEL_NAMES = ['labels', 'label', 'targets', 'y'];

/** Embeddings and labels of one .safetensors or .npz file. */
export async function readTensorRows(
  spec: string,
  labelName: string | undefined,
  signal?: AbortSignal,
): Promise<LabeledRows> {
  const { path } = parseSpec(spec);
  using pool = await Pool.open(spec, { signal });
  const { data, name } = await labelTensor(path, labelName);
  if (data.length !== pool.rows) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${pool.rows} labels, one a row of ${spec}, in ${path}#${name}, got ${data.length}`,
    );
  }
  return {
    features: await pool.toArray({ signal }),
    rows: pool.rows,
    dim: pool.dim,
    labels: Array.from(data, String),
  };
}

async function labelTensor(path: string, labelName: string | undefined) {
  const want = { dtype: 'int', rank: 1 } as const;
  if (labelName !== undefined) {
    return readTensor(`${path}#${labelName}`, want).catch((error) => {
      throw notIntegers(error);
    });
  }
  for (const name of LABEL_NAMES) {
    try {
      return await readTensor(`${path}#${name}`, want);
    } catch (error) {
      // Not there: INVALID_ARGUMENT. There and wrong: the user's to mend.
      if (error instanceof AlfamixError && error.code === 'INVALID_ARGUMENT') continue;
      throw notIntegers(error);
    }
  }
  return readTensor(path, want).catch((error) => {
    throw notIntegers(error);
  });
}

function notIntegers(error: unknown): unknown {
  if (!(error instanceof AlfamixError) || error.code !== 'FORMAT') return error;
  const advice = 'labels must be integers; a CSV may have text';
  return new AlfamixError('FORMAT', `${error.message}: ${advice}`, { cause: error, details: error.details });
}
