// Checks the format of the C++ sources; --write mends it.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installHint, root, which } from './toolchain.js';

const native = join(root, 'native');
const files = readdirSync(native, { recursive: true })
  .map(String)
  .filter((name) => /\.(cc|h|inl|cuh?)$/.test(name))
  .sort()
  .map((name) => join(native, name));

if (!which('clang-format')) {
  const hint = installHint({
    'apt-get install -y': 'clang-format',
    'dnf install -y': 'clang-tools-extra',
    'apk add': 'clang-extra-tools',
    'pacman -S': 'clang',
  });
  console.log(`clang-format skipped: not found; install with: ${hint}`);
} else {
  const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '-Werror'];
  const { status } = spawnSync('clang-format', [...mode, ...files], { stdio: 'inherit' });
  if (status !== 0) {
    const version = execFileSync('clang-format', ['--version'], { encoding: 'utf8' }).trim();
    console.log(`expected the format of .clang-format (${version}); mend it with: npm run format`);
    process.exitCode = 1;
  } else if (mode[0] !== '-i') {
    console.log(`clang-format: ${files.length} files are as they should be`);
  }
}
