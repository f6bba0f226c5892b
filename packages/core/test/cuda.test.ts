import { loadNative } from '@alfamix/native';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AutoKernels } from '../src/kernels/auto-kernels.js';
import { type DeviceCall, devicePays, workOf } from '../src/kernels/device-pays.js';
import { backendInfo, getKernels } from '../src/kernels/get-kernels.js';
import { score } from '../src/score.js';
import { select } from '../src/select.js';
import { fakePlugin, hasSimt, useSimt } from './support/cuda.js';
import { fails } from './support/files.js';
import { uniform } from './support/flip-job.js';
import { digitsEntries, goldenCase } from './support/golden-cases.js';

const native = loadNative();
const DEVICE = 'host stand-in';

/** Faults that the trial in a child, of three allocations and one launch, doesn't meet, and a call in this process does. */
const FAULTS = [
  ['malloc=4', 'OUT_OF_MEMORY', 'not enough memory on the device'],
  ['launch=2', 'CUDA_UNAVAILABLE', 'the CUDA device was lost'],
] as const;

afterEach(() => vi.unstubAllEnvs());

/** Arguments of a flip search, small: the stand-in runs lane by lane. */
function flipArgs(rows = 40, dim = 12, classes = 3) {
  const next = uniform(rows);
  const fill = (length: number) => Float32Array.from({ length }, () => next() - 0.5);
  const head = { weight: fill(classes * dim), bias: fill(classes), classes };
  return { data: fill(rows * dim), rows, dim, ...head, anchors: fill(classes * dim) };
}

/** For `score`, which then fits a head, on the CPU, and makes one call more: the flip search. */
function toScore() {
  const { pool, labeled } = goldenCase(digitsEntries[0]);
  return { pool, labeled };
}

/** `auto` takes the device for every call. */
function useAlways(settings = ''): void {
  useSimt(settings);
  vi.stubEnv('ALFAMIX_CUDA_AUTO', 'always');
}

describe.runIf(hasSimt())('backend cuda', () => {
  test('is the device, by its name', async () => {
    useSimt();
    const kernels = await getKernels('cuda');
    expect([kernels.backend, kernels.level, kernels.device]).toEqual(['cuda', 'cuda', DEVICE]);
    vi.stubEnv('ALFAMIX_BACKEND', 'cuda');
    expect((await getKernels()).backend).toBe('cuda');
    expect(await backendInfo()).toMatchObject({
      backend: 'cuda',
      level: 'cuda',
      levels: native.binding?.levels(),
      cuda: { available: true, device: { name: DEVICE } },
    });
    expect((await getKernels('cpu')).backend).toBe('cpu');
    await fails(() => getKernels('cuda', { level: 'avx2' }), 'INVALID_ARGUMENT', /^expected cuda for level/);
  });

  test('gives what the CPU gives, what it has no kernel for included', async () => {
    useSimt();
    const [cuda, cpu] = [await getKernels('cuda'), await getKernels('cpu')];
    const args = flipArgs();
    const [found, expected] = [await cuda.flipSearch(args), await cpu.flipSearch(args)];
    expect(found.pseudoLabel).toEqual(expected.pseudoLabel);
    expect(found.flipAnchor).toEqual(expected.flipAnchor);
    expect(found.flipTo).toEqual(expected.flipTo);
    const { data, rows, dim, weight, bias, classes } = args;
    const head = { data, rows, dim, weight, bias, classes };
    expect(await cuda.logits(head)).toEqual(await cpu.logits(head));
    expect(await cuda.normalizeRows({ data, rows, dim })).toEqual(
      await cpu.normalizeRows({ data, rows, dim }),
    );
  });

  test.each(FAULTS)('%s: %s once, then it works', async (settings, code, message) => {
    useSimt(settings);
    const kernels = await getKernels('cuda');
    const ends: unknown[] = [];
    for (let call = 0; call < 4; call++)
      ends.push(
        await kernels.flipSearch(flipArgs()).then(
          ({ flipTo }) => flipTo,
          (error) => error,
        ),
      );
    const failed = ends.filter((end) => end instanceof Error);
    expect(failed).toEqual([expect.objectContaining({ code, message: expect.stringContaining(message) })]);
    expect(ends.at(-1)).toEqual((await (await getKernels('cpu')).flipSearch(flipArgs())).flipTo);
  });

  test('an abort on the way', async () => {
    useSimt();
    const kernels = await getKernels('cuda');
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = () => controller.abort('enough');
    const call = kernels.flipSearch({ ...flipArgs(400_000, 16), signal, onProgress });
    const error = await fails(() => call, 'ABORTED', /aborted/);
    expect(error.cause).toBe('enough');
    expect((await kernels.flipSearch(flipArgs())).pseudoLabel).toHaveLength(40);
  });

  test('an abort while the plug-in is tried', async () => {
    useSimt();
    vi.stubEnv('ALFAMIX_CUDA_PATH', fakePlugin({ describe: 'for (;;) pause();' }));
    const given = goldenCase(digitsEntries[0]);
    for (const backend of ['cuda', 'auto'] as const) {
      vi.stubEnv('ALFAMIX_CUDA_AUTO', 'always');
      const start = performance.now();
      const signal = AbortSignal.timeout(100);
      await fails(() => select({ ...given, budget: 5, backend, signal }), 'ABORTED', /aborted/);
      expect(performance.now() - start).toBeLessThan(5000);
    }
  });

  test('bad input is refused as everywhere', async () => {
    useSimt();
    const kernels = await getKernels('cuda');
    const args = flipArgs();
    await fails(() => kernels.flipSearch({ ...args, rows: 41 }), 'SHAPE_MISMATCH', /for data, got/);
    args.data[5 * args.dim] = Number.NaN;
    const { details } = await fails(() => kernels.flipSearch(args), 'NON_FINITE', /./);
    expect(details).toEqual({ row: 5 });
  });

  test.each([
    ['driver=0', /^the cuda backend can't be used: no NVIDIA driver was found$/],
    ['devices=0', /^the cuda backend can't be used: .*no CUDA device$/],
    ['sm=75', /^the cuda backend can't be used: .* has 7\.5$/],
  ])('%s: CUDA_UNAVAILABLE, for select too; auto goes on', async (settings, message) => {
    useAlways(settings);
    await fails(() => getKernels('cuda'), 'CUDA_UNAVAILABLE', message);
    const given = goldenCase(digitsEntries[0]);
    await fails(() => select({ ...given, budget: 5, backend: 'cuda' }), 'CUDA_UNAVAILABLE', message);
    vi.stubEnv('ALFAMIX_BACKEND', 'cuda');
    await fails(() => select({ ...given, budget: 5 }), 'CUDA_UNAVAILABLE', message);
    await fails(() => backendInfo(), 'CUDA_UNAVAILABLE', message);
    vi.stubEnv('ALFAMIX_BACKEND', '');
    const { backend } = await score(given);
    expect(backend).toMatchObject({ name: 'cpu', reason: expect.stringMatching(/^CUDA isn't used: /) });
    expect(backend).not.toHaveProperty('device');
  });

  test('switched off there is none', async () => {
    vi.stubEnv('ALFAMIX_CUDA_PATH', 'off');
    await fails(() => getKernels('cuda'), 'CUDA_UNAVAILABLE', /ALFAMIX_CUDA_PATH=off turns CUDA off$/);
  });
});

describe.runIf(hasSimt())('auto where a device is', () => {
  test('small calls stay on the CPU, and nothing is started for them', async () => {
    useSimt('driver=0');
    vi.stubEnv('ALFAMIX_CUDA_AUTO', '');
    const kernels = await getKernels();
    expect(kernels).toBeInstanceOf(AutoKernels);
    expect([kernels.backend, kernels.level]).toEqual(['cpu', native.binding?.levels().at(-1)]);
    const { backend } = await score(goldenCase(digitsEntries[0]));
    expect(backend).toEqual({
      name: 'cpu',
      level: native.binding?.levels().at(-1),
      threads: native.binding?.defaultThreads(),
    });
  });

  test('a level, or cpu, is the CPU', async () => {
    useAlways();
    expect(await getKernels('auto', { level: 'scalar' })).not.toBeInstanceOf(AutoKernels);
    expect(await getKernels('cpu')).not.toBeInstanceOf(AutoKernels);
    vi.stubEnv('ALFAMIX_LEVEL', 'scalar');
    expect(await getKernels()).not.toBeInstanceOf(AutoKernels);
  });

  test('what ran on it is told, run by run', async () => {
    useAlways();
    const given = toScore();
    const kernels = await getKernels();
    const { backend, ...onDevice } = await score({ ...given, kernels });
    expect(backend).toMatchObject({ name: 'cuda', level: 'cuda', device: DEVICE, onDevice: ['flipSearch'] });
    expect(backend).not.toHaveProperty('reason');
    const cpu = await score({ ...given, backend: 'cpu' });
    expect(onDevice.pseudoLabel).toEqual(cpu.pseudoLabel);
    expect(onDevice.flipTo).toEqual(cpu.flipTo);
    vi.stubEnv('ALFAMIX_CUDA_AUTO', '');
    expect((await score({ ...given, kernels })).backend).toMatchObject({ name: 'cpu' });
  });

  test.each(FAULTS)(
    '%s: the CPU does the work, the reason is kept, the next call is the device’s',
    async (settings, _, message) => {
      useAlways(settings);
      const given = toScore();
      const kernels = await getKernels();
      const told: number[] = [];
      const onProgress = (_stage: string, done: number) => void told.push(done);
      const first = await score({ ...given, kernels, onProgress });
      expect(first.backend.name).toBe('cpu');
      expect(first.backend.reason).toContain(`flipSearch ran on the CPU, because CUDA failed: ${message}`);
      expect(told.length).toBeGreaterThan(0);
      expect(told).toEqual([...told].sort((a, b) => a - b));
      const second = await score({ ...given, kernels });
      expect(second.backend).toMatchObject({ name: 'cuda', onDevice: ['flipSearch'] });
      expect(second.backend).not.toHaveProperty('reason');
      expect(second.flipTo).toEqual(first.flipTo);
    },
  );

  test('a device that keeps failing is left alone for a while', async () => {
    useAlways('memory=1');
    const kernels = await getKernels();
    // Anchors that no device of 1 MiB holds.
    const args = flipArgs(4, 1 << 18, 2);
    const reasons: (string | undefined)[] = [];
    for (let call = 0; call < 4; call++) {
      const one = (kernels as AutoKernels).fresh();
      await one.flipSearch(args);
      expect(one.record.kernels).toEqual([]);
      reasons.push(one.record.reason);
    }
    for (const reason of reasons.slice(0, 3)) expect(reason).toMatch(/CUDA failed: .*memory/);
    expect(reasons[3]).toMatch(/^CUDA isn't used: it failed 3 times in a row, .*not enough memory/);
  });

  test('an abort and bad input end the call: the CPU doesn’t try', async () => {
    useAlways();
    const kernels = await getKernels();
    await fails(
      () => kernels.flipSearch({ ...flipArgs(), signal: AbortSignal.abort('before') }),
      'ABORTED',
      /./,
    );
    // From here on the device is there, and the call long enough to be met in the middle.
    await kernels.flipSearch(flipArgs());
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = () => controller.abort();
    const call = kernels.flipSearch({ ...flipArgs(400_000, 16), signal, onProgress });
    await fails(() => call, 'ABORTED', /aborted/);
    const args = flipArgs();
    args.data[7] = Number.NaN;
    await fails(() => kernels.flipSearch(args), 'NON_FINITE', /./);
    await fails(() => kernels.flipSearch(undefined as never), 'INVALID_ARGUMENT', /./);
    expect((kernels as AutoKernels).record.reason).toBeUndefined();
  });
});

describe('whether a call pays for the way to the device', () => {
  const floats = (length: number) => ({ length }) as Float32Array;
  const flips = (rows: number, dim: number, classes: number): DeviceCall => ({
    name: 'flipSearch',
    args: {
      data: floats(rows * dim),
      rows,
      dim,
      classes,
      weight: floats(classes * dim),
      bias: floats(classes),
      anchors: floats(classes * dim),
    },
  });
  const kmeans = (rows: number, dim: number, clusters: number): DeviceCall => ({
    name: 'kmeans',
    args: { data: floats(rows * dim), rows, dim, clusters },
  });

  test('small ones don’t, large products do', () => {
    expect(devicePays(flips(2000, 64, 10), 'avx2', 2)).toBe(false);
    expect(devicePays(kmeans(1000, 64, 10), 'avx2', 2)).toBe(false);
    expect(devicePays(flips(4_000_000, 768, 100), 'avx2', 4)).toBe(true);
    expect(devicePays(kmeans(1_000_000, 512, 1000), 'avx2', 16)).toBe(true);
  });

  test('more cores raise the bar, slower ones lower it', () => {
    const call = flips(1_000_000, 512, 100);
    const pays = (level: string, cores: number) => devicePays(call, level, cores);
    expect([2, 8, 64].map((cores) => pays('avx512', cores))).toEqual([true, false, false]);
    expect([2, 8, 64].map((cores) => pays('scalar', cores))).toEqual([true, true, false]);
  });

  test('what only reads and writes never does', () => {
    const [rows, dim] = [10_000_000, 1000];
    const data = floats(rows * dim);
    const anchorIndex = { length: rows } as Int32Array;
    const mix = { data, rows, dim, anchors: floats(dim), anchorIndex };
    const calls: DeviceCall[] = [
      { name: 'closedFormAlpha', args: { ...mix, gradient: data, alphaCap: 1 } },
      { name: 'interpolate', args: { ...mix, alpha: data } },
    ];
    for (const call of calls) expect(devicePays(call, 'avx2', 16)).toBe(false);
  });

  test('what the plug-in does on the host never does', () => {
    const { args } = kmeans(1_000_000, 512, 1000);
    const calls = [
      { name: 'kmeansPlusPlus', args },
      { name: 'kmeans', args: { ...args, algorithm: 'hartigan' } },
    ] as DeviceCall[];
    for (const call of calls) expect(devicePays(call, 'avx2', 16)).toBe(false);
    expect(devicePays(kmeans(1_000_000, 512, 1000), 'avx2', 16)).toBe(true);
  });

  test.runIf(hasSimt())('nor is it recorded, where auto takes the device always', async () => {
    useAlways();
    const kernels = (await getKernels()) as AutoKernels;
    const data = new Float32Array(40).map((_, i) => Math.sin(i * i));
    await kernels.kmeansPlusPlus({ data, rows: 10, dim: 4, clusters: 3 });
    expect(kernels.record.kernels).toEqual([]);
  });

  test('bytes and operations, by the shapes', () => {
    expect(workOf(flips(10, 4, 3))).toEqual({ bytes: 10 * 4 * 4 + 280, flops: 2 * 10 * 4 * 6 });
    const half = { ...flips(10, 4, 3).args, data: { dtype: 'float16', values: new Uint16Array(40) } };
    expect(workOf({ name: 'flipSearch', args: half } as DeviceCall).bytes).toBe(10 * 4 * 2 + 280);
    const file = { ...half, data: { segments: [{ dtype: 'float64' }] } };
    expect(workOf({ name: 'scoreUncertainty', args: file } as never)).toEqual({
      bytes: 10 * 4 * 8 + 160,
      flops: 2 * 10 * 4 * 3,
    });
  });

  test('of arguments that are none, nothing does', () => {
    for (const args of [undefined, null, {}, { rows: '9', dim: Number.NaN }, { rows: 1e9, dim: 1e3 }])
      expect(devicePays({ name: 'flipSearch', args } as never, 'avx2', 2)).toBe(false);
  });
});
