// Vitest's global setup. Tests run on the TypeScript sources, but what is started as a process of its own (the command
// line, a child of a test) runs what `npm run build` made: built again here when a source is newer. Where that fails only
// those tests do (packages/core/test/support/built.ts).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolchain.js';

/** Written when a build has succeeded. */
const STAMP = join('build', 'built');

/** Called where a build starts, so that what is edited meanwhile counts as newer; the answer, where it has succeeded. */
export function startBuild() {
  const started = new Date();
  return () => {
    const stamp = join(root, STAMP);
    mkdirSync(join(root, 'build'), { recursive: true });
    writeFileSync(stamp, `${started.toISOString()}\n`);
    utimesSync(stamp, started, started);
  };
}

/** Whether sources are newer than the last build, or there was none. */
export function isStale(folder = root) {
  const built = join(folder, STAMP);
  const outputs = ['native', 'core', 'cli'].map((name) => join(folder, 'packages', name, 'dist', 'index.js'));
  if (![built, ...outputs].every((path) => existsSync(path))) return true;
  const { mtimeMs } = statSync(built);
  const sources = readdirSync(join(folder, 'packages')).map((name) => join(folder, 'packages', name, 'src'));
  return [...sources, join(folder, 'native', 'src'), join(folder, 'CMakeLists.txt')].some(
    (path) => existsSync(path) && newest(path) > mtimeMs,
  );
}

/** Folders count too: a file that is gone leaves its mark on them. */
export function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** @param {import('vitest/node').TestProject} project */
export default function setup(project) {
  let problem = '';
  if (isStale()) {
    console.log('sources are newer than the build: npm run build');
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'build.js')], {
      encoding: 'utf8',
    });
    if (status !== 0) {
      problem = 'expected a build of the present sources, got an older one: npm run build fails';
      console.error(`${stdout}${stderr}${problem}`);
    }
  }
  project.provide('buildProblem', problem);
}
