import type { CsvRecord } from './csv.js';
import { readInThread } from './parquet/thread.js';

/** Embeddings of a Parquet file, and its ids where it has a column of that name. */
export interface ParquetMatrix {
  readonly rows: number;
  readonly dim: number;
  /** rows × dim. */
  readonly data: Float32Array;
  readonly ids: readonly string[] | undefined;
}

/**
 * Reads embeddings of a Parquet file into float32, page by page: from a column of lists, or from columns of numbers,
 * one a dimension.
 *
 * @param columns the list column's name; or names of number columns, separated by commas, `*` standing for any text
 *   (`f*`), in the file's order; undefined: the only list column, else all columns of floats but one named label
 * @throws FORMAT for a file that isn't what it says, a null, or lists of different lengths, naming the row;
 *   INVALID_ARGUMENT for unknown or ambiguous columns; IO; OUT_OF_MEMORY; ABORTED
 */
export async function readParquetMatrix(
  path: string,
  columns: string | undefined,
  options: { signal?: AbortSignal } = {},
): Promise<ParquetMatrix> {
  const ids: string[] = [];
  let matrix: ParquetMatrix | undefined;
  for await (const batch of readInThread({ kind: 'matrix', path, columns }, options.signal)) {
    if (batch.kind === 'ids') for (const id of batch.ids) ids.push(id);
    if (batch.kind === 'matrix') matrix = { ...batch, ids: batch.withIds ? ids : undefined };
  }
  if (matrix === undefined) throw new Error('a thread ended without its matrix');
  const { rows, dim, data } = matrix;
  return { rows, dim, data, ids: matrix.ids };
}

/**
 * The columns of a Parquet file that aren't lists as the records of a CSV: the names, then a record a row; numbers in
 * decimal, nulls empty. `line` counts rows from 2, as below a header.
 *
 * @param columns names to read; default all
 * @throws as readParquetMatrix does
 */
export async function* readParquetRecords(
  path: string,
  options: { signal?: AbortSignal; columns?: readonly string[] } = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  const request = { kind: 'records', path, columns: options.columns } as const;
  for await (const batch of readInThread(request, options.signal)) {
    if (batch.kind === 'records') yield* batch.records;
  }
}
