import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { type Kernels, loadNative } from '@alfamix/core';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { everyKernels } from '../../core/test/support/golden-cases.js';
import { canMeasureTurns, heldTime } from '../../core/test/support/turns.js';
import { mendAddon } from '../src/doctor/mend.js';
import { selfTest } from '../src/doctor/self-test.js';
import { VERSION } from '../src/version.js';
import { alfamix, Scratch } from './support/cli.js';
import { goldenJson } from './support/golden-json.js';

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());
const native = loadNative();

const KERNELS = [
  'flipSearch',
  'scoreUncertainty',
  'logits',
  'interpolate',
  'pseudoLabelGradient',
  'closedFormAlpha',
  'kmeans',
  'kCenterGreedy',
  'kmeansPlusPlus',
  'nearestMembers',
  'normalizeRows',
] as const;

interface Line {
  name: string;
  status: string;
  value: string;
  fix?: string;
  details?: Record<string, unknown>;
}
async function doctor(env: Record<string, string> = {}) {
  const clean = { ALFAMIX_BACKEND: '', ALFAMIX_LEVEL: '', ...env };
  const { code, stdout, stderr } = await alfamix(['doctor', '--json'], { cwd: scratch.path, env: clean });
  expect(stderr).toBe('');
  const found = JSON.parse(stdout);
  const line = (name: string): Line | undefined => found.checks.find((check: Line) => check.name === name);
  return { code, found, line };
}

describe('alfamix doctor', () => {
  it.runIf(native.binding && !process.env.ALFAMIX_NATIVE_PATH)(
    'a sound checkout: all there, nothing red',
    async () => {
      const { code, found, line } = await doctor();
      expect(code).toBe(0);
      expect(found.ok).toBe(true);
      expect(line('node')?.value).toContain(process.version);
      expect(line('npm')?.value).toMatch(/^\d+\./);
      expect(line('libc')?.value).toMatch(/^(glibc [\d.]+|musl|that of the system)$/);
      const addon = line('addon (build)')!;
      const file = String(addon.details?.path);
      expect(addon.details).toMatchObject({
        used: true,
        version: native.binding?.version,
        sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
      });
      expect(line('addon (package)')).toMatchObject({
        status: 'none',
        value: expect.stringMatching(/^@alfamix\/native-.*: no such file \(not needed\)$/),
      });
      expect(line('kernels')?.details).toMatchObject({ backend: 'cpu', levels: native.binding?.levels() });
      for (const level of ['js', ...(native.binding?.levels() ?? [])])
        expect(line(`self-test (${level})`)).toMatchObject({ status: 'ok' });
      // Where it can be used it has been, else the reason says how it stands with the driver.
      if (found.cuda.available) expect(line('self-test (cuda)')).toMatchObject({ status: 'ok' });
      else expect(found.cuda.reason).toMatch(/driver/);
      const { stdout } = await alfamix(['doctor'], { cwd: scratch.path, env: { ALFAMIX_BACKEND: '' } });
      expect(stdout).toMatch(/^alfamix [\d.]+\n✓ node +v/);
      expect(stdout).not.toContain('\x1b');
    },
  );

  it('an override that leads nowhere is red, and says what mends it', async () => {
    const { code, line } = await doctor({ ALFAMIX_NATIVE_PATH: '/nowhere/alfamix.node' });
    expect(code).toBe(1);
    expect(line('addon (override)')).toMatchObject({
      status: 'bad',
      fix: expect.stringMatching(/unset ALFAMIX_NATIVE_PATH/),
    });
    expect(line('addon (override)')?.value).toBe('/nowhere/alfamix.node: no such file');
    expect(line('kernels')).toMatchObject({ status: 'bad', fix: expect.any(String) });
    expect(line('environment')?.value).toContain('ALFAMIX_NATIVE_PATH=/nowhere/alfamix.node');
    expect(line('self-test (js)')).toMatchObject({ status: 'ok' });
  });

  it('a binary that crashes, one of another version, and one that is no binary', async () => {
    writeFileSync(scratch.file('crash.cjs'), 'process.kill(process.pid, "SIGSEGV"); while (true);');
    const crash = await doctor({ ALFAMIX_NATIVE_PATH: scratch.file('crash.cjs') });
    expect(crash.code).toBe(1);
    expect(crash.line('addon (override)')?.value).toMatch(/it crashed when it was loaded \(SIGSEGV\)$/);
    expect(crash.line('self-test')).toMatchObject({ status: 'bad' });
    writeFileSync(scratch.file('old.cjs'), "module.exports = { version: '0.0.1', levels: () => [] };");
    const old = await doctor({ ALFAMIX_NATIVE_PATH: scratch.file('old.cjs') });
    expect(old.line('addon (override)')?.value).toMatch(/expected an addon of version .*, got 0\.0\.1/);
    writeFileSync(scratch.file('text.node'), 'not a library');
    const text = await doctor({ ALFAMIX_NATIVE_PATH: scratch.file('text.node') });
    expect(text.code).toBe(1);
    expect(text.line('addon (override)')?.value).toMatch(/damaged, or a binary for another platform/);
  });

  it('a binary that loads and isn’t the addon is refused as the loader refuses it', async () => {
    const script = `module.exports = { version: '${VERSION}', levels: () => ['scalar'], defaultThreads: () => 2 };`;
    writeFileSync(scratch.file('fake.cjs'), script);
    const { code, line } = await doctor({ ALFAMIX_NATIVE_PATH: scratch.file('fake.cjs') });
    expect(code).toBe(1);
    const fix = expect.stringMatching(/^unset ALFAMIX_NATIVE_PATH, or point it at an addon of this version/);
    expect(line('addon (override)')).toMatchObject({ status: 'bad', fix });
    expect(line('addon (override)')?.value).toMatch(
      /fake\.cjs: expected a method \w+ in the addon, got none$/,
    );
    expect(line('kernels')).toMatchObject({ status: 'bad', fix });
  });

  it('a build is what mends a checkout; what it needs is named only where it is missing', async () => {
    const { PATH } = process.env;
    vi.stubEnv('ALFAMIX_NATIVE_PATH', '');
    try {
      vi.stubEnv('PATH', '');
      expect(await mendAddon()).toMatch(/(install|add|-S) .*cmake.* && npm run build$/);
      vi.stubEnv('PATH', PATH);
      if (native.binding) expect(await mendAddon()).toBe('npm run build');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('asked for TypeScript: a warning, exit 0; for what isn’t there: red', async () => {
    if (native.binding) {
      const js = await doctor({ ALFAMIX_BACKEND: 'js' });
      expect(js.code).toBe(0);
      expect(js.line('kernels')).toMatchObject({ status: 'warning', fix: 'unset ALFAMIX_BACKEND' });
      expect(js.line('kernels')?.value).toMatch(
        /^TypeScript, 1 thread; levels here: js; they are much slower/,
      );
      const level = await doctor({ ALFAMIX_LEVEL: 'avx9' });
      expect(level.code).toBe(1);
      expect(level.line('kernels')?.value).toMatch(/for ALFAMIX_LEVEL, got "avx9"/);
    }
    const backend = await doctor({ ALFAMIX_BACKEND: 'tpu' });
    expect(backend.code).toBe(1);
    expect(backend.line('kernels')?.value).toMatch(/for ALFAMIX_BACKEND, got "tpu"/);
  });
});

describe('the self-test', () => {
  // After a change of the golden files: npx vitest run -u packages/cli/test/doctor.test.ts
  it('runs on what the golden files say', async () => {
    await expect(goldenJson()).toMatchFileSnapshot('../data/golden.json');
  });

  // Timed on machines that do other work too: a late answer may be the machine's, three are not.
  it('passes every maker, in a moment', { retry: 2 }, async () => {
    const clock = canMeasureTurns ? heldTime : () => performance.now();
    for (const kernels of await everyKernels()) {
      const start = clock();
      expect(await selfTest(kernels), kernels.level).toBeUndefined();
      expect(clock() - start).toBeLessThan(2000);
    }
  });

  it.each(KERNELS)('finds any wrong number of %s', async (method) => {
    const message = new RegExp(`^${method} .*: expected .* for \\w+\\[\\d+\\], got`);
    for (const kernels of await everyKernels()) {
      let outputs = 1;
      for (let output = 0; output < outputs; output++) {
        const broken = override(kernels, method, (found) => {
          const arrays = arraysOf(found);
          // The golden numbers of the twin leave some outputs out; the twin has them all.
          if (kernels.backend !== 'js') outputs = arrays.length;
          for (const array of kernels.backend === 'js' ? arrays : [arrays[output]])
            array[array.length - 1] += 1;
        });
        expect(await selfTest(broken), `${kernels.level}, output ${output}`).toMatch(message);
      }
    }
  });

  it.runIf(native.binding)('finds what is wrong only where no vector fits', async () => {
    for (const kernels of (await everyKernels()).filter(({ backend }) => backend !== 'js')) {
      const broken = override(kernels, 'normalizeRows', (found) => {
        if (found.length === 37 * 19) found[found.length - 1] = 0;
      });
      expect(await selfTest(broken), kernels.level).toMatch(/^normalizeRows of 37 × 19, 2 classes: expected/);
    }
  });
});

const arraysOf = (found: object): Float32Array[] =>
  (ArrayBuffer.isView(found) ? [found] : Object.values(found).filter(ArrayBuffer.isView)) as Float32Array[];

/** Kernels that give something else in one place. */
function override<M extends (typeof KERNELS)[number]>(
  kernels: Kernels,
  method: M,
  change: (found: Awaited<ReturnType<Kernels[M]>>) => void,
): Kernels {
  const changed = async (...args: unknown[]) => {
    const found = await Reflect.apply(kernels[method], kernels, args);
    change(found as Awaited<ReturnType<Kernels[M]>>);
    return found;
  };
  return new Proxy(kernels, {
    get: (target, name) => {
      if (name === method) return changed;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
