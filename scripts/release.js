// `npm run release:dry`: makes the tarballs that a release would publish, in build/release, and publishes nothing.
// A package is staged from its `files`, with LICENSE and README, without scripts and devDependencies; @alfamix/native gets
// the platform packages as optionalDependencies, which are nowhere in the repository: unpublished ones would break npm ci.
//   --binaries DIR   binaries of other platforms, DIR/linux-arm64-gnu/alfamix.node ...; this platform's is the local build.
//                    A CUDA plug-in, alfamix-cuda.so, goes with the binary it stands beside; it must be built for every
//                    architecture that CMakeLists.txt lists
//   --any-plugin     takes one that was built for fewer: to try the packages, not to publish them
//   --out DIR        default build/release
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import { currentTarget, packageOf, TARGETS } from '../packages/native/dist/targets.js';
import { aboveFloor, neededVersions } from './glibc-floor.js';
import { architecturesOf, releaseArchitectures } from './plugin-architectures.js';
import { root } from './toolchain.js';

const { values: options } = parseArgs({
  args: argv.slice(2),
  options: {
    binaries: { type: 'string' },
    out: { type: 'string', default: join(root, 'build', 'release') },
    'any-plugin': { type: 'boolean', default: false },
  },
});
const out = resolve(options.out);
const staging = join(out, 'staging');
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const { version } = readJson(join(root, 'packages', 'native', 'package.json'));
const COMMON = { version, license: 'MIT', engines: { node: '>=20.19' } };

function main() {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const targets = TARGETS.map((target) => ({ target, binary: binaryOf(target) }));
  const built = targets.filter(({ binary }) => binary !== undefined);
  const tarballs = built.map(({ target, binary }) => platformPackage(target, binary));
  const optionalDependencies = Object.fromEntries(built.map(({ target }) => [packageOf(target), version]));
  tarballs.push(stage('native', { optionalDependencies }), stage('core'), stage('cli'));
  for (const { target, binary } of targets)
    if (!binary) console.log(`no binary for ${target.name}: left out`);
  for (const tarball of tarballs) console.log(tarball);
}

function binaryOf(target) {
  const given = options.binaries && join(resolve(options.binaries), target.name, 'alfamix.node');
  if (given && existsSync(given)) return given;
  const local = join(root, 'packages', 'native', 'lib', 'alfamix.node');
  return target.name === currentTarget()?.name && existsSync(local) ? local : undefined;
}

function platformPackage(target, binary) {
  const plugin = join(dirname(binary), 'alfamix-cuda.so');
  const binaries = existsSync(plugin) ? [binary, plugin] : [binary];
  if (target.name.startsWith('linux')) checkPlugin(target, existsSync(plugin) && architecturesOf(plugin));
  for (const file of target.libc === 'glibc' ? binaries : []) {
    const wrong = aboveFloor(neededVersions(file));
    if (wrong.length > 0) throw new Error(`${target.name}, ${basename(file)}: ${wrong.join('; ')}`);
  }
  const { name, os, cpu, libc } = target;
  const folder = join(staging, `native-${name}`);
  mkdirSync(folder, { recursive: true });
  for (const file of binaries) cpSync(file, join(folder, basename(file)));
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(
    join(folder, 'README.md'),
    `# ${packageOf(target)}\n\nThe native kernels of [alfamix](https://www.npmjs.com/package/alfamix) for ${name}. Installed by \`@alfamix/native\`.\n`,
  );
  const manifest = {
    name: packageOf(target),
    description: `Native kernels of alfamix for ${name}`,
    ...COMMON,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    main: 'alfamix.node',
    files: binaries.map((file) => basename(file)),
  };
  return pack(folder, manifest);
}

/** Says whether the package has a plug-in; one for other cards than a release promises is refused. */
function checkPlugin(target, found) {
  if (!found) {
    console.log(`${target.name}: WITHOUT the CUDA plug-in: none beside alfamix.node (no nvcc?)`);
    return;
  }
  const wanted = releaseArchitectures();
  if (found.join() !== wanted.join() && !options['any-plugin'])
    throw new Error(
      `${target.name}, alfamix-cuda.so: expected CUDA ${wanted.join(', ')}, got ${found.join(', ') || 'none'}; npm run build without ALFAMIX_CUDA_ARCHITECTURES`,
    );
  console.log(`${target.name}: with the CUDA plug-in for ${found.join(', ')}`);
}

function stage(name, extra = {}) {
  const source = join(root, 'packages', name);
  const folder = join(staging, name);
  const { scripts: _scripts, devDependencies: _dev, ...manifest } = readJson(join(source, 'package.json'));
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    const own = dependency.startsWith('@alfamix/');
    if (own && range !== version)
      throw new Error(`${name} depends on ${dependency} ${range}, expected ${version}`);
  }
  for (const file of manifest.files) cpSync(join(source, file), join(folder, file), { recursive: true });
  for (const file of ['LICENSE', 'README.md']) cpSync(join(root, file), join(folder, file));
  return pack(folder, { ...manifest, version, ...extra });
}

function pack(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', out];
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm pack of ${manifest.name} failed: ${stderr}`);
  return join(out, stdout.trim().split('\n').at(-1));
}

main();
