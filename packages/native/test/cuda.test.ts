import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FakePlugin, fakePlugin, hasSimt, simtPath, useSimt } from '../../core/test/support/cuda.js';
import { CUDA_PLUGIN, cudaCouldRun, cudaFile, findDriver } from '../src/cuda-file.js';
import { tryInChild } from '../src/cuda-trial.js';
import { loadNative, tryCuda } from '../src/index.js';
import { addon, addonPath, errorOf, hasAddon, runChild } from './addon.js';

const hasCompiler =
  process.platform === 'linux' && spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alfamix-cuda-file-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** What is said of a plug-in that ALFAMIX_CUDA_PATH names. */
function reportOf(path: string) {
  vi.stubEnv('ALFAMIX_CUDA_PATH', path);
  return tryCuda(loadNative());
}

describe('the plug-in’s file', () => {
  it('is the one that ALFAMIX_CUDA_PATH names, none with off, else the one beside the addon', () => {
    vi.stubEnv('ALFAMIX_CUDA_PATH', '');
    const other = join(folder, 'alfamix.node');
    expect(cudaFile(other).reason).toMatch(/^this build has no CUDA plug-in, .*nvcc.*npm run build/);
    writeFileSync(join(folder, CUDA_PLUGIN), '');
    expect(cudaFile(other)).toEqual({ path: join(folder, CUDA_PLUGIN), from: 'beside' });
    vi.stubEnv('ALFAMIX_CUDA_PATH', '/nowhere/x.so');
    expect(cudaFile(other)).toEqual({ path: '/nowhere/x.so', from: 'override' });
    vi.stubEnv('ALFAMIX_CUDA_PATH', 'off');
    expect(cudaFile(other).reason).toBe('ALFAMIX_CUDA_PATH=off turns CUDA off');
    expect(cudaCouldRun(other)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('is tried only where a driver is, or where it was named', () => {
    const driver = join(folder, 'libcuda.so.1');
    writeFileSync(driver, '');
    vi.stubEnv('LD_LIBRARY_PATH', `/nowhere:${folder}`);
    expect(findDriver()).toBe(driver);
    const other = join(folder, 'alfamix.node');
    writeFileSync(join(folder, CUDA_PLUGIN), '');
    vi.stubEnv('ALFAMIX_CUDA_PATH', '');
    expect(cudaCouldRun(other)).toBe(true);
    expect(cudaCouldRun('/nowhere/alfamix.node')).toBe(false);
    vi.stubEnv('ALFAMIX_CUDA_PATH', '/nowhere/x.so');
    expect(cudaCouldRun('/nowhere/alfamix.node')).toBe(true);
  });
});

describe.skipIf(!hasAddon)('cuda() of the addon', () => {
  it('wants a path and whether to test', () => {
    for (const args of [{}, { path: 'x' }, { path: '', selfTest: true }, { path: 'x', selfTest: 1 }])
      expect(errorOf(() => addon.cuda(args as never))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('says why a library can’t be opened', async () => {
    const { opened, reason } = await addon.cuda({ path: '/nowhere/x.so', selfTest: true }).promise;
    expect(opened).toBe(false);
    expect(reason).toMatch(/nowhere/);
  });

  it.skipIf(!existsSync(join(dirname(addonPath), CUDA_PLUGIN)) || findDriver() !== undefined)(
    'the plug-in that nvcc built loads without a driver, and says so',
    async () => {
      vi.stubEnv('ALFAMIX_CUDA_PATH', '');
      const report = await tryCuda(loadNative());
      expect(report).toMatchObject({
        available: false,
        plugin: join(dirname(addonPath), CUDA_PLUGIN),
        driver: null,
        runtime: expect.stringMatching(/^\d+\.\d+$/),
        devices: [],
        reason: 'no NVIDIA driver was found',
      });
      // Without a trial: the calls' own words.
      const { promise } = addon.cuda({ path: report.plugin!, selfTest: true });
      expect(await promise).toMatchObject({ opened: true, reason: 'no NVIDIA driver was found' });
      const floats = new Float32Array(4);
      const head = { weight: floats, bias: new Float32Array(2), classes: 2, anchors: floats, anchorCount: 2 };
      const call = addon.flipSearch({ data: floats, rows: 2, dim: 2, ...head, threads: 1, level: 'cuda' });
      const message = 'no NVIDIA driver was found';
      await expect(call.promise).rejects.toMatchObject({ code: 'CUDA_UNAVAILABLE', message });
    },
  );
});

describe.skipIf(!hasAddon)('a plug-in that can’t be used', () => {
  it('files that are none', async () => {
    const text = join(folder, 'text.so');
    writeFileSync(text, 'not a library');
    for (const [path, message] of [
      [text, /text\.so: .*(too short|invalid ELF header)/],
      [join(folder, 'missing.so'), /^(?!.*missing\.so.*missing\.so).*missing\.so: .*[Nn]o such file/],
      [folder, /it is a folder, expected the CUDA plug-in, alfamix-cuda\.so$/],
      [addonPath, /it is no CUDA plug-in of alfamix$/],
    ] as const) {
      const report = await reportOf(path);
      expect(report).toMatchObject({ available: false, plugin: path, driver: null, devices: [] });
      expect(report.reason).toMatch(message);
    }
  });

  it.runIf(hasSimt())('one that was cut', async () => {
    const path = join(folder, 'cut.so');
    const whole = readFileSync(simtPath());
    writeFileSync(path, whole.subarray(0, whole.length / 2));
    expect((await reportOf(path)).reason).toMatch(/it is cut short, \d+ of at least \d+ bytes/);
  });

  const crash = '*(volatile int*)0 = 1;';
  it.skipIf(!hasCompiler).each<[string, FakePlugin, RegExp]>([
    [
      'crashes when it is loaded',
      { source: 'static void __attribute__((constructor)) die(void) { *(volatile int*)0 = 1; }' },
      /it crashes \(SIG\w+\)$/,
    ],
    ['crashes in the driver', { describe: crash }, /it crashes \(SIG\w+\)$/],
    ['crashes in the self-test', { selfTest: crash }, /it crashes \(SIG\w+\)$/],
    ['ends the process', { describe: '_exit(3);' }, /it fails: exit 3$/],
    [
      'computes wrongly',
      { selfTest: 'status->code = 8; strcpy(status->text, "2 + 2 = 5");' },
      /^2 \+ 2 = 5$/,
    ],
    ['is of another interface', { abi: 'none' }, /it is built for another addon: expected interface \d+$/],
    [
      'lies about its interface',
      { abi: 'abi + 1' },
      /it is built for another addon: expected interface \d+$/,
    ],
    ['is of another version', { version: '0.0.1' }, /expected a CUDA plug-in of version .*, got 0\.0\.1$/],
    ['is another library', { source: 'int x;' }, /it is no CUDA plug-in of alfamix$/],
  ])('one that %s', async (_, fake, message) => {
    const report = await reportOf(fakePlugin(fake));
    expect(report.available).toBe(false);
    expect(report.reason).toMatch(message);
  });

  it.runIf(hasCompiler)('one that hangs is given up, without holding up the event loop', async () => {
    const path = fakePlugin({ describe: 'for (;;) pause();' });
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const { reason } = await tryInChild(addonPath, path, 1500);
    clearInterval(timer);
    expect(reason).toBe("it doesn't answer: nothing within 1.5 s");
    expect(turns).toBeGreaterThan(100);
  });

  it.runIf(hasCompiler).each([
    ['before its answer', 'write(1, "hello\\n", 6);'],
    ['without a line’s end', 'write(1, "hello", 5);'],
    ['at the end', 'atexit(bye);'],
  ])('a chatty one, %s, is understood', async (_, describe) => {
    const path = fakePlugin({
      before: 'static void bye(void) { write(1, "bye", 3); }',
      describe,
    });
    expect(await tryInChild(addonPath, path)).toMatchObject({ found: { opened: true, reason: '' } });
  });

  it.runIf(hasCompiler).each([
    ['goes on', '', { found: { opened: true } }],
    ['hangs', 'for (;;) pause();', { reason: "it doesn't answer: nothing within 1.5 s" }],
  ])('one that leaves a process behind and %s holds nothing up', async (_, then, answer) => {
    const path = fakePlugin({ describe: `if (!fork()) { sleep(15); _exit(0); } ${then}` });
    const start = performance.now();
    expect(await tryInChild(addonPath, path, 1500)).toMatchObject(answer);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it.skipIf(process.platform !== 'linux')(
    'without file descriptors it is a reason, no uncaught error',
    async () => {
      const { code, stdout, stderr } = await runChild('cuda-without-files.mjs', ['/nowhere/x.so']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^true it can't be tried first: .*EMFILE$/);
    },
  );

  it.runIf(hasCompiler)('is tried once a process, workers included, which then ends by itself', async () => {
    const pids = join(folder, 'pids');
    const path = fakePlugin({
      describe: `char text[32]; int n = snprintf(text, 32, "%d\\n", getpid());
        int f = open("${pids}", O_CREAT | O_WRONLY | O_APPEND, 0600); write(f, text, n); close(f);`,
    });
    vi.stubEnv('ALFAMIX_CUDA_PATH', path);
    const ending = await runChild('cuda-in-workers.mjs', []);
    expect(ending).toMatchObject({ code: 0, stderr: '', stdout: 'true fake,true fake,true fake' });
    // The child's, and the process's own, where it was opened.
    expect(new Set(readFileSync(pids, 'utf8').trim().split('\n')).size).toBe(2);
  });

  it.runIf(hasCompiler)('a process that exits takes the child with it', async () => {
    const pid = join(folder, 'pid');
    const path = fakePlugin({
      describe: `char text[32]; int n = snprintf(text, 32, "%d", getpid()); int f = creat("${pid}", 0600); write(f, text, n); close(f); for (;;) pause();`,
    });
    const ending = await runChild('exit-while-trying.mjs', [path, pid]);
    expect(ending).toEqual({ code: 5, signal: null, stdout: '', stderr: '' });
    const child = Number(readFileSync(pid, 'utf8'));
    expect(child).toBeGreaterThan(0);
    await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow('ESRCH'), 5000);
  });
});

describe.runIf(hasSimt())('a plug-in that works', () => {
  it('is described, and asked once', async () => {
    const path = useSimt('memory=64');
    const report = await tryCuda(loadNative());
    const device = { name: 'host stand-in', computeCapability: '9.0', memoryBytes: 64 * 2 ** 20 };
    expect(report).toMatchObject({
      available: true,
      plugin: path,
      driver: '13.0',
      runtime: '13.0',
      devices: [device],
      device,
      cublas: expect.stringMatching(/cublas/),
    });
    expect(report.reason).toBeUndefined();
    // Known by now, though the machine has changed.
    vi.stubEnv('ALFAMIX_SIMT', 'driver=0');
    expect(await tryCuda(loadNative())).toEqual(report);
  });

  it.each([
    ['driver=0', /^no NVIDIA driver was found$/],
    ['devices=0', /^the NVIDIA driver is there, but shows no CUDA device$/],
    ['sm=75', /no device of compute capability 8\.0 or later: .* has 7\.5$/],
    ['malloc=1', /^not enough memory on the device/],
    ['launch=1', /^the CUDA device was lost/],
  ])('on a machine of %s it isn’t trusted', async (settings, message) => {
    useSimt(settings);
    const report = await tryCuda(loadNative());
    expect(report.available).toBe(false);
    expect(report.reason).toMatch(message);
  });
});
