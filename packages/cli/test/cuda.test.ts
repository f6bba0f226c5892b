import { copyFileSync, writeFileSync } from 'node:fs';
import { getKernels, type Kernels, loadNative } from '@alfamix/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasSimt, useSimt } from '../../core/test/support/cuda.js';
import { type NumbersCheck, wrongNumber } from '../src/doctor/check-numbers.js';
import { cudaChecks } from '../src/doctor/cuda.js';
import { goldenChecks } from '../src/doctor/golden-checks.js';
import { twinChecks } from '../src/doctor/twin-checks.js';
import { describeBackend } from '../src/terminal/summary.js';
import { alfamix, Scratch } from './support/cli.js';
import { blobs, CLASSES, DIM, npy, ROWS } from './support/data.js';

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());
afterEach(() => vi.unstubAllEnvs());

const inputs = ['--pool', 'pool.npy', '--labels', 'labels.csv'];
beforeAll(() => {
  writeFileSync(scratch.file('pool.npy'), npy([ROWS, DIM], blobs()));
  const labels = Array.from({ length: 12 }, (_, row) => `${row},${row % CLASSES}\n`);
  writeFileSync(scratch.file('labels.csv'), `row,label\n${labels.join('')}`);
});

/** Runs the command line with the plug-in that runs on the host. */
function run(words: string, settings: string, env: Record<string, string> = {}) {
  const path = useSimt(settings);
  const clean = { ALFAMIX_BACKEND: '', ALFAMIX_LEVEL: '', ALFAMIX_CUDA_PATH: path, ALFAMIX_SIMT: settings };
  return alfamix(words.split(' '), { cwd: scratch.path, env: { ...clean, ...env } });
}

async function doctor(settings: string, env: Record<string, string> = {}) {
  const { code, stdout } = await run('doctor --json', settings, env);
  const { cuda, checks } = JSON.parse(stdout);
  const line = (name: string) => checks.find((check: { name: string }) => check.name === name);
  return { code, cuda, line };
}

const ON_DEVICE = [
  'flipSearch',
  'scoreUncertainty',
  'interpolate',
  'pseudoLabelGradient',
  'closedFormAlpha',
  'kCenterGreedy',
  'kmeansPlusPlus',
  'kmeans',
  'nearestMembers',
];
const kernelOf = ({ name }: NumbersCheck): string => name.split(' ', 1)[0];

const makers = [
  { where: 'the host’s stand-in', there: hasSimt(), use: () => void useSimt() },
  // scripts/gpu-check asks for it.
  { where: 'the device of this machine', there: process.env.ALFAMIX_TEST_DEVICE === '1', use: () => {} },
];

describe.each(makers.filter(({ there }) => there))(
  'every kernel on $where',
  { timeout: 300_000 },
  ({ use }) => {
    let kernels: Kernels;
    let checks: NumbersCheck[];
    beforeAll(async () => {
      use();
      kernels = await getKernels('cuda');
      checks = [...goldenChecks(), ...(await twinChecks())];
    });

    it.each(ON_DEVICE)('%s gives its golden numbers, and the twin’s', async (name) => {
      const own = checks.filter((check) => kernelOf(check) === name);
      expect(own.length).toBeGreaterThan(0);
      for (const check of own) expect(await wrongNumber(check, kernels)).toBeUndefined();
    });

    it('what no device has runs on the CPU', async () => {
      const others = checks.filter((check) => !ON_DEVICE.includes(kernelOf(check)));
      expect(new Set(others.map(kernelOf))).toEqual(new Set(['logits', 'normalizeRows', 'fitSoftmax']));
      for (const check of others) expect(await wrongNumber(check, kernels)).toBeUndefined();
    });
  },
);

describe.runIf(hasSimt())('alfamix doctor on CUDA', () => {
  it('driver, runtime, device, memory, plug-in, cuBLAS', async () => {
    const { code, cuda, line } = await doctor('memory=64');
    expect(cuda).toMatchObject({
      available: true,
      driver: '13.0',
      runtime: '13.0',
      devices: [{ name: 'host stand-in', computeCapability: '9.0', memoryBytes: 64 * 2 ** 20 }],
      plugin: expect.stringMatching(/simt\.so$/),
      cublas: expect.stringMatching(/cublas/),
    });
    expect(cuda).not.toHaveProperty('reason');
    expect(line('cuda')).toMatchObject({ status: 'ok' });
    expect(line('cuda').value).toMatch(
      /^host stand-in \(9\.0, 0\.1 GiB, .* free\); driver 13\.0, runtime 13\.0; cuBLAS: .*simt\.so$/,
    );
    expect(line('self-test (cuda)')).toMatchObject({ status: 'ok' });
    expect(code).toBe(0);
  });

  it.each([
    ['driver=0', /^no NVIDIA driver was found$/],
    ['devices=0', /^the NVIDIA driver is there, but shows no CUDA device$/],
    ['sm=75', /^the driver shows no device of compute capability 8\.0 or later: host stand-in has 7\.5$/],
    ['malloc=1', /^not enough memory on the device.*; the NVIDIA driver is there \(13\.0\)$/],
    ['launch=1', /^the CUDA device was lost.*; the NVIDIA driver is there \(13\.0\)$/],
  ])('%s: why none is used, and how it stands with the driver', async (settings, message) => {
    useSimt(settings);
    const [cuda, ...others] = await cudaChecks(loadNative());
    expect(cuda).toMatchObject({ name: 'cuda', status: 'warning', details: { available: false } });
    expect(cuda.details?.reason).toMatch(message);
    expect(cuda.value).toBe(`none used: ${cuda.details?.reason}`);
    expect(others).toEqual([]);
  });

  it('a driver that is there and doesn’t start is named', async () => {
    useSimt('driver=0');
    writeFileSync(scratch.file('libcuda.so.1'), '');
    vi.stubEnv('LD_LIBRARY_PATH', scratch.path);
    const [cuda] = await cudaChecks(loadNative());
    const driver = scratch.file('libcuda.so.1');
    expect(cuda.value).toBe(`none used: an NVIDIA driver is there (${driver}) but doesn't start`);
  });

  it('switched off though asked for: what to unset', async () => {
    vi.stubEnv('ALFAMIX_CUDA_PATH', 'off');
    vi.stubEnv('ALFAMIX_BACKEND', 'cuda');
    const [cuda] = await cudaChecks(loadNative());
    expect(cuda.fix).toMatch(/^unset ALFAMIX_CUDA_PATH or ALFAMIX_BACKEND/);
  });

  it('switched off is a word in passing', async () => {
    vi.stubEnv('ALFAMIX_CUDA_PATH', 'off');
    const [cuda] = await cudaChecks(loadNative());
    expect(cuda).toMatchObject({ status: 'none', details: { available: false, plugin: null } });
    expect(cuda.details?.reason).toMatch(/^ALFAMIX_CUDA_PATH=off turns CUDA off; .*driver/);
  });

  it('asked for and not there is red', async () => {
    const { code, cuda, line } = await doctor('driver=0', { ALFAMIX_BACKEND: 'cuda' });
    expect(code).toBe(1);
    expect(cuda.reason).toBe('no NVIDIA driver was found');
    expect(line('cuda')).toMatchObject({
      status: 'bad',
      fix: expect.stringMatching(/^unset ALFAMIX_BACKEND/),
    });
    expect(line('kernels')).toMatchObject({ status: 'bad', value: expect.stringMatching(/driver/) });
  });
});

describe.runIf(hasSimt())('select and score', () => {
  const select = 'select --budget 5 --out picks.csv --json'.concat(' ', inputs.join(' '));

  it('--backend cuda without a driver: one sentence, exit 1, nothing written', async () => {
    const before = scratch.list();
    const { code, stdout, stderr } = await run(`${select} --backend cuda`, 'driver=0');
    expect(stderr).toBe("alfamix: the cuda backend can't be used: no NVIDIA driver was found\n");
    expect([code, stdout]).toEqual([1, '']);
    expect(scratch.list()).toEqual(before);
  });

  it('--backend cuda says which device', async () => {
    const { code, stdout, stderr } = await run(
      `score --out scores.csv --json ${inputs.join(' ')} --backend cuda`,
      '',
    );
    expect([stderr, code]).toEqual(['', 0]);
    const backend = { name: 'cuda', level: 'cuda', device: 'host stand-in' };
    expect(JSON.parse(stdout).backend).toMatchObject(backend);
    expect(scratch.json('scores.csv.manifest.json').backend).toMatchObject(backend);
  });

  it.each([
    ['', /^$/, ['scoreUncertainty', 'flipSearch']],
    // The head that was fitted is asked about the labelled rows first.
    ['malloc=4', /^scoreUncertainty ran on the CPU, because CUDA failed: not enough memory/, ['flipSearch']],
    [
      'launch=2',
      /^scoreUncertainty ran on the CPU, because CUDA failed: the CUDA device was lost/,
      ['flipSearch'],
    ],
    ['driver=0', /^CUDA isn't used: no NVIDIA driver was found$/, undefined],
  ])('auto with %s: the same rows, and the manifest says where', async (settings, reason, onDevice) => {
    const env = { ALFAMIX_CUDA_AUTO: 'always' };
    const words = `score --out auto.csv --json ${inputs.join(' ')}`;
    const cpu = await run(words, '', { ALFAMIX_CUDA_PATH: 'off' });
    const expected = scratch.table('auto.csv').map(({ row, flip_to }) => [row, flip_to]);
    const { code, stdout, stderr } = await run(words, settings, env);
    expect([stderr, code, cpu.code]).toEqual(['', 0, 0]);
    const { backend } = JSON.parse(stdout);
    expect(backend.reason ?? '').toMatch(reason);
    expect([backend.name, backend.onDevice]).toEqual([onDevice ? 'cuda' : 'cpu', onDevice]);
    expect(scratch.json('auto.csv.manifest.json').backend).toEqual(backend);
    expect(scratch.table('auto.csv').map(({ row, flip_to }) => [row, flip_to])).toEqual(expected);
  });
});

describe('without a plug-in', () => {
  it('nothing changes, and the doctor says how to get one', async () => {
    const { binding, path } = loadNative() as { binding?: unknown; path: string };
    if (!binding) return;
    const env = {
      ALFAMIX_BACKEND: '',
      ALFAMIX_CUDA_PATH: '',
      ALFAMIX_NATIVE_PATH: scratch.file('alone.node'),
    };
    copyFileSync(path, scratch.file('alone.node'));
    const { stdout } = await alfamix(['doctor', '--json'], { cwd: scratch.path, env });
    const { cuda } = JSON.parse(stdout);
    expect(cuda).toMatchObject({ available: false, plugin: null });
    expect(cuda.reason).toMatch(/^this build has no CUDA plug-in, .*nvcc.*npm run build.*; .*driver/);
    const words = ['score', '--out', 'alone.csv', '--json', ...inputs];
    const scored = JSON.parse((await alfamix(words, { cwd: scratch.path, env })).stdout);
    expect(scored.backend).toMatchObject({ name: 'cpu' });
    expect(scored.backend).not.toHaveProperty('reason');
    const asked = await alfamix([...words, '--backend', 'cuda'], { cwd: scratch.path, env });
    expect([asked.code, asked.stdout]).toEqual([1, '']);
    expect(asked.stderr).toMatch(
      /^alfamix: the cuda backend can't be used: this build has no CUDA plug-in, .*\n$/,
    );
  });
});

it('the summary’s words for where it ran', () => {
  const cpu = { name: 'cpu', level: 'avx2', threads: 2 };
  expect(describeBackend(cpu)).toBe('cpu (avx2, 2 threads)');
  const cuda = { name: 'cuda', level: 'cuda', threads: 2, device: 'NVIDIA H100' };
  expect(describeBackend(cuda)).toBe('cuda (NVIDIA H100)');
  expect(describeBackend({ ...cuda, onDevice: ['flipSearch', 'kmeans'], reason: 'x ran on the CPU' })).toBe(
    'cuda (NVIDIA H100: flipSearch, kmeans): x ran on the CPU',
  );
});
