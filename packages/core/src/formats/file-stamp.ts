import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { AlfamixError } from '../errors.js';

/**
 * Tells one state of a file from another: inode, size and time of the last change of its content, as
 * native/src/cpu/file_stamp.cc writes them. The device is left out: libuv and the kernel number it differently. A
 * change within the file system's clock tick (some milliseconds) of the write before it, of the same size, goes unseen.
 */
export type FileStamp = string;

/** The stamp in an fstat. */
export function stampOf({ ino, size, mtimeNs }: BigIntStats): FileStamp {
  return `${ino}:${size}:${BigInt.asUintN(64, mtimeNs)}`;
}

/**
 * Asked of the descriptor, not of the path: a file that was deleted or renamed over while it was open is still the
 * one that was opened.
 *
 * @throws IO when the file isn't as it was when `stamp` was taken
 */
export async function assertUnchanged(handle: FileHandle, stamp: FileStamp, shown: string): Promise<void> {
  if (stampOf(await handle.stat({ bigint: true })) !== stamp) throw changed(shown);
}

export function changed(shown: string): AlfamixError {
  return new AlfamixError(
    'IO',
    `expected ${shown} to stay as it was when it was opened, got a changed file`,
    { details: { path: shown } },
  );
}
