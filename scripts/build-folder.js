import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Removes a build folder whose configuration failed or was stopped: its cache tells cmake-js that it is configured, but
 * there is nothing to build with. CMake writes cmake_install.cmake, whatever the generator, once it has what to build.
 */
export function dropHalfConfigured(folder) {
  const half = existsSync(join(folder, 'CMakeCache.txt')) && !existsSync(join(folder, 'cmake_install.cmake'));
  if (half) rmSync(folder, { recursive: true, force: true });
}
