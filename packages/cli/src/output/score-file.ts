import { basename } from 'node:path';
import { csvField, type Pool, type ScoreResult, type WriteOptions, writeSafetensors } from '@alfamix/core';
import { VERSION } from '../version.js';
import { writeCsv } from './csv.js';
import { formatFloat32 } from './float32.js';
import { manifestPath } from './manifest.js';

export const SCORE_COLUMNS = [
  'row',
  'id',
  'pseudo_label',
  'confidence',
  'margin',
  'entropy',
  'flip_cap',
  'flip_anchor',
  'flip_to',
] as const;

export interface ScoreTable {
  readonly result: ScoreResult;
  readonly pool: Pool;
  readonly classNames: readonly string[];
}

/** Writes every row's scores as CSV: classes by name, `inf` where nothing flips, empty anchors there. */
export function writeScoreCsv(
  path: string,
  { result, pool, classNames }: ScoreTable,
  options: WriteOptions & { onProgress?: (done: number, total: number) => void },
): Promise<void> {
  const names = classNames.map((name) => csvField(name));
  const nameOf = (index: number) => (index < 0 ? '' : names[index]);
  const { row, pseudoLabel, confidence, margin, entropy, flipCap, flipAnchor, flipTo } = result;
  const rows = row.length;
  function* lines(): Generator<string> {
    for (let i = 0; i < rows; i++) {
      const numbers = `${formatFloat32(confidence[i])},${formatFloat32(margin[i])},${formatFloat32(entropy[i])},${formatFloat32(flipCap[i])}`;
      const id = pool.ids ? csvField(pool.idOf(row[i])) : '';
      yield `${row[i]},${id},${nameOf(pseudoLabel[i])},${numbers},${nameOf(flipAnchor[i])},${nameOf(flipTo[i])}`;
    }
  }
  const { onProgress, ...writing } = options;
  return writeCsv(path, SCORE_COLUMNS, lines(), {
    ...writing,
    onProgress: (done) => onProgress?.(done, rows),
  });
}

/** Writes every row's scores as tensors: classes by index (−1 where nothing flips), their names in the metadata. */
export async function writeScoreTensors(
  path: string,
  { result, classNames }: ScoreTable,
  { signal, outputs }: WriteOptions,
): Promise<void> {
  const shape = [result.row.length];
  const floats = (data: Float32Array) => ({ dtype: 'F32', shape, data }) as const;
  const indices = (data: Int32Array) => ({ dtype: 'I32', shape, data }) as const;
  await writeSafetensors(
    path,
    {
      row: { dtype: 'I64', shape, data: result.row },
      pseudo_label: indices(result.pseudoLabel),
      confidence: floats(result.confidence),
      margin: floats(result.margin),
      entropy: floats(result.entropy),
      flip_cap: floats(result.flipCap),
      flip_anchor: indices(result.flipAnchor),
      flip_to: indices(result.flipTo),
    },
    { classes: JSON.stringify(classNames), manifest: basename(manifestPath(path)), alfamix: VERSION },
    { signal, outputs },
  );
}
