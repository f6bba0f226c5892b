import { basename } from 'node:path';
import { type Pick, type Pool, type WriteOptions, writeParquet } from '@alfamix/core';
import { className } from '../inputs/classes.js';
import { VERSION } from '../version.js';
import { manifestPath } from './manifest.js';
import type { ScoreTable } from './score-file.js';

/** Writes every row's scores, the columns of the CSV: classes by name, infinity where nothing flips, nulls for none. */
export async function writeScoresParquet(
  path: string,
  { result, pool, classNames }: ScoreTable,
  { signal, outputs }: WriteOptions,
): Promise<void> {
  const names = (indices: Int32Array) => ({
    type: 'STRING' as const,
    data: Array.from(indices, (index) => classNames[index]),
  });
  const floats = (data: Float32Array) => ({ type: 'FLOAT' as const, data });
  const columns = [
    { name: 'row', type: 'INT64' as const, data: result.row },
    { name: 'id', type: 'STRING' as const, data: Array.from(result.row, (row) => pool.ids?.[row]) },
    { name: 'pseudo_label', ...names(result.pseudoLabel) },
    { name: 'confidence', ...floats(result.confidence) },
    { name: 'margin', ...floats(result.margin) },
    { name: 'entropy', ...floats(result.entropy) },
    { name: 'flip_cap', ...floats(result.flipCap) },
    { name: 'flip_anchor', ...names(result.flipAnchor) },
    { name: 'flip_to', ...names(result.flipTo) },
  ];
  await writeParquet(path, columns, metadata(path), { signal, outputs });
}

/** Writes the picks, the columns of the CSV. */
export async function writePicksParquet(
  path: string,
  picks: readonly Pick[],
  pool: Pool,
  classNames: readonly string[] | undefined,
  { signal, outputs }: WriteOptions,
): Promise<void> {
  const column = <Type extends 'INT32' | 'INT64' | 'FLOAT' | 'STRING'>(
    name: string,
    type: Type,
    of: (pick: Pick) => number | string | undefined,
  ) => ({ name, type, data: picks.map(of) });
  const columns = [
    column('rank', 'INT32', ({ rank }) => rank),
    column('row', 'INT64', ({ row }) => row),
    column('id', 'STRING', ({ row }) => pool.ids?.[row]),
    column('pseudo_label', 'STRING', ({ pseudoLabel }) =>
      pseudoLabel === undefined ? undefined : className(pseudoLabel, classNames),
    ),
    column('flip_cap', 'FLOAT', ({ flipCap }) => flipCap),
    column('cluster', 'INT32', ({ cluster }) => cluster),
    column('cluster_size', 'INT32', ({ clusterSize }) => clusterSize),
  ];
  await writeParquet(path, columns, metadata(path), { signal, outputs });
}

const metadata = (path: string) => ({ manifest: basename(manifestPath(path)), alfamix: VERSION });
