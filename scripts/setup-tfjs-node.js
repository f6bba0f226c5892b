// `npm run setup:tfjs-node`: adds @tensorflow/tfjs-node, the fastest place to train, to node_modules. It is in no lockfile,
// because its install script downloads libtensorflow, which many networks forbid: the next `npm ci` takes it away again.
//
//   npm run setup:tfjs-node                              its normal download
//   npm run setup:tfjs-node -- --libtensorflow DIR       builds it against a libtensorflow: DIR with include and lib, or
//                                                        the folder `tensorflow` of a Python installation, or a
//                                                        tensorflow-cpu wheel (.whl) you have
//   npm run setup:tfjs-node -- --wheel                   the same with the tensorflow-cpu wheel, which pip downloads
//
// The last two need a C++ compiler, make and Python 3, on Linux.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './toolchain.js';

const VERSION = '4.22.0';
/** Any Python can fetch it: its C library is the same in all of them. */
const WHEEL = ['tensorflow-cpu==2.21.0', '--python-version=3.11', '--only-binary=:all:', '--no-deps'];
const folder = join(root, 'node_modules', '@tensorflow', 'tfjs-node');
const deps = join(folder, 'deps');

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    ...options,
  });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

function need(done, problem) {
  if (!done) throw new Error(problem);
}

/** --no-save leaves package.json and the lockfile as they are. */
function npmInstall(...flags) {
  const common = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  return run('npm', ['install', ...common, ...flags, `@tensorflow/tfjs-node@${VERSION}`]);
}

function download() {
  need(
    npmInstall(),
    `the normal download of tfjs-node failed. Where storage.googleapis.com is blocked, build it instead:
  npm run setup:tfjs-node -- --wheel                   with the tensorflow-cpu wheel from PyPI
  npm run setup:tfjs-node -- --libtensorflow DIR       with a libtensorflow you have (include and lib)`,
  );
}

/** Where a folder keeps its headers and its two libraries. */
function libtensorflowIn(given) {
  const found = { include: join(given, 'include') };
  for (const [part, pattern] of [
    ['main', /^libtensorflow(_cc)?\.so(\.|$)/],
    ['framework', /^libtensorflow_framework\.so(\.|$)/],
  ]) {
    const places = [join(given, 'lib'), given].filter((place) => existsSync(place));
    const files = places.flatMap((place) => readdirSync(place).map((name) => ({ place, name })));
    const file = files.find(({ name }) => pattern.test(name));
    need(
      file,
      `expected ${part === 'main' ? 'libtensorflow.so' : 'libtensorflow_framework.so'} in ${places}`,
    );
    found[part] = realpathSync(join(file.place, file.name));
  }
  const header = join(found.include, 'tensorflow', 'c', 'c_api.h');
  need(existsSync(header), `expected ${header}, the C headers of libtensorflow`);
  return found;
}

/** Compiles tfjs-node's addon against the libraries, which it then loads from where they are. */
function build(libtensorflow) {
  need(process.platform === 'linux', 'tfjs-node can be built against a given libtensorflow on Linux only');
  // Looked at before anything is installed: a wrong folder changes nothing.
  const { include, main, framework } = libtensorflowIn(libtensorflow);
  need(existsSync(folder) || npmInstall('--ignore-scripts'), 'npm install of tfjs-node failed');
  const lib = join(deps, 'lib');
  if (!main.startsWith(deps)) rmSync(deps, { recursive: true, force: true });
  mkdirSync(lib, { recursive: true });
  const links = { 'libtensorflow.so': main, 'libtensorflow_framework.so': framework };
  // The names that the libraries give themselves, which the loader asks for.
  for (const path of [main, framework])
    links[
      path
        .split('/')
        .at(-1)
        .replace(/(\.so\.\d+).*/, '$1')
    ] = path;
  for (const [name, target] of Object.entries(links))
    if (!existsSync(join(lib, name))) symlinkSync(target, join(lib, name));
  if (!existsSync(join(deps, 'include'))) symlinkSync(include, join(deps, 'include'));
  const preGyp = join(root, 'node_modules', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp');
  const headers = dirname(dirname(realpathSync(process.execPath)));
  const local = existsSync(join(headers, 'include', 'node', 'node_api.h')) ? [`--nodedir=${headers}`] : [];
  need(
    run(process.execPath, [preGyp, 'install', '--build-from-source', ...local], { cwd: folder }),
    'tfjs-node did not compile; it needs g++, make, Python 3 and the headers of Node',
  );
}

/** Unpacks headers and libraries of the wheel into tfjs-node's own folder, where `npm ci` finds them to remove. */
function buildWithWheel(given) {
  need(given === undefined || existsSync(given), `expected a wheel, got ${given}, which isn't there`);
  need(existsSync(folder) || npmInstall('--ignore-scripts'), 'npm install of tfjs-node failed');
  const scratch = mkdtempSync(join(tmpdir(), 'alfamix-wheel-'));
  try {
    need(
      given !== undefined ||
        run('python3', ['-m', 'pip', 'download', '--retries=0', '--dest', scratch, ...WHEEL]),
      'pip could not download the tensorflow-cpu wheel; with a libtensorflow of your own: --libtensorflow DIR',
    );
    rmSync(deps, { recursive: true, force: true });
    const unpack = `
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
wanted = ("tensorflow/include/", "tensorflow/libtensorflow_cc.so", "tensorflow/libtensorflow_framework.so")
wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(wanted)])`;
    const wheel = given ?? join(scratch, readdirSync(scratch).find((name) => name.endsWith('.whl')) ?? '');
    need(run('python3', ['-c', unpack, wheel, deps]), `${wheel} could not be unpacked`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const tensorflow = join(deps, 'tensorflow');
  build(tensorflow);
  // 290 MB that only the compiler reads.
  rmSync(join(tensorflow, 'include'), { recursive: true });
}

/** In a process of its own: a library that doesn't fit may end it. */
const CHECK = `
require('node:util').isNullOrUndefined ??= (value) => value == null;
const tf = require('@tensorflow/tfjs-node');
const [product] = tf.matMul(tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([3, 4], [2, 1])).dataSync();
if (product !== 11) throw new Error('1·3 + 2·4 gave ' + product);
console.log('tfjs-node ' + tf.version['tfjs-node'] + ' works, on TensorFlow ' + tf.backend().binding.TF_Version +
  '; the next npm ci takes it away, and this command brings it back');`;

function main() {
  const { values } = parseArgs({
    options: { libtensorflow: { type: 'string' }, wheel: { type: 'boolean', default: false } },
  });
  need(!(values.libtensorflow && values.wheel), 'expected --libtensorflow or --wheel, got both');
  if (values.wheel) buildWithWheel();
  else if (values.libtensorflow?.endsWith('.whl')) buildWithWheel(resolve(values.libtensorflow));
  else if (values.libtensorflow) build(resolve(values.libtensorflow));
  else download();
  const env = { TF_CPP_MIN_LOG_LEVEL: '2', ...process.env };
  need(run(process.execPath, ['-e', CHECK], { env }), 'tfjs-node is installed but does not work');
}

try {
  main();
} catch (error) {
  console.error(`setup:tfjs-node: ${error.message}`);
  process.exitCode = 1;
}
