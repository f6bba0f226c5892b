import { loadNative, type NativeBinding, type NativeJob } from '@alfamix/native';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { chooseKernels } from '../src/inputs.js';
import { backendInfo, getKernels } from '../src/kernels/get-kernels.js';
import { NativeKernels } from '../src/kernels/native-kernels.js';
import { fails } from './support/files.js';

const native = loadNative();
const nowhere = '/nowhere/alfamix.node';

afterEach(() => vi.unstubAllEnvs());

describe('getKernels', () => {
  test('js', async () => {
    const kernels = await getKernels('js');
    expect([kernels.backend, kernels.level]).toEqual(['js', 'js']);
  });

  test.runIf(native.binding)('auto is the addon where it loads, at its fastest level', async () => {
    vi.stubEnv('ALFAMIX_BACKEND', '');
    const levels = native.binding?.levels() ?? [];
    const kernels = await getKernels();
    expect([kernels.backend, kernels.level]).toEqual(['cpu', levels[levels.length - 1]]);
    for (const level of levels) expect((await getKernels('cpu', { level })).level).toBe(level);
    expect(await backendInfo()).toEqual({
      backend: 'cpu',
      level: levels[levels.length - 1],
      levels,
      threads: native.binding?.defaultThreads(),
      nativeVersion: native.binding?.version,
      nativePath: native.binding && native.path,
    });
  });

  test.runIf(native.binding)('a level this CPU does not have', async () => {
    await fails(
      () => getKernels('cpu', { level: 'avx9' }),
      'INVALID_ARGUMENT',
      /^expected one of .*scalar.* for level, got "avx9"$/,
    );
  });

  test('without the addon: auto falls back and says why, cpu and levels do not', async () => {
    vi.stubEnv('ALFAMIX_BACKEND', '');
    vi.stubEnv('ALFAMIX_NATIVE_PATH', nowhere);
    expect((await getKernels()).backend).toBe('js');
    const info = await backendInfo();
    expect(info).toMatchObject({ backend: 'js', level: 'js', levels: ['js'], threads: 1 });
    expect(info.reason).toMatch(/^the native addon can't be used: .*nowhere/);
    expect(info.nativePath).toBeUndefined();
    await fails(() => getKernels('cpu'), 'NATIVE_UNAVAILABLE', /^the native addon can't be used: .*nowhere/);
    await fails(() => getKernels('auto', { level: 'scalar' }), 'NATIVE_UNAVAILABLE', /nowhere/);
  });

  test('ALFAMIX_BACKEND overrides auto, and only auto', async () => {
    vi.stubEnv('ALFAMIX_BACKEND', 'js');
    expect((await getKernels()).backend).toBe('js');
    expect((await backendInfo()).reason).toBe('ALFAMIX_BACKEND asks for js');
    if (native.binding) expect((await getKernels('cpu')).backend).toBe('cpu');
    vi.stubEnv('ALFAMIX_BACKEND', 'gpu');
    await fails(
      () => getKernels(),
      'INVALID_ARGUMENT',
      /^expected auto, cpu, cuda or js for ALFAMIX_BACKEND, got "gpu"$/,
    );
    expect((await getKernels('js')).backend).toBe('js');
  });

  test('ALFAMIX_LEVEL sets the level where none is asked for', async () => {
    vi.stubEnv('ALFAMIX_BACKEND', '');
    vi.stubEnv('ALFAMIX_LEVEL', 'scalar');
    expect((await getKernels('js')).level).toBe('js');
    if (native.binding) {
      expect((await getKernels()).level).toBe('scalar');
      const last = native.binding.levels().at(-1) as string;
      expect((await getKernels('cpu', { level: last })).level).toBe(last);
      vi.stubEnv('ALFAMIX_LEVEL', 'avx9');
      await fails(
        () => getKernels(),
        'INVALID_ARGUMENT',
        /^expected one of .* for ALFAMIX_LEVEL, got "avx9"$/,
      );
    }
    vi.stubEnv('ALFAMIX_NATIVE_PATH', nowhere);
    await fails(() => getKernels(), 'NATIVE_UNAVAILABLE', /nowhere/);
  });

  test('cuda, unknown names, and a level of js', async () => {
    await fails(() => getKernels('cuda'), 'CUDA_UNAVAILABLE', /cuda backend/);
    await fails(
      () => getKernels('tpu' as 'cpu'),
      'INVALID_ARGUMENT',
      /^expected auto, cpu, cuda or js for backend, got "tpu"$/,
    );
    await fails(
      () => getKernels('js', { level: 'avx2' }),
      'INVALID_ARGUMENT',
      /^expected js for level, got "avx2"$/,
    );
  });
});

/** A binding whose flip search ends as the test says. */
function fakeBinding(promise: () => Promise<never>, cancel: () => void = () => {}): NativeBinding {
  const job = <Result>(): NativeJob<Result> => ({ promise: promise(), cancel });
  return {
    version: '0',
    levels: () => ['scalar', 'fast'],
    defaultThreads: () => 3,
    flipSearch: job,
    scoreUncertainty: job,
    logits: job,
    interpolate: job,
    pseudoLabelGradient: job,
    closedFormAlpha: job,
    kCenterGreedy: job,
    kmeansPlusPlus: job,
    kmeans: job,
    nearestMembers: job,
    normalizeRows: job,
    measureMachine: job,
    measureProduct: job,
    cuda: job,
    blas: () => ({ reason: 'a test' }),
    fitSoftmax: job,
  };
}

const rows = { data: new Float32Array(4), rows: 2, dim: 2 };

describe('NativeKernels', () => {
  test('validates before the addon is called', async () => {
    let called = 0;
    const kernels = new NativeKernels(fakeBinding(() => Promise.reject(new Error(String(++called)))));
    await fails(() => kernels.normalizeRows({ ...rows, rows: 3 }), 'SHAPE_MISMATCH', /for data, got 4$/);
    await fails(() => kernels.normalizeRows({ ...rows, threads: 999 }), 'INVALID_ARGUMENT', /for threads/);
    await fails(() => kernels.normalizeRows({ ...rows, signal: AbortSignal.abort() }), 'ABORTED', /aborted/);
    expect(called).toBe(0);
  });

  test.each([
    ['libopenblas.so', { name: 'openblas', version: 'OpenBLAS 0.3.21 ' }, { blas: 'OpenBLAS 0.3.21' }],
    ['libblis.so', { name: 'BLIS', version: '' }, { blas: 'BLIS' }],
    ['nowhere.so', { reason: 'no file' }, { blasReason: 'no file' }],
    ['off', { reason: 'off' }, {}],
    ['', { name: 'openblas' }, {}],
  ])('ALFAMIX_BLAS=%s: what is found is told with the backend', async (variable, blas, told) => {
    vi.stubEnv('ALFAMIX_BLAS', variable);
    const kernels = new NativeKernels({ ...fakeBinding(() => Promise.reject()), blas: () => blas });
    const { used } = await chooseKernels('auto', kernels, undefined);
    expect(used()).toEqual({ name: 'cpu', level: 'fast', threads: 3, ...told });
  });

  test('maps codes, keeps the row and the cause', async () => {
    const thrown = Object.assign(new Error('row 1 is bad'), { code: 'NON_FINITE', row: 1 });
    const kernels = new NativeKernels(fakeBinding(() => Promise.reject(thrown)));
    const error = await fails(() => kernels.normalizeRows(rows), 'NON_FINITE', /^row 1 is bad$/);
    expect(error.details).toEqual({ row: 1 });
    expect(error.cause).toBe(thrown);
    const odd = new NativeKernels(
      fakeBinding(() => Promise.reject(Object.assign(new Error('x'), { code: 'ODD' }))),
    );
    await fails(() => odd.normalizeRows(rows), 'INTERNAL', /^x$/);
  });

  test('an abort cancels the job, and its listener goes with the job', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const remove = vi.spyOn(signal, 'removeEventListener');
    let stop: (error: Error) => void = () => {};
    const binding = fakeBinding(
      () =>
        new Promise((_, reject) => {
          stop = reject;
        }),
      () => stop(Object.assign(new Error('stopped'), { code: 'ABORTED' })),
    );
    const result = new NativeKernels(binding).normalizeRows({ ...rows, signal });
    controller.abort('why');
    const error = await fails(() => result, 'ABORTED', /^the operation was aborted$/);
    expect(error.cause).toBe('why');
    expect(remove).toHaveBeenCalledOnce();
  });
});
