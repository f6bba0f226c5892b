import { loadNative, type NativeCandidate, type NativeLoad, nativeCandidates } from '@alfamix/core';
import { hashFile } from '../output/hash.js';
import { VERSION } from '../version.js';
import { type CandidateTrial, tryCandidate } from './candidate.js';
import type { Check } from './checks.js';
import { INSTALLED } from './mend.js';

/**
 * A line for each place where the addon may be: each is tried in a process of its own, then the loader decides as it
 * does for every command.
 *
 * @returns also the loader's answer, undefined when a binary crashes: it must not be loaded in this process
 */
export async function addonChecks(mend: string): Promise<{ checks: Check[]; load: NativeLoad | undefined }> {
  const trials = nativeCandidates().map((candidate) => ({ candidate, trial: tryCandidate(candidate) }));
  const safe = trials.every(({ trial }) => trial.ok || !/crashed|didn't answer/.test(trial.why));
  const load = safe ? loadNative() : undefined;
  const checks: Check[] = [];
  for (const { candidate, trial } of trials) checks.push(await candidateCheck(candidate, trial, load, mend));
  return { checks, load };
}

async function candidateCheck(
  { from, path }: NativeCandidate,
  trial: CandidateTrial,
  load: NativeLoad | undefined,
  mend: string,
): Promise<Check> {
  const name = `addon (${from})`;
  const used = load?.binding !== undefined && load.path === path;
  const details = { path, from, used };
  const why = load?.tried.find((tried) => tried.path === path)?.error ?? refusal(trial);
  if (trial.ok && why === undefined) {
    const { sha256, bytes } = await hashFile(path);
    const { version, levels } = trial;
    const value = `${path}, version ${version}, sha256 ${sha256.slice(0, 16)}…${used ? '' : ' (not needed)'}`;
    return { name, status: 'ok', value, details: { ...details, version, sha256, bytes, levels } };
  }
  const value = `${path}: ${why}`;
  const found = { name, value, details: { ...details, why } };
  if (from === 'override') return { ...found, status: 'bad', fix: mend };
  if (load?.binding || process.env.ALFAMIX_BACKEND === 'js')
    return { ...found, status: 'none', value: `${value} (not needed)` };
  // A checkout has the build, an installed copy the package; the other one may be missing.
  const expected = (from === 'package') === INSTALLED;
  return { ...found, status: expected ? 'bad' : 'none', fix: mend };
}

const refusal = (trial: CandidateTrial): string | undefined => {
  if (!trial.ok) return trial.why;
  return trial.version === VERSION ? undefined : `version ${trial.version}, expected ${VERSION}`;
};
