import { type CsvRecord, readCsv } from './csv.js';
import { readParquetRecords } from './parquet.js';
import { parseSpec } from './tensor-file.js';

/**
 * The records of a table, its header first: a CSV, or a Parquet file's columns that aren't lists.
 * @throws what readCsv and readParquetRecords throw
 */
export function readTable(
  spec: string,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  const { path, tensor, extension } = parseSpec(spec);
  if (extension !== '.parquet') return readCsv(spec, options);
  return readParquetRecords(path, {
    ...options,
    ...(tensor !== undefined && { columns: tensor.split(',') }),
  });
}
