// Builds packages/native/lib/alfamix.node with cmake-js, then the CUDA plug-in beside it, alfamix-cuda.so, where nvcc is
// found. Prints one line, whatever happens; a machine without a compiler is no failure, because the TypeScript kernels do
// the same work, nor is one without nvcc.
//
//   ALFAMIX_SKIP_NATIVE=1     don't build
//   ALFAMIX_REQUIRE_NATIVE=1  exit 1 where the addon can't be built
//   ALFAMIX_SKIP_CUDA=1       don't build the plug-in
//   ALFAMIX_REQUIRE_CUDA=1    exit 1 where the plug-in can't be built
//   ALFAMIX_CUDA_ARCHITECTURES  instead of those of a release (CMakeLists.txt); one builds fastest: 90-real
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { dropHalfConfigured } from './build-folder.js';
import { releaseArchitectures } from './plugin-architectures.js';
import { findToolchain, installHint, missingParts, root } from './toolchain.js';

const lib = join(root, 'packages', 'native', 'lib');
const target = join(lib, 'alfamix.node');
const plugin = join(lib, 'alfamix-cuda.so');
const build = join(root, 'build', 'addon');
const log = join(root, 'build', 'addon.log');
const cudaLog = join(root, 'build', 'cuda.log');
const required = process.env.ALFAMIX_REQUIRE_NATIVE === '1';
const cudaRequired = process.env.ALFAMIX_REQUIRE_CUDA === '1';

/** The one line, kept beside the addon as well: scripts/build.js shows it when the build came from a cache. */
function say(message) {
  console.log(`alfamix: ${message}`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(join(dirname(target), 'status.txt'), `alfamix: ${message}\n`);
}

/** Without an addon. A stale one would be worse than none. */
function giveUp(message) {
  rmSync(target, { force: true });
  rmSync(plugin, { force: true });
  say(message);
  process.exitCode = required || cudaRequired ? 1 : 0;
}

/** Runs a program with everything it prints in a file. */
function runInto(file, command, args) {
  const output = openSync(file, 'w');
  const env = { ...process.env, ...(nvcc && { CUDACXX: nvcc.path }) };
  try {
    return spawnSync(command, args, { cwd: root, env, stdio: ['ignore', output, output] }).status === 0;
  } finally {
    closeSync(output);
  }
}

const toolchain = findToolchain();
const { nvcc } = toolchain;
const parallel = String(availableParallelism());

/** The addon alone, so that nothing of CUDA can lose it. */
function compile(cuda) {
  dropHalfConfigured(build);
  const settings = cuda ? { nvcc, architectures: architectures() } : {};
  startFresh(JSON.stringify(settings));
  const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  const args = [cmakeJs, 'build', '-d', root, '-O', build, '-B', 'Release', '-T', 'alfamix', '-p', parallel];
  args.push(`--CDALFAMIX_CUDA=${cuda ? 'ON' : 'OFF'}`);
  if (cuda) args.push(`--CDALFAMIX_CUDA_ARCHITECTURES=${settings.architectures}`);
  return runInto(log, process.execPath, args);
}

/** cmake-js configures a folder once, and CMake keeps the compilers it found: other settings want another folder. */
function startFresh(settings) {
  const stamp = join(build, 'settings.json');
  if (existsSync(build) && !(existsSync(stamp) && readFileSync(stamp, 'utf8') === settings))
    rmSync(build, { recursive: true, force: true });
  mkdirSync(build, { recursive: true });
  writeFileSync(stamp, settings);
}

/** Those asked for, or those that CMakeLists.txt lists for a release. */
function architectures() {
  const asked = process.env.ALFAMIX_CUDA_ARCHITECTURES;
  if (asked) return asked;
  return releaseArchitectures().join(';');
}

/** A process that has the old file loaded keeps it: the new one takes its name, not its bytes. */
function install(name, to) {
  mkdirSync(lib, { recursive: true });
  const temporary = `${to}.${process.pid}.tmp`;
  copyFileSync(join(build, 'Release', name), temporary);
  renameSync(temporary, to);
}

/** The plug-in, in the folder that the addon has configured; what the one line says of it. */
function buildPlugin(cuda, whyNot) {
  const none = (why) => {
    rmSync(plugin, { force: true });
    if (cudaRequired) process.exitCode = 1;
    return `without the CUDA plug-in: ${why}`;
  };
  if (!cuda) return none(whyNot);
  const args = ['--build', build, '--config', 'Release', '--target', 'alfamix_cuda', '--parallel', parallel];
  const started = performance.now();
  if (!runInto(cudaLog, 'cmake', args)) return none(`its build failed, see ${relative(root, cudaLog)}`);
  install('alfamix-cuda.so', plugin);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  return `and ${relative(lib, plugin)} for CUDA ${architectures().replaceAll(';', ', ')} in ${seconds} s`;
}

/** Why no plug-in is built; undefined where one is. */
function whyNoPlugin() {
  if (process.env.ALFAMIX_SKIP_CUDA === '1') return 'ALFAMIX_SKIP_CUDA=1';
  if (process.platform !== 'linux') return 'it is for Linux';
  return nvcc ? undefined : 'nvcc was not found';
}

function main() {
  if (process.env.ALFAMIX_SKIP_NATIVE === '1') {
    giveUp('native build skipped (ALFAMIX_SKIP_NATIVE=1), running on the TypeScript kernels.');
    return;
  }
  const missing = missingParts(toolchain);
  if (missing) {
    giveUp(
      `not found: ${missing}; running on the slower TypeScript kernels. For native speed: ${installHint()}`,
    );
    return;
  }
  const started = performance.now();
  let whyNot = whyNoPlugin();
  let built = compile(!whyNot);
  const again = () => {
    if (built || !readFileSync(log, 'utf8').includes('CMake Error')) return;
    rmSync(build, { recursive: true, force: true });
    built = compile(!whyNot);
  };
  // A build folder of another machine, compiler or CMake may not configure: once more from nothing.
  again();
  if (!built && !whyNot) {
    copyFileSync(log, cudaLog);
    whyNot = `nvcc doesn't work, see ${relative(root, cudaLog)}`;
    again();
  }
  if (!built) {
    const where = relative(root, log);
    giveUp(`the native build failed, running on the slower TypeScript kernels. What happened: ${where}`);
    return;
  }
  install('alfamix.node', target);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`built ${relative(root, target)} in ${seconds} s, ${buildPlugin(!whyNot, whyNot)}.`);
}

main();
