import { accessSync, constants, lstatSync, readlinkSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AlfamixError, throwIfAborted } from '../errors.js';
import { ioError } from './file-io.js';
import { OutputSet } from './output-set.js';

/** Writes are gathered to this size. */
const BUFFER_CHARS = 1 << 16;

/** Temporary files this process is writing now. */
const unfinished = new Set<string>();
let calls = 0;

/** Appends to the file. Text is UTF-8. */
export type WriteChunk = (chunk: string | Uint8Array) => Promise<void>;

export interface WriteOptions {
  signal?: AbortSignal;
  /** The file appears with the others of the set, at its `commit`. */
  outputs?: OutputSet;
}

/**
 * Writes a file so that others see the old one or the whole new one: into a temporary file beside it, flushed to the
 * disk, then renamed. When `write` throws, the signal fires or the disk is full, the temporary file is removed and
 * the old file stays.
 *
 * @param write gets a function that appends; await each call
 * @throws IO when the file can't be written; ABORTED; whatever `write` throws
 * @example
 * await writeFileAtomic('picks.csv', async (append) => {
 *   await append('rank,row\n');
 *   for (const pick of picks) await append(`${pick.rank},${pick.row}\n`);
 * });
 */
export async function writeFileAtomic(
  path: string,
  write: (append: WriteChunk) => Promise<void>,
  options: WriteOptions = {},
): Promise<void> {
  const file = await stage(path, write, options.signal);
  if (options.outputs) {
    options.outputs.add(file);
    return;
  }
  using own = new OutputSet();
  own.add(file);
  await own.commit(options);
}

/** A file written whole and flushed, not yet in its place. */
export interface StagedFile {
  /** As it was named. */
  readonly path: string;
  /** The same, links followed. */
  readonly target: string;
  readonly temporary: string;
}

async function stage(
  path: string,
  write: (append: WriteChunk) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<StagedFile> {
  throwIfAborted(signal);
  assertWritable(path);
  const target = await attempt(path, async () => followLinks(path));
  const temporary = temporaryName(target);
  unfinished.add(temporary);
  try {
    const handle = await attempt(path, () => open(temporary, 'wx'));
    try {
      const file = new BufferedFile(handle, path, signal);
      await write((chunk) => file.write(chunk));
      await file.flush();
      await attempt(path, () => handle.sync());
    } finally {
      await handle.close();
    }
    throwIfAborted(signal);
    return { path, target, temporary };
  } catch (error) {
    await unlink(temporary).catch(() => {});
    unfinished.delete(temporary);
    throw error;
  }
}

/** It is in its place, or gone. */
export function forgetUnfinished({ temporary }: StagedFile): void {
  unfinished.delete(temporary);
}

/**
 * Removes the temporary files of all writes under way, synchronously: for a signal handler that is about to exit.
 * @returns how many there were
 */
export function discardUnfinishedFiles(): number {
  const count = unfinished.size;
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // Not made yet, or renamed already.
    }
  }
  unfinished.clear();
  return count;
}

/**
 * Checks, before the work starts, that a file can be written: its folder exists and lets itself be written to, and
 * the path isn't a directory or a device.
 *
 * @throws IO
 */
export function assertWritable(path: string): void {
  const folder = dirname(resolve(path));
  const folderStats = statOrUndefined(folder, path);
  if (folderStats === undefined) throw unwritable(path, `the folder ${folder} doesn't exist`);
  if (!folderStats.isDirectory()) throw unwritable(path, `${folder} is not a folder`);
  const stats = statOrUndefined(path, path);
  if (stats?.isDirectory() || /[/\\]$/.test(path))
    throw unwritable(path, 'it is a directory, expected a file');
  if (stats !== undefined && !stats.isFile()) {
    throw unwritable(path, 'it is a pipe, socket or device, expected a regular file');
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

function statOrUndefined(path: string, shown: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw ioError(error, 'write', shown);
  }
}

function unwritable(path: string, reason: string): AlfamixError {
  return new AlfamixError('IO', `can't write ${path}: ${reason}`, { details: { path } });
}

/** More links in a row are a loop to the kernel too. */
const MOST_LINKS = 40;

/** A link's target is replaced or, where there is none yet, made; the link stays. */
function followLinks(path: string): string {
  let target = resolve(path);
  for (let links = 0; lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink(); links++) {
    if (links === MOST_LINKS) throw unwritable(path, 'its symbolic links form a loop');
    target = resolve(dirname(target), readlinkSync(target));
  }
  return target;
}

/** Unique per process and call; long names are cut, to stay below what file systems allow. */
function temporaryName(target: string): string {
  calls++;
  return join(dirname(target), `.${basename(target).slice(0, 48)}.${process.pid}.${calls}.tmp`);
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}

/** Makes the rename last through a power cut, where the file system lets folders be flushed. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file is whole already.
  }
}

class BufferedFile {
  #text = '';

  constructor(
    readonly handle: FileHandle,
    readonly path: string,
    readonly signal: AbortSignal | undefined,
  ) {}

  async write(chunk: string | Uint8Array): Promise<void> {
    throwIfAborted(this.signal);
    if (typeof chunk === 'string') {
      this.#text += chunk;
      if (this.#text.length >= BUFFER_CHARS) await this.flush();
      return;
    }
    await this.flush();
    await attempt(this.path, () => this.handle.writeFile(chunk));
  }

  async flush(): Promise<void> {
    throwIfAborted(this.signal);
    const text = this.#text;
    this.#text = '';
    if (text !== '') await attempt(this.path, () => this.handle.writeFile(text));
  }
}
