import { existsSync } from 'node:fs';
import { type OutputSet, printable } from '@alfamix/core';
import { explanationsOf, readManifest } from '../inputs/manifest-file.js';
import { explainPath } from './explain-file.js';
import { hashFile } from './hash.js';

/**
 * New picks without explanations make the old ones wrong: the file goes with the old picks when their manifest says that it
 * is ours as we wrote it, else it stays.
 *
 * @returns a note that says so; undefined where there is none
 */
export async function retireExplanations(
  out: string,
  outputs: OutputSet,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = explainPath(out);
  if (!existsSync(path)) return undefined;
  if (!(await isAsWritten(out, path, signal))) return `${printable(path)} is not of this run; it was left`;
  outputs.replaces(path);
  return `${printable(path)}, of earlier picks, was removed`;
}

async function isAsWritten(out: string, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const written = explanationsOf(readManifest(out).manifest);
    return written !== undefined && written.sha256 === (await hashFile(path, { signal })).sha256;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
