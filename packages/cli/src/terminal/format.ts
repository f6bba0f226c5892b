/** 3 significant digits, without noise: 0.0423, 1.2, ∞. */
export function formatNumber(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '∞';
}

/** A cap as a person would write it: 0.6, not 0.6000000000000001. */
export const formatCap = (cap: number): string => String(Number(cap.toPrecision(6)));

/** 12,345. */
export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** 84.2 %. */
export const formatShare = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** 830 µs, 12.3 ms, 4.56 s, 2 min 5 s. */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Columns padded to their widest cell; numbers to the right. Empty columns are left out. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const used = header.map((_, column) => column).filter((column) => rows.some((row) => row[column] !== ''));
  const width = (column: number) => Math.max(header[column].length, ...rows.map((row) => row[column].length));
  const numeric = (column: number) => rows.every((row) => /^([\d.,∞-]+)?$/.test(row[column]));
  const line = (row: readonly string[]) =>
    used
      .map((c) => (numeric(c) ? row[c].padStart(width(c)) : row[c].padEnd(width(c))))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}
