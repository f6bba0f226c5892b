import { renameSync, rmSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { throwIfAborted } from '../errors.js';
import { forgetUnfinished, type StagedFile, syncFolder } from './atomic-file.js';
import { ioError } from './file-io.js';

/**
 * Files of one run, which belong together: each is written whole into a temporary file, then `commit` puts all in place
 * in one go. Without it, as after an error or an abort, none appears and the old ones stay.
 *
 * @example
 * using outputs = new OutputSet();
 * await writeFileAtomic('picks.csv', writePicks, { outputs });
 * await writeFileAtomic('picks.csv.manifest.json', writeManifest, { outputs });
 * await outputs.commit();
 */
export class OutputSet implements Disposable {
  #staged: StagedFile[] = [];
  readonly #obsolete: string[] = [];

  add(file: StagedFile): void {
    this.#staged.push(file);
  }

  /** A file of an earlier run that goes when these appear. */
  replaces(path: string): void {
    this.#obsolete.push(path);
  }

  /** Where a file of the set lies until `commit`. */
  temporaryOf(path: string): string {
    return this.#staged.find((file) => file.path === path)?.temporary ?? path;
  }

  /**
   * Renames without a turn of the event loop between them, so that no signal handler comes in between.
   * @throws IO, ABORTED
   */
  async commit(options: { signal?: AbortSignal } = {}): Promise<void> {
    throwIfAborted(options.signal);
    const folders = new Set(this.#staged.map(({ target }) => dirname(target)));
    for (let file = this.#staged[0]; file; file = this.#staged[0]) {
      try {
        renameSync(file.temporary, file.target);
      } catch (error) {
        throw ioError(error, 'write', file.path);
      }
      forgetUnfinished(file);
      this.#staged.shift();
    }
    for (const path of this.#obsolete) rmSync(path, { force: true });
    for (const folder of folders) await syncFolder(folder);
  }

  /** Removes what was not committed. */
  [Symbol.dispose](): void {
    for (const file of this.#staged) {
      try {
        unlinkSync(file.temporary);
      } catch {
        // Discarded already, on the way out of the process.
      }
      forgetUnfinished(file);
    }
    this.#staged = [];
  }
}
