// `npm run build`: toolchain hash, then turbo, which knows what to build again. Says what a user should know, no more:
// one line where there is no native addon, turbo's own words only when it fails.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { startBuild } from './stale-build.js';
import { findToolchain, missingParts, root, writeToolchain } from './toolchain.js';

const lib = join(root, 'packages', 'native', 'lib');
const statusFile = join(lib, 'status.txt');

function readStatus() {
  return existsSync(statusFile) ? readFileSync(statusFile, 'utf8').trim() : '';
}

function runTurbo(args) {
  const turbo = createRequire(import.meta.url).resolve('turbo/bin/turbo');
  const quiet = { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', DO_NOT_TRACK: '1' };
  return spawnSync(process.execPath, [turbo, 'run', 'build', '--output-logs=errors-only', ...args], {
    cwd: root,
    env: { ...process.env, ...quiet },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
}

function main() {
  const succeeded = startBuild();
  const toolchain = findToolchain();
  writeToolchain(toolchain);
  const compiles = process.env.ALFAMIX_SKIP_NATIVE !== '1' && missingParts(toolchain) === '';
  const first = compiles && !existsSync(join(lib, 'alfamix.node'));
  const cuda = toolchain.nvcc && process.env.ALFAMIX_SKIP_CUDA !== '1';
  const time = cuda ? 'some minutes with CUDA; ALFAMIX_SKIP_CUDA=1 leaves it out' : 'about a minute';
  if (first) console.log(`alfamix: building, with the native kernels (once; ${time}) ...`);
  // Turbo remembers a failed native build, whose exit code is 0, as done: try again.
  const turbo = runTurbo(/build failed|doesn't work/.test(readStatus()) ? ['--force'] : []);
  if (turbo.status !== 0) {
    process.stderr.write(
      `${turbo.stdout ?? ''}${turbo.stderr ?? ''}${turbo.error ? `${turbo.error}\n` : ''}`,
    );
    process.exitCode = 1;
    return;
  }
  succeeded();
  const status = readStatus();
  const addon = join(lib, 'alfamix.node');
  // Turbo's cache puts files back but takes none away: an addon that this build didn't make goes.
  if (!status.startsWith('alfamix: built ')) rmSync(addon, { force: true });
  if (!status.includes('alfamix-cuda.so')) rmSync(join(lib, 'alfamix-cuda.so'), { force: true });
  if (first || !existsSync(addon)) console.log(status);
}

main();
