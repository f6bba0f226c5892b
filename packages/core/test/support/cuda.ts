import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNative } from '@alfamix/native';
import { afterAll, inject, vi } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** scripts/simt-plugin.js: the CUDA plug-in that runs on the host, or why there is none. */
    simtPlugin: { path: string; reason: string; failed: boolean };
  }
}

/** Whether tests of the plug-in can run; where its build failed they do, and fail. */
export function hasSimt(): boolean {
  const { path, failed } = inject('simtPlugin');
  return loadNative().binding !== undefined && (path !== '' || failed);
}

export function simtPath(): string {
  const { path, reason } = inject('simtPlugin');
  if (path === '') throw new Error(reason);
  return path;
}

let folder: string | undefined;
let count = 0;
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

function newFile(name: string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'alfamix-cuda-'));
  return join(folder, `${count++}-${name}`);
}

/**
 * Sets the environment for a plug-in that runs on the host. A copy, because a process knows a plug-in by its path and the stand-in
 * reads its settings once.
 *
 * @param settings of native/test/simt, `malloc=4`: its fourth allocation in this process fails
 */
export function useSimt(settings = ''): string {
  const path = newFile('simt.so');
  copyFileSync(simtPath(), path);
  vi.stubEnv('ALFAMIX_CUDA_PATH', path);
  vi.stubEnv('ALFAMIX_SIMT', settings);
  vi.stubEnv('ALFAMIX_BACKEND', '');
  vi.stubEnv('ALFAMIX_LEVEL', '');
  return path;
}

/** The parts of native/src/cuda/abi.h that a plug-in in C needs. */
const HEADER = `
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct device { char name[128]; int major, minor, multiprocessors; uint64_t memory, free; };
struct description { int driver, runtime, count, device; struct device devices[16]; char cublas[160], reason[240]; };
struct status { int code; char text[240]; int64_t row; };
struct plugin { uint32_t abi; const char* version; void* calls[11]; };
`;

/** A plug-in of another make: `describe` and `self_test` are C statements. */
export interface FakePlugin {
  abi?: string;
  version?: string;
  describe?: string;
  /** Before the functions. */
  before?: string;
  selfTest?: string;
  /** Instead of all that. */
  source?: string;
}

/** Compiles a plug-in; undefined where there is no C compiler. */
export function fakePlugin({
  abi = 'abi',
  version = '0.1.0',
  describe = '',
  selfTest = '',
  before = '',
  source,
}: FakePlugin) {
  const file = newFile('fake.c');
  const library = file.replace(/c$/, 'so');
  writeFileSync(
    file,
    source ??
      `${HEADER}${before}
static void describe(struct description* out) {
  memset(out, 0, sizeof *out);
  out->driver = out->runtime = 13000; out->count = 1; strcpy(out->devices[0].name, "fake"); ${describe}
}
static void self_test(struct status* status) { (void)status; ${selfTest} }
static struct plugin table;
const struct plugin* alfamix_cuda_plugin(uint32_t abi) {
  table.abi = ${abi}; table.version = "${version}"; table.calls[0] = describe; table.calls[1] = self_test;
  return ${abi === 'none' ? '0' : '&table'};
}`.replace('table.abi = none;', ''),
  );
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, file], { stdio: 'pipe' });
  return library;
}
