// `npm run test:install`: the release's tarballs as a user gets them. Installs them into empty folders with npm, scripts off
// and without a user's npm config; imports, requires and runs them; leaves the binary out, and leaves the choice of it to
// npm; compiles against their types; runs publint and are-the-types-wrong. The packages' own dependencies come from the
// registry.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { currentTarget, packageOf, TARGETS } from '../packages/native/dist/targets.js';
import { root } from './toolchain.js';

const scratch = mkdtempSync(join(tmpdir(), 'alfamix-install-'));
const release = join(scratch, 'release');
const env = { ...process.env, npm_config_userconfig: '/dev/null', NO_COLOR: '1' };
for (const name of Object.keys(env)) if (name.startsWith('ALFAMIX_')) delete env[name];
let passed = 0;

function run(command, args, cwd, expected = 0) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  assert.equal(status, expected, `${command} ${args.join(' ')}: ${error ?? ''}\n${stdout}\n${stderr}`);
  return stdout;
}

function test(name, work) {
  const start = performance.now();
  work();
  passed++;
  console.log(`ok  ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}

const tarballs = () => readdirSync(release).filter((name) => name.endsWith('.tgz'));
const isBinary = (name) => /^alfamix-native-(linux|darwin|win32)/.test(name);

const released = (wanted = () => true) =>
  tarballs()
    .filter(wanted)
    .map((name) => join(release, name));

function install(folder, files = released(), extra = []) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ...extra, ...files],
    folder,
  );
}

/** A released tarball with another package.json. */
function repack(tarball, name, change) {
  const folder = join(scratch, 'variants', name);
  mkdirSync(folder, { recursive: true });
  run('tar', ['-xzf', tarball, '-C', folder], scratch);
  const path = join(folder, 'package', 'package.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
  run('tar', ['-czf', `${folder}.tgz`, '-C', folder, 'package'], scratch);
  return `${folder}.tgz`;
}

/** Installs @alfamix/core with these platform packages to choose from, nothing omitted; what npm chose. */
function installChoosing(folder, optionalDependencies) {
  const native = released((name) => /^alfamix-native-\d/.test(name))[0];
  const core = released((name) => /^alfamix-core-/.test(name));
  install(folder, [...core, repack(native, `native-for-${basename(folder)}`, { optionalDependencies })]);
  const found = readdirSync(join(folder, 'node_modules', '@alfamix'));
  return found.filter((name) => name.startsWith('native-'));
}

const PROGRAM = `
  const pool = Pool.fromArray(Float32Array.from({ length: 600 }, (_, i) => Math.sin(i * i)), { rows: 100, dim: 6 });
  const labeled = await LabeledSet.fromPool(pool, { rows: [0, 1, 2, 3], labels: [0, 1, 0, 1] });
  const { picks, backend } = await select({ pool, labeled, budget: 5 });
  console.log(JSON.stringify({ picks: picks.map(({ row }) => row), backend: backend.name }));`;

/** What the program prints in a folder where the packages are installed. */
function useCore(folder) {
  const source = `import { LabeledSet, Pool, select } from '@alfamix/core';${PROGRAM}`;
  writeFileSync(join(folder, 'use.mjs'), source);
  return JSON.parse(run(process.execPath, ['use.mjs'], folder));
}

const TYPE_FLAGS = ['--strict', '--target', 'es2023']; // No --types node: the packages bring what their declarations need.
const tsc = (folder, ...args) => {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  return run(process.execPath, [compiler, ...TYPE_FLAGS, ...args], folder);
};

function main() {
  run(process.execPath, [join(root, 'scripts', 'release.js'), '--any-plugin', '--out', release], root);
  const full = join(scratch, 'full');
  const bare = join(scratch, 'bare');
  let picks;

  test('no package runs a script when it is installed', () => {
    for (const name of tarballs()) {
      const text = run('tar', ['-xzOf', join(release, name), 'package/package.json'], scratch);
      const manifest = JSON.parse(text);
      assert.deepEqual(manifest.scripts ?? {}, {}, name);
      const listed = run('tar', ['-tzf', join(release, name)], scratch);
      assert.match(listed, /package\/LICENSE/, name);
      assert.match(listed, /package\/README\.md/, name);
      assert.doesNotMatch(listed, /\/test\/|\/src\/|tsbuildinfo/, name);
    }
  });
  test('the repository’s lock file knows no platform package', () => {
    assert.doesNotMatch(readFileSync(join(root, 'package-lock.json'), 'utf8'), /@alfamix\/native-/);
  });
  test('installs, scripts off; ES modules', () => {
    install(full);
    const found = useCore(full);
    assert.equal(found.backend, 'cpu');
    assert.equal(new Set(found.picks).size, 5);
    ({ picks } = found);
  });
  test('require()', () => {
    writeFileSync(
      join(full, 'use.cjs'),
      `const { LabeledSet, Pool, select } = require('@alfamix/core');(async () => {${PROGRAM}})();`,
    );
    assert.deepEqual(JSON.parse(run(process.execPath, ['use.cjs'], full)), { picks, backend: 'cpu' });
  });
  test('the command line: version, doctor, select', () => {
    const cli = join('node_modules', '.bin', 'alfamix');
    const { version } = JSON.parse(readFileSync(join(root, 'packages', 'cli', 'package.json'), 'utf8'));
    assert.equal(run(cli, ['--version'], full).trim(), version);
    const doctor = JSON.parse(run(cli, ['doctor', '--json'], full));
    const used = doctor.checks.find(({ details }) => details?.used);
    assert.equal(used.name, 'addon (package)');
    const plugin = existsSync(join(root, 'packages', 'native', 'lib', 'alfamix-cuda.so'));
    assert.equal(doctor.cuda.plugin !== null, plugin);
    assert.ok(doctor.cuda.available || /driver/.test(doctor.cuda.reason), doctor.cuda.reason);
    writeFileSync(
      join(full, 'pool.csv'),
      `x,y\n${Array.from({ length: 40 }, (_, i) => `${Math.sin(i)},${Math.cos(i * i)}`).join('\n')}\n`,
    );
    writeFileSync(join(full, 'labels.csv'), 'row,label\n0,a\n1,b\n2,a\n3,b\n');
    const args = [
      'select',
      '--pool',
      'pool.csv',
      '--labels',
      'labels.csv',
      '--budget',
      '5',
      '--out',
      'picks.csv',
      '--json',
    ];
    assert.equal(JSON.parse(run(cli, args, full)).backend.name, 'cpu');
    assert.equal(readFileSync(join(full, 'picks.csv'), 'utf8').trim().split('\n').length, 6);
  });
  test('without a binary: the TypeScript kernels, the same picks, and why', () => {
    install(
      bare,
      released((name) => !isBinary(name)),
      ['--omit=optional'],
    );
    assert.deepEqual(useCore(bare), { picks, backend: 'js' });
    const doctor = JSON.parse(run(join('node_modules', '.bin', 'alfamix'), ['doctor', '--json'], bare, 1));
    const line = doctor.checks.find(({ name }) => name === 'addon (package)');
    assert.equal(line.status, 'bad');
    assert.match(line.fix, /npm install/);
  });
  test('npm chooses the binary by system, processor and C library', () => {
    const own = currentTarget();
    const [binary] = released(isBinary);
    const foreign = TARGETS.filter(({ name }) => name !== own.name);
    const others = foreign.map(({ name, os, cpu, libc }) => {
      const target = { name: `@alfamix/native-${name}`, os: [os], cpu: [cpu], libc: libc && [libc] };
      return [target.name, `file:${repack(binary, name, target)}`];
    });
    const all = Object.fromEntries([...others, [packageOf(own), `file:${binary}`]]);
    const one = join(scratch, 'one-fits');
    assert.deepEqual(installChoosing(one, all), [`native-${own.name}`]);
    assert.deepEqual(useCore(one), { picks, backend: 'cpu' });
    const none = join(scratch, 'none-fits');
    assert.deepEqual(installChoosing(none, Object.fromEntries(others)), []);
    assert.deepEqual(useCore(none), { picks, backend: 'js' });
  });
  test('a platform package that can’t be found doesn’t stop the installation', () => {
    const lost = join(scratch, 'lost');
    assert.deepEqual(installChoosing(lost, { [packageOf(currentTarget())]: '0.0.0-never' }), []);
    assert.deepEqual(useCore(lost), { picks, backend: 'js' });
  });
  test('a platform package of another version is refused', () => {
    const target = currentTarget();
    const folder = join(bare, 'node_modules', ...packageOf(target).split('/'));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: packageOf(target), version: '0.0.1', main: 'old.cjs' }),
    );
    writeFileSync(join(folder, 'old.cjs'), "module.exports = { version: '0.0.1', levels: () => [] };");
    const script = "import { backendInfo } from '@alfamix/core'; console.log((await backendInfo()).reason)";
    const reason = run(process.execPath, ['--input-type=module', '-e', script], bare);
    assert.match(reason, /expected an addon of version .*, got 0\.0\.1; install @alfamix\/native again/);
  });
  test('types, as built: strict, nodenext and bundler', () => {
    writeFileSync(
      join(full, 'use.ts'),
      `import { type Pick, Pool, LabeledSet, select, explain, getKernels } from '@alfamix/core';
      const pool: Pool = Pool.fromArray(new Float32Array(4), { rows: 2, dim: 2 });
      const labeled = LabeledSet.from({ embeddings: [[0, 1]], labels: [0] });
      const { picks, head } = await select({ pool, labeled, budget: 1 });
      const first: Pick = picks[0]!;
      const rows: number = first.row;
      if (head) (await explain({ pool, labeled, head, picks }))[0]?.flip?.to.toFixed();
      const caps: Float32Array = (await (await getKernels('js')).flipSearch({ data: new Float32Array(2), rows: 1, dim: 2, weight: new Float32Array(4), bias: new Float32Array(2), classes: 2, anchors: new Float32Array(2) })).flipCap;
      // @ts-expect-error a budget is a number
      void select({ pool, labeled, budget: '1' });
      console.log(rows, caps);`,
    );
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ]) {
      tsc(full, '--noEmit', '--module', module, '--moduleResolution', resolution, 'use.ts');
    }
  });
  test('types and require() in a CommonJS project in TypeScript', () => {
    const folder = join(full, 'commonjs');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"commonjs"}');
    writeFileSync(
      join(folder, 'use.ts'),
      `import core = require('@alfamix/core');
      import { LabeledSet, Pool, select } from '@alfamix/core';
      const choose: typeof core.select = select;
      void (async () => {${PROGRAM.replace('select(', 'choose(')}})();`,
    );
    tsc(folder, '--module', 'nodenext', 'use.ts');
    assert.match(readFileSync(join(folder, 'use.js'), 'utf8'), /require\("@alfamix\/core"\)/);
    assert.deepEqual(JSON.parse(run(process.execPath, ['use.js'], folder)), { picks, backend: 'cpu' });
  });
  test('publint and are-the-types-wrong', () => {
    const bin = (name) => join(root, 'node_modules', '.bin', name);
    for (const name of tarballs()) {
      run(bin('publint'), ['--strict', join(release, name)], root);
      if (isBinary(name)) continue;
      // ES modules only, by intent: require() works on every Node we support, which the tool doesn't know.
      run(bin('attw'), ['--profile', 'esm-only', '--no-color', join(release, name)], root);
    }
  });
  console.log(` Tests  ${passed} passed`); // as vitest says it, for .ci/run
}

try {
  main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
