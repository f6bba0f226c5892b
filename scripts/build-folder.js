import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Removes a build folder whose configuration failed or was stopped: its cache tells cmake-js that it is configured, but
 * there is nothing to build with. CMake writes cmake_install.cmake, whatever the generator, once it has what to build.
 */
export function dropHalfConfigured(folder) {
  const half = existsSync(join(folder, 'CMakeCache.txt')) && !existsSync(join(folder, 'cmake_install.cmake'));
  if (half) rmSync(folder, { recursive: true, force: true });
}

/** Runs `work` while no other process builds in the folder: two at once leave it half built. */
export function locked(folder, work) {
  const lock = `${folder}.lock`;
  mkdirSync(dirname(folder), { recursive: true });
  while (!take(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** A lock whose owner is gone goes with it. */
function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
  } catch (error) {
    if (error.code === 'ESRCH') rmSync(lock, { force: true });
  }
  return false;
}
