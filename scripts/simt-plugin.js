// The CUDA plug-in without a device: its sources over native/test/simt, in build/native-tests, as a library that the addon
// opens through ALFAMIX_CUDA_PATH. Vitest's global setup; built where a compiler is there and a source is newer, unless
// ALFAMIX_SKIP_SIMT=1, as scripts/gpu-check has it: its time belongs to the device.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { locked } from './build-folder.js';
import { newest } from './stale-build.js';
import { findToolchain, missingParts, root } from './toolchain.js';

const build = join(root, 'build', 'native-tests');
const plugin = join(build, 'native', 'test', 'alfamix-cuda-simt.so');
const SOURCES = [join('native', 'src'), join('native', 'test', 'simt'), 'CMakeLists.txt'];

/** {path}, or {reason} where there is none. */
export function buildSimt() {
  if (process.platform !== 'linux') return { reason: 'the CUDA plug-in is for Linux' };
  if (process.env.ALFAMIX_SKIP_SIMT === '1') return { reason: 'ALFAMIX_SKIP_SIMT=1' };
  const missing = missingParts(findToolchain());
  if (missing) return { reason: `not found: ${missing}` };
  return locked(build, () => {
    const changed = Math.max(...SOURCES.map((path) => newest(join(root, path))));
    if (existsSync(plugin) && statSync(plugin).mtimeMs > changed) return { path: plugin };
    console.log('building the CUDA plug-in for the host (native/test/simt) ...');
    // As scripts/native-tests.js has it.
    const options = ['-DCMAKE_BUILD_TYPE=Release', '-DALFAMIX_BUILD_TESTS=ON', '-DALFAMIX_CUDA=OFF'];
    const configure = ['-S', root, '-B', build, ...options];
    const parallel = String(availableParallelism());
    const compile = ['--build', build, '--target', 'alfamix_cuda_simt', '--parallel', parallel];
    for (const args of [configure, compile]) {
      const { status, stdout, stderr } = spawnSync('cmake', args, {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      });
      if (status !== 0)
        return { failed: true, reason: `cmake ${args.join(' ')} failed:\n${stdout}${stderr}` };
    }
    return { path: plugin };
  });
}

/** @param {import('vitest/node').TestProject} project */
export default function setup(project) {
  const { path = '', reason = '', failed = false } = buildSimt();
  if (reason) console.log(`tests of the CUDA plug-in ${failed ? 'fail' : 'are skipped'}: ${reason}`);
  project.provide('simtPlugin', { path, reason, failed });
}
