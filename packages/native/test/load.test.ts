import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { currentTarget, explainLoadError, loadNative, nativeCandidates, packageOf } from '../src/index.js';
import { hasAddon } from './addon.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alfamix-load-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

function loadFile(name: string, text?: string) {
  const path = join(folder, name);
  if (text !== undefined) writeFileSync(path, text);
  vi.stubEnv('ALFAMIX_NATIVE_PATH', path);
  return { path, load: loadNative() };
}

describe('loadNative', () => {
  it.runIf(process.env.ALFAMIX_REQUIRE_NATIVE === '1')('finds the addon that this run requires', () => {
    expect(hasAddon, loadNative().reason).toBe(true);
  });

  it('says which path was tried and why it failed', () => {
    const { path, load } = loadFile('missing.node');
    expect(load.binding).toBeUndefined();
    expect(load.reason).toBe(`${path}: no such file`);
    expect(load).toMatchObject({ tried: [{ path, error: 'no such file' }] });
  });

  it('reports a file that is no addon in one line', () => {
    const { load } = loadFile('text.node', 'not a library');
    expect(load.binding).toBeUndefined();
    expect(load.reason).not.toContain('\n');
    expect(load.reason).toContain('text.node');
  });

  it('names a folder and a device as such', () => {
    vi.stubEnv('ALFAMIX_NATIVE_PATH', folder);
    expect(loadNative().reason).toBe(`${folder}: it is a folder, expected the addon, a .node file`);
    if (process.platform === 'win32') return;
    vi.stubEnv('ALFAMIX_NATIVE_PATH', '/dev/zero');
    expect(loadNative().reason).toMatch(/^\/dev\/zero: it is a pipe, socket or device/);
  });

  it.runIf(hasAddon && process.platform === 'linux')('refuses an addon that was cut, wherever', () => {
    const built = loadNative();
    const whole = readFileSync(built.binding ? built.path : '');
    for (const share of [0.001, 0.05, 0.3, 0.6, 0.9, 0.9999]) {
      const path = join(folder, `cut-${share}.node`);
      writeFileSync(path, whole.subarray(0, Math.floor(share * whole.length)));
      vi.stubEnv('ALFAMIX_NATIVE_PATH', path);
      expect(loadNative().reason, String(share)).toMatch(/: it is cut short, \d+ of at least \d+ bytes: /);
    }
  });

  it('refuses an addon of another version', () => {
    const { load } = loadFile('old.cjs', "module.exports = { version: '0.0.1' };");
    expect(load.reason).toContain('expected an addon of version');
    expect(load.reason).toContain('0.0.1');
  });

  it('refuses an addon without the methods', () => {
    const { load } = loadFile('half.cjs', "module.exports = { version: '0.1.0', levels() {} };");
    expect(load.reason).toContain('expected a method defaultThreads');
  });

  it('survives an addon that throws something odd', () => {
    expect(loadFile('odd.cjs', 'throw null;').load.reason).toContain('null');
  });

  it('tries the local build, then this platform’s package; the override alone where it is set', () => {
    const target = currentTarget();
    vi.stubEnv('ALFAMIX_NATIVE_PATH', '');
    const [build, ...others] = nativeCandidates();
    expect(build).toEqual({ from: 'build', path: expect.stringMatching(/lib[/\\]alfamix\.node$/) });
    expect(others).toEqual(target ? [{ from: 'package', path: packageOf(target) }] : []);
    vi.stubEnv('ALFAMIX_NATIVE_PATH', '/nowhere/x.node');
    expect(nativeCandidates()).toEqual([{ from: 'override', path: expect.stringMatching(/x\.node$/) }]);
  });

  it.each([
    [
      "/lib/libc.so.6: version `GLIBC_2.38' not found (required by x)",
      /it needs GLIBC 2\.38, .*\(glibc\) is older/,
    ],
    [
      "libstdc++.so.6: version `GLIBCXX_3.4.32' not found",
      /it needs GLIBCXX 3\.4\.32, .*\(libstdc\+\+\) is older/,
    ],
    ['x.node: wrong ELF class: ELFCLASS32', /for another platform: build it here/],
    ['Error loading shared library ld-musl-x86_64.so.1', /built for musl/],
    ['something\nRequire stack:', /^something$/],
  ])('explains %s', (message, sentence) => {
    expect(explainLoadError(new Error(message))).toMatch(sentence);
  });

  it('answers the second time from memory', () => {
    const { load } = loadFile('missing.node');
    expect(loadNative()).toBe(load);
  });
});
