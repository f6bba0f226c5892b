import { parquetWriteBuffer } from 'hyparquet-writer';
import { throwIfAborted } from '../errors.js';
import { type WriteOptions, writeFileAtomic } from './atomic-file.js';

/** A column to write; undefined values become nulls. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: 'INT32' | 'INT64' | 'FLOAT' | 'STRING';
  readonly data: ArrayLike<number | string | undefined>;
}

/**
 * Writes a Parquet file, Snappy-compressed; it appears whole or not at all. The columns and the file are in memory.
 *
 * @throws IO, ABORTED
 */
export async function writeParquet(
  path: string,
  columns: readonly ParquetColumn[],
  metadata: Readonly<Record<string, string>> = {},
  options: WriteOptions = {},
): Promise<void> {
  throwIfAborted(options.signal);
  const bytes = parquetWriteBuffer({
    columnData: columns.map(({ name, type, data }) => ({ name, type, data: plain(data, type) })),
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: 'alfamix',
  });
  await writeFileAtomic(path, (append) => append(new Uint8Array(bytes)), options);
}

function plain(
  data: ParquetColumn['data'],
  type: ParquetColumn['type'],
): (number | bigint | string | undefined)[] {
  return Array.from(data, (value) => (type === 'INT64' && value !== undefined ? BigInt(value) : value));
}
