import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assertBuilt } from '../../../core/test/support/built.js';

export const BIN = fileURLToPath(new URL('../../bin/alfamix.js', import.meta.url));

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Called with the running process, to send it a signal or close a pipe. */
  started?: (child: ChildProcess) => void;
}

/** Runs the built command line as a process of its own. */
export function alfamix(args: readonly string[], { cwd, env, started }: CliOptions): Promise<CliResult> {
  assertBuilt();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...process.env, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    started?.(child);
  });
}

/** A folder of its own, removed by `using`. */
export class Scratch implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'alfamix-cli-'));

  file(name: string): string {
    return join(this.path, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  json(name: string) {
    return JSON.parse(this.read(name));
  }

  /** Rows of a CSV by column name. */
  table(name: string): Record<string, string>[] {
    const [header, ...rows] = this.read(name)
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    return rows.map((row) => Object.fromEntries(header.map((column, i) => [column, row[i]])));
  }

  list(): string[] {
    return readdirSync(this.path).sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
