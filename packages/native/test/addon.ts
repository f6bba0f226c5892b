import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NativeBinding } from '../src/binding.js';
import { loadNative } from '../src/index.js';

const native = loadNative();

/** Without an addon the tests that need it are skipped; ALFAMIX_REQUIRE_NATIVE=1 makes that a failure (load.test.ts). */
export const hasAddon = native.binding !== undefined;
export const addonPath = native.binding ? native.path : '';
export const addon = native.binding as NativeBinding;

export const options = { threads: 2, level: 'scalar' };

export function errorOf(call: () => unknown): Error & { code?: string; row?: number } {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected an exception, got none');
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs children/`script` in a Node process of its own. */
export function runChild(
  script: string,
  args: readonly string[],
  execArgv: readonly string[] = [],
): Promise<Ending> {
  const file = fileURLToPath(new URL(`./children/${script}`, import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...execArgv, file, addonPath, ...args],
      { timeout: 60_000, killSignal: 'SIGKILL' },
      (_error, stdout, stderr) =>
        resolve({
          code: child.exitCode,
          signal: child.signalCode,
          stdout: stdout.trim(),
          stderr: stderr.trim(),
        }),
    );
  });
}
