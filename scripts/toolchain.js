// Finds what a native build needs, and writes it to build/toolchain.json: an input of turbo's build:addon, so that a
// new, changed or removed compiler builds again. The file is touched only when it changes.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The full path of a program, or undefined. A name with a slash is taken as it is. */
export function which(name) {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  // A relative or empty part of PATH names another program in each folder: not looked at.
  const folders = /[\\/]/.test(name) ? [''] : (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
  for (const folder of folders) {
    for (const ending of endings) {
      const path = folder ? join(folder, name + ending) : name + ending;
      if (existsSync(path)) return path;
    }
  }
  return undefined;
}

/** What `path --version` prints of its version, or undefined when it fails: the first line; nvcc says `V13.0.88` later. */
function versionOf(path) {
  try {
    const output = execFileSync(path, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /\bV\d+\.\d+\.\d+/.exec(output)?.[0] ?? output.split('\n', 1)[0].trim();
  } catch {
    return undefined;
  }
}

/** The first of `names` that runs: {path, version}. */
function program(...names) {
  for (const name of names) {
    const path = name ? which(name) : undefined;
    const version = path && versionOf(path);
    if (version) return { path, version };
  }
  return undefined;
}

/** What this machine has; a part that is missing is undefined. On Windows cmake-js looks for Visual Studio itself. */
export function findToolchain() {
  const windows = process.platform === 'win32';
  process.report.excludeNetwork = true; // no look-ups of host names
  const report = process.report.getReport();
  return {
    platform: process.platform,
    arch: process.arch,
    libc: report.header?.glibcVersionRuntime ? 'glibc' : process.platform === 'linux' ? 'musl' : 'system',
    node: process.versions.node.split('.')[0],
    abi: process.versions.modules,
    cmake: program('cmake'),
    compiler: windows
      ? { path: 'Visual Studio' }
      : program(process.env.CXX?.split(' ')[0], 'c++', 'g++', 'clang++'),
    nvcc: program(process.env.CUDACXX, 'nvcc', '/usr/local/cuda/bin/nvcc'),
    make: windows ? { path: 'Visual Studio' } : program('ninja', 'make'),
    system: existsSync('/etc/os-release')
      ? readFileSync('/etc/os-release', 'utf8').match(/^ID=(.*)$/m)?.[1]
      : undefined,
  };
}

/** What is missing, in words: "C++20 compiler, CMake"; empty when all is there. */
export function missingParts(toolchain) {
  const parts = { 'C++20 compiler': toolchain.compiler, CMake: toolchain.cmake, make: toolchain.make };
  return Object.keys(parts)
    .filter((name) => !parts[name])
    .join(', ');
}

/** The command that installs it here; Linux package names are in `linux`, one for each package manager. */
export function installHint(
  linux = {
    'apt-get install -y': 'g++ cmake make',
    'dnf install -y': 'gcc-c++ cmake make',
    'apk add': 'g++ cmake make',
    'pacman -S': 'gcc cmake make',
  },
) {
  if (process.platform === 'darwin') return 'xcode-select --install && brew install cmake clang-format';
  if (process.platform === 'win32') {
    return 'winget install Kitware.CMake Microsoft.VisualStudio.2022.BuildTools LLVM.LLVM';
  }
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  for (const [command, packages] of Object.entries(linux)) {
    const name = command.split(' ', 1)[0];
    if (which(name) || existsSync(`/usr/bin/${name}`)) return `${sudo}${command} ${packages}`;
  }
  return `your package manager (${Object.values(linux)[0]})`;
}

/** Writes build/toolchain.json through a temporary file, so that nobody reads half of it; leaves an equal one alone. */
export function writeToolchain(toolchain) {
  const path = join(root, 'build', 'toolchain.json');
  const text = `${JSON.stringify(toolchain, null, 2)}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeToolchain(findToolchain());
