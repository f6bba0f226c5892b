import { formatCap, formatCount, formatDuration } from './format.js';

export interface BackendUsed {
  readonly name: string;
  readonly level: string;
  readonly threads: number;
  /** Why the kernels aren't native, or not on the device. */
  readonly reason?: string | undefined;
  /** The CUDA device in use, and the kernels that `auto` ran there. */
  readonly device?: string | undefined;
  readonly onDevice?: readonly string[] | undefined;
}

/** `cpu (avx2, 2 threads)`, `cuda (NVIDIA H100: flipSearch)`; with the reason where it isn't a faster one. */
export function describeBackend({ name, level, threads, reason, device, onDevice }: BackendUsed): string {
  const plural = threads === 1 ? '' : 's';
  const cpu = name === level ? '' : ` (${level}, ${threads} thread${plural})`;
  const detail = device ? ` (${device}${onDevice ? `: ${onDevice.join(', ')}` : ''})` : cpu;
  return name + detail + (reason ? `: ${reason}` : '');
}

/** `score 12 ms · kmeans 3 ms`. */
export const describeTimings = (timings: Readonly<Record<string, number>>): string =>
  Object.entries(timings)
    .map(([stage, ms]) => `${stage} ${formatDuration(ms)}`)
    .join(' · ');

/** Rungs shown at either end of a long ladder. */
const ENDS = 3;

/** `0.2: 12 · 0.4: 51 (used) · …`: of a long ladder both ends, and the rung used. */
export function describeCaps(
  caps: readonly { cap: number; count: number }[],
  capUsed: number | undefined,
): string {
  const shown: string[] = [];
  for (const [i, { cap, count }] of caps.entries()) {
    const used = cap === capUsed;
    if (used || i < ENDS || i >= caps.length - ENDS || caps.length <= 2 * ENDS + 2)
      shown.push(`${formatCap(cap)}: ${formatCount(count)}${used ? ' (used)' : ''}`);
    else if (shown.at(-1) !== '…') shown.push('…');
  }
  return shown.join(' · ');
}

/** `cat: 12 · dog: 8`, classes without picks left out. */
export const describeCounts = (counts: readonly (readonly [string, number])[]): string =>
  counts.flatMap(([name, count]) => (count > 0 ? [`${name}: ${formatCount(count)}`] : [])).join(' · ');

/** A labelled list, the labels padded to one width; undefined and empty values are left out. */
export function formatFacts(facts: readonly (readonly [string, string | undefined])[]): string {
  const shown = facts.filter(([, value]) => value);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
