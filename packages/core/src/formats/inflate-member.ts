import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { AlfamixError, throwIfAborted } from '../errors.js';
import { type OpenFile, READ_BYTES, readBytes } from './file-io.js';

/** Inflated at once, on libuv's threads: copying one takes the event loop a fraction of a millisecond. */
const CHUNK_BYTES = 1 << 18;

/** A deflated part of a file. */
export interface DeflatedPart {
  /** Of its first byte in the file. */
  readonly start: number;
  /** Bytes in the file, and inflated. */
  readonly compressed: number;
  readonly size: number;
  readonly crc: number;
}

/**
 * Inflates a part of a file into `target`, but for its first `skip` bytes. Holds a chunk besides, whatever the size, and
 * lets the event loop turn after each.
 *
 * @param target of `size - skip` bytes
 * @throws FORMAT when it can't be inflated to exactly `size` bytes of that checksum; IO; ABORTED
 */
export async function inflateInto(
  target: Uint8Array,
  skip: number,
  { handle }: OpenFile,
  part: DeflatedPart,
  shown: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { start, compressed, size, crc } = part;
  async function* stored() {
    for (let at = 0; at < compressed; at += READ_BYTES)
      yield readBytes(handle, start + at, Math.min(READ_BYTES, compressed - at), shown);
  }
  let [done, sum] = [0, 0];
  const keep = async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      throwIfAborted(signal);
      if (done + chunk.length > size)
        throw bad(shown, `${shown} can't be inflated to ${size} bytes: it holds more`);
      const from = Math.max(0, skip - done);
      if (from < chunk.length) target.set(chunk.subarray(from), done + from - skip);
      done += chunk.length;
      sum = crc32(chunk, sum);
    }
  };
  try {
    await pipeline(stored, createInflateRaw({ chunkSize: CHUNK_BYTES }), keep);
  } catch (error) {
    if (error instanceof AlfamixError) throw error;
    throw bad(shown, `${shown} can't be inflated to ${size} bytes: ${(error as Error).message}`);
  }
  if (done !== size) throw bad(shown, `${shown} is truncated: expected ${size} bytes, got ${done}`);
  if (sum !== crc) throw bad(shown, `${shown} is damaged: its checksum is wrong`);
}

const bad = (path: string, message: string): AlfamixError =>
  new AlfamixError('FORMAT', message, { details: { path } });
