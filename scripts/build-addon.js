// Builds packages/native/lib/alfamix.node with cmake-js. Prints one line, whatever happens; a machine without a
// compiler is no failure, because the TypeScript kernels do the same work.
//
//   ALFAMIX_SKIP_NATIVE=1     don't build
//   ALFAMIX_REQUIRE_NATIVE=1  exit 1 where the addon can't be built
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
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
import { findToolchain, installHint, missingParts, root } from './toolchain.js';

const target = join(root, 'packages', 'native', 'lib', 'alfamix.node');
const build = join(root, 'build', 'addon');
const log = join(root, 'build', 'addon.log');
const required = process.env.ALFAMIX_REQUIRE_NATIVE === '1';

/** The one line, kept beside the addon as well: scripts/build.js shows it when the build came from a cache. */
function say(message) {
  console.log(`alfamix: ${message}`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(join(dirname(target), 'status.txt'), `alfamix: ${message}\n`);
}

/** Without an addon. A stale one would be worse than none. */
function giveUp(message) {
  rmSync(target, { force: true });
  say(message);
  process.exitCode = required ? 1 : 0;
}

/** Runs cmake-js with everything it prints in the log. */
function compile() {
  dropHalfConfigured(build);
  mkdirSync(build, { recursive: true });
  const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  const output = openSync(log, 'w');
  try {
    const args = [
      cmakeJs,
      'build',
      '-d',
      root,
      '-O',
      build,
      '-B',
      'Release',
      '-p',
      String(availableParallelism()),
    ];
    return spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', output, output] }).status === 0;
  } finally {
    closeSync(output);
  }
}

/** A process that has the old addon loaded keeps it: the new one takes its name, not its bytes. */
function install() {
  mkdirSync(dirname(target), { recursive: true });
  const temporary = `${target}.${process.pid}.tmp`;
  copyFileSync(join(build, 'Release', 'alfamix.node'), temporary);
  renameSync(temporary, target);
}

function main() {
  if (process.env.ALFAMIX_SKIP_NATIVE === '1') {
    giveUp('native build skipped (ALFAMIX_SKIP_NATIVE=1), running on the TypeScript kernels.');
    return;
  }
  const missing = missingParts(findToolchain());
  if (missing) {
    giveUp(
      `not found: ${missing}; running on the slower TypeScript kernels. For native speed: ${installHint()}`,
    );
    return;
  }
  const started = performance.now();
  let built = compile();
  // A build folder of another machine, compiler or CMake may not configure: once more from nothing.
  if (!built && readFileSync(log, 'utf8').includes('CMake Error')) {
    rmSync(build, { recursive: true, force: true });
    built = compile();
  }
  if (!built) {
    const where = relative(root, log);
    giveUp(`the native build failed, running on the slower TypeScript kernels. What happened: ${where}`);
    return;
  }
  install();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`built ${relative(root, target)} in ${seconds} s.`);
}

main();
