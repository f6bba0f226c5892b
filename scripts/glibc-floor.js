// The oldest glibc and libstdc++ that the addon and its CUDA plug-in run on, read from the versions of the symbols it needs (objdump, part of
// binutils). `node scripts/glibc-floor.js [FILE]` fails when a binary needs more than we promise (README, CONTRIBUTING).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { root } from './toolchain.js';

/** What a released Linux binary may need: Debian 12, Ubuntu 22.04 and later have it. */
export const FLOOR = { GLIBC: '2.34', GLIBCXX: '3.4.30', CXXABI: '1.3.13' };

/** The highest version of each library's symbols that a binary needs. */
export function neededVersions(file) {
  const { status, stdout, error } = spawnSync('objdump', ['-T', file], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error || status !== 0)
    throw new Error(`objdump can't read ${file}: ${error?.message ?? `exit ${status}`}`);
  const highest = {};
  for (const [, library, version] of stdout.matchAll(/\*UND\*.*?\(?\b(GLIBC|GLIBCXX|CXXABI)_([\d.]+)\)?/g)) {
    if (highest[library] === undefined || compare(version, highest[library]) > 0) highest[library] = version;
  }
  return highest;
}

/** Sentences about what is above the floor. */
export function aboveFloor(needed) {
  return Object.entries(needed)
    .filter(([library, version]) => compare(version, FLOOR[library]) > 0)
    .map(([library, version]) => `expected ${library} ${FLOOR[library]} or older, got ${version}`);
}

function compare(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function check(file) {
  const needed = neededVersions(file);
  if (needed.GLIBC === undefined) throw new Error(`expected symbols of glibc in ${file}, got none`);
  const wrong = aboveFloor(needed);
  console.log(
    `${file}: needs ${Object.entries(needed)
      .map((pair) => pair.join(' '))
      .join(', ')}`,
  );
  for (const sentence of wrong) console.error(sentence);
  return wrong.length === 0;
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const lib = join(root, 'packages', 'native', 'lib');
  const plugin = join(lib, 'alfamix-cuda.so');
  const built = [join(lib, 'alfamix.node'), ...(existsSync(plugin) ? [plugin] : [])];
  const sound = (argv[2] ? [argv[2]] : built).map(check);
  process.exitCode = sound.includes(false) ? 1 : 0;
}
