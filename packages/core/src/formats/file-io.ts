import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { AlfamixError } from '../errors.js';
import { changed, type FileStamp, stampOf } from './file-stamp.js';

/** A pipe put in the file's place between the two looks at it must not block. Windows has no such flag. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** No single read is longer than this, so that a file of any size needs a fixed buffer. */
export const READ_BYTES = 1 << 20;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a directory, expected a file',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EFBIG: 'it grew larger than a file may be here',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open in this process',
  ENFILE: 'too many files are open on this machine',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its symbolic links form a loop',
  EIO: 'the device reports an error',
  ERR_INVALID_ARG_VALUE: 'its path has a NUL character',
};

/** Turns what node:fs threw into one sentence with code IO; an AlfamixError passes unchanged. */
export function ioError(error: unknown, verb: 'read' | 'write', path: string): AlfamixError {
  if (error instanceof AlfamixError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error));
  return new AlfamixError('IO', `can't ${verb} ${path}: ${reason}`, {
    cause: error,
    details: { path, errno: code },
  });
}

/** A file open for reading; whoever opened it closes `handle`. */
export interface OpenFile {
  handle: FileHandle;
  /** Bytes. */
  size: number;
  /** To find out later whether it has changed. */
  stamp: FileStamp;
}

/**
 * Opens a regular file for reading.
 * @param shown the name for messages, default `path`
 * @param stamp from when it was open before: the file must be unchanged
 * @throws IO when it is missing, unreadable, a directory, a pipe, or changed
 */
export async function openFile(path: string, shown = path, stamp?: FileStamp): Promise<OpenFile> {
  try {
    // Looked at before it is opened: opening a pipe would wait for a writer.
    assertRegular(await stat(path, { bigint: true }), shown);
    const handle = await open(path, READ_FLAGS);
    try {
      const stats = await handle.stat({ bigint: true });
      assertRegular(stats, shown);
      const found = stampOf(stats);
      if (stamp !== undefined && found !== stamp) throw changed(shown);
      return { handle, size: Number(stats.size), stamp: found };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw ioError(error, 'read', shown);
  }
}

function assertRegular(stats: BigIntStats, shown: string): void {
  if (stats.isFile()) return;
  const found = stats.isDirectory() ? 'a directory' : 'a pipe, socket or device';
  throw new AlfamixError('IO', `can't read ${shown}: it is ${found}, expected a file`, {
    details: { path: shown },
  });
}

/**
 * Fills `target` with the bytes from `position` on, in reads of at most READ_BYTES.
 * @throws IO when the file ends before, saying where and what was expected
 */
export async function readFully(
  handle: FileHandle,
  target: Uint8Array,
  position: number,
  shown: string,
): Promise<void> {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(READ_BYTES, target.byteLength - done);
    let bytesRead: number;
    try {
      ({ bytesRead } = await handle.read(target, done, length, position + done));
    } catch (error) {
      throw ioError(error, 'read', shown);
    }
    if (bytesRead === 0) throw await endedEarly(handle, position + target.byteLength, shown);
    done += bytesRead;
  }
}

async function endedEarly(handle: FileHandle, needed: number, shown: string): Promise<AlfamixError> {
  const { size } = await handle.stat();
  return new AlfamixError(
    'IO',
    `${shown} ended at byte ${size} while it was read, expected at least ${needed} bytes`,
    { details: { path: shown, endedAt: size, expectedBytes: needed } },
  );
}

/** `length` bytes from any byte of a file: they land in an array of their own, so `position` needs no alignment. */
export async function readBytes(
  handle: FileHandle,
  position: number,
  length: number,
  shown: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(Uint8Array, length, shown);
  await readFully(handle, bytes, position, shown);
  return bytes as Uint8Array<ArrayBuffer>;
}

/** `new Constructor(length)`, with a refusal by the engine turned into OUT_OF_MEMORY. */
export function allocate<T>(
  Constructor: { new (length: number): T; readonly BYTES_PER_ELEMENT: number },
  length: number,
  name: string,
): T {
  try {
    return new Constructor(length);
  } catch (error) {
    throw new AlfamixError(
      'OUT_OF_MEMORY',
      `can't allocate ${length * Constructor.BYTES_PER_ELEMENT} bytes for ${name}`,
      { cause: error },
    );
  }
}
