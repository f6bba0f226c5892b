import { spawnSync } from 'node:child_process';
import { explainLoadError, type NativeCandidate } from '@alfamix/core';

const TIMEOUT_MS = 20_000;

/** What became of a binary that was loaded in a process of its own. */
export type CandidateTrial = { ok: true; version: string; levels: string[] } | { ok: false; why: string };

/**
 * Loads a binary in a child process, so that one that crashes costs a line and not the doctor. A file that isn't there
 * isn't tried.
 */
export function tryCandidate({ path }: NativeCandidate): CandidateTrial {
  const script = `
    const binding = require(${JSON.stringify(path)});
    process.stdout.write(JSON.stringify({ version: String(binding.version), levels: binding.levels() }));`;
  const child = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (child.error) return { ok: false, why: `it didn't answer: ${child.error.message}` };
  if (child.signal) return { ok: false, why: `it crashed when it was loaded (${child.signal})` };
  if (child.status === 0) {
    try {
      const { version, levels } = JSON.parse(child.stdout);
      return { ok: true, version, levels };
    } catch {
      return { ok: false, why: 'it is not an addon of alfamix' };
    }
  }
  const thrown = /^(?:\w*Error: )?(.*)$/m.exec(
    child.stderr.split('\n').find((line) => /Error: /.test(line)) ?? '',
  );
  const missing = /Cannot find module/.test(child.stderr);
  return {
    ok: false,
    why: missing ? 'no such file' : explainLoadError(new Error(thrown?.[1] || 'it failed to load')),
  };
}
