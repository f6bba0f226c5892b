// Builds and runs native/test with plain CMake and CTest, in build/native-tests.
//
//   node scripts/native-tests.js [--sanitize] [--summary]
//     --sanitize  with AddressSanitizer and UndefinedBehaviorSanitizer, in build/native-tests-asan
//     --summary   print CTest's closing lines only, and everything when something fails
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { locked } from './build-folder.js';
import { findToolchain, installHint, missingParts, root } from './toolchain.js';

const sanitize = process.argv.includes('--sanitize');
const summary = process.argv.includes('--summary');
const build = join(root, 'build', sanitize ? 'native-tests-asan' : 'native-tests');

// A sanitizer's finding ends the test; leaks count, except the pool, which lives as long as the process.
const environment = sanitize
  ? {
      ...process.env,
      ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    }
  : process.env;

/** Runs a program quietly; shows what it printed when it fails, or when asked to. */
function run(command, args, show) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  if (result.status !== 0) {
    process.stdout.write(`${output}\n${command} ${args.join(' ')} failed\n`);
    process.exit(1);
  }
  if (show) process.stdout.write(summary ? (output.match(/^\d+% tests passed.*$/m)?.[0] ?? output) : output);
}

const missing = missingParts(findToolchain());
if (missing) {
  console.log(`native tests skipped: not found: ${missing}; install with: ${installHint()}`);
} else {
  const type = sanitize ? 'RelWithDebInfo' : 'Release';
  // The CUDA kernels are tested on the host's stand-in; what nvcc makes of them is scripts/gpu-check's.
  const options = [`-DCMAKE_BUILD_TYPE=${type}`, '-DALFAMIX_BUILD_TESTS=ON', '-DALFAMIX_CUDA=OFF'];
  if (sanitize) options.push('-DALFAMIX_SANITIZE=address,undefined');
  locked(build, () => {
    run('cmake', ['-S', root, '-B', build, ...options]);
    run('cmake', ['--build', build, '--config', type, '--parallel', String(availableParallelism())]);
  });
  const jobs = String(availableParallelism());
  run(
    'ctest',
    ['--test-dir', build, '-C', type, '--output-on-failure', '--no-tests=error', '--parallel', jobs],
    true,
  );
  if (summary) process.stdout.write('\n');
}
