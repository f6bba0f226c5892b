import type { FileHandle } from 'node:fs/promises';
import { AlfamixError } from '../../errors.js';
import { openFile } from '../file-io.js';
import { assertUnchanged } from '../file-stamp.js';
import { type Footer, readFooter } from './footer.js';

/** A Parquet file open for reading. */
export interface Table extends Footer {
  readonly path: string;
  readonly handle: FileHandle;
}

/** Opens, hands over, closes; what is wrong with a damaged file becomes FORMAT. */
export async function* withTable<Item>(
  path: string,
  use: (table: Table) => AsyncGenerator<Item, void, undefined>,
): AsyncGenerator<Item, void, undefined> {
  const { handle, size, stamp } = await openFile(path);
  try {
    if (size === 0) throw bad(path, `${path} is empty (0 bytes), expected a .parquet file`);
    yield* use({ ...(await readFooter(handle, size, path)), path, handle });
    await assertUnchanged(handle, stamp, path);
  } catch (error) {
    if (error instanceof AlfamixError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof RangeError && /allocation failed/i.test(message))
      throw new AlfamixError('OUT_OF_MEMORY', `can't allocate memory for a page of ${path}`, {
        cause: error,
        details: { path },
      });
    throw new AlfamixError('FORMAT', `${path} is not a sound .parquet file: ${message}`, {
      cause: error,
      details: { path },
    });
  } finally {
    await handle.close();
  }
}

export const bad = (path: string, message: string): AlfamixError =>
  new AlfamixError('FORMAT', message, { details: { path } });
