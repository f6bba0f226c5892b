// `npm run test:install`: the release's tarballs as a user gets them. Installs them into empty folders with npm, scripts off
// and without a user's npm config; imports, requires and runs them; leaves the binary out; compiles against their types;
// runs publint and are-the-types-wrong. The packages' own dependencies come from the registry.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { currentTarget, packageOf } from '../packages/native/dist/targets.js';
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

function install(folder, wanted = () => true, extra = []) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const files = tarballs()
    .filter(wanted)
    .map((name) => join(release, name));
  run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ...extra, ...files],
    folder,
  );
}

const PROGRAM = `
  const pool = Pool.fromArray(Float32Array.from({ length: 600 }, (_, i) => Math.sin(i * i)), { rows: 100, dim: 6 });
  const labeled = await LabeledSet.fromPool(pool, { rows: [0, 1, 2, 3], labels: [0, 1, 0, 1] });
  const { picks, backend } = await select({ pool, labeled, budget: 5 });
  console.log(JSON.stringify({ picks: picks.map(({ row }) => row), backend: backend.name }));`;

function main() {
  run(process.execPath, [join(root, 'scripts', 'release.js'), '--out', release], root);
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
    writeFileSync(
      join(full, 'use.mjs'),
      `import { LabeledSet, Pool, select } from '@alfamix/core';${PROGRAM}`,
    );
    const found = JSON.parse(run(process.execPath, ['use.mjs'], full));
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
    install(bare, (name) => !isBinary(name), ['--omit=optional']);
    writeFileSync(
      join(bare, 'use.mjs'),
      `import { LabeledSet, Pool, select } from '@alfamix/core';${PROGRAM}`,
    );
    assert.deepEqual(JSON.parse(run(process.execPath, ['use.mjs'], bare)), { picks, backend: 'js' });
    const doctor = JSON.parse(run(join('node_modules', '.bin', 'alfamix'), ['doctor', '--json'], bare, 1));
    const line = doctor.checks.find(({ name }) => name === 'addon (package)');
    assert.equal(line.status, 'bad');
    assert.match(line.fix, /npm install/);
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
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const flags = [
        '--strict',
        '--noEmit',
        '--target',
        'es2023',
        '--lib',
        'es2023,esnext.disposable',
        '--types',
        'node',
        '--typeRoots',
        join(root, 'node_modules', '@types'),
      ];
      run(
        process.execPath,
        [tsc, ...flags, '--module', module, '--moduleResolution', resolution, 'use.ts'],
        full,
      );
    }
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
