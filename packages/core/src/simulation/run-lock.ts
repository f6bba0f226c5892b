import { constants } from 'node:fs';
import { copyFile, link, mkdir, readFile, realpath, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AlfamixError } from '../errors.js';
import { ioError } from '../formats/file-io.js';

export const LOCK = 'run.lock';

/** Folders this process writes to, links followed: its own number in a lock says nothing, since numbers come again. */
const held = new Set<string>();
let calls = 0;

/**
 * Makes the folder and keeps all others, of this process too, from writing there until the function it gives is called.
 * The lock of a process that has died is taken over.
 * @throws INVALID_ARGUMENT while somebody holds it; IO
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const real = await mkdir(folder, { recursive: true })
    .then(() => realpath(folder))
    .catch((error) => {
      throw ioError(error, 'write', folder);
    });
  if (held.has(real)) throw taken(folder, process.pid);
  held.add(real);
  const content = `${process.pid} ${Date.now()}.${++calls}`;
  // Linked into place, so that nobody sees a lock without its owner.
  const temporary = join(real, `.${LOCK}.${process.pid}.${calls}.tmp`);
  try {
    await writeFile(temporary, content);
    await take(join(real, LOCK), temporary, folder);
  } catch (error) {
    held.delete(real);
    throw ioError(error, 'write', folder);
  } finally {
    await unlink(temporary).catch(() => {});
  }
  return async () => {
    await release(join(real, LOCK), content).catch(() => {});
    held.delete(real);
  };
}

/**
 * Only the holder of `path`.over removes a dead process's lock: between looking and removing nobody else can have taken
 * its place.
 */
async function take(path: string, temporary: string, folder: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    if (await linked(temporary, path)) return;
    const owner = await ownerOf(path);
    if (owner === undefined && attempt < 100) continue;
    if (owner === undefined || isAlive(owner)) throw taken(folder, owner);
    const over = `${path}.over`;
    await take(over, temporary, folder);
    try {
      const still = await ownerOf(path);
      if (still !== undefined && !isAlive(still)) await unlink(path);
    } finally {
      await unlink(over).catch(() => {});
    }
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to).catch((error) => {
      if (error.code === 'EEXIST') throw error;
      // A file system without links.
      return copyFile(from, to, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The process in a lock, NaN for anything else; undefined where there is no lock. */
async function ownerOf(path: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(path, 'latin1'), 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function release(path: string, content: string): Promise<void> {
  if ((await readFile(path, 'latin1')) === content) await unlink(path);
}

function taken(folder: string, owner: number | undefined): AlfamixError {
  const who = owner === process.pid ? 'this process' : `process ${owner ?? 'unknown'}`;
  return new AlfamixError(
    'INVALID_ARGUMENT',
    `expected a run folder that nobody else writes to, got ${folder}, which ${who} has locked (${LOCK})`,
    { details: { path: folder, pid: owner } },
  );
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
