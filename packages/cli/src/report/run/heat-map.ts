import type { PenaltyMatrix } from '@alfamix/core';
import { type Chart, escapeXml } from '../render-chart.js';
import { shortNames } from './strategy-style.js';

const CELL = 40;
const CHAR = 6.8;

/** 0, 0.25, 1. */
export const formatPenalty = (share: number): string =>
  Number.isInteger(share) ? String(share) : share.toFixed(2);

/** The matrix as a drawing: deeper is more often; the last row is the mean of each column. */
export function heatMap({ strategies, shares, penalty }: PenaltyMatrix, title: string): Chart {
  const names = shortNames(strategies, 26);
  const longest = Math.max(...names.map((name) => [...name].length), 12);
  const left = longest * CHAR + 12;
  const top = 12 + 0.72 * longest * CHAR;
  const n = names.length;
  const width = left + n * CELL + Math.max(10, 0.72 * longest * CHAR - CELL / 2);
  const height = top + (n + 1) * CELL + 14;
  const columns = names.map((name, j) => {
    const [x, y] = [left + (j + 0.5) * CELL, top - 8];
    return `<text transform="translate(${round(x)},${round(y)}) rotate(-45)" font-size="12" fill="var(--ink)">${escapeXml(name)}</text>`;
  });
  const rows = [...names, 'mean: beaten'].map((name, i) => {
    const y = top + i * CELL + (i === n ? 8 : 0);
    const values = i === n ? penalty : shares[i];
    const bold = i === n ? ' font-weight="700"' : '';
    const text = `<text x="${round(left - 8)}" y="${round(y + CELL / 2 + 4)}" text-anchor="end" font-size="12"${bold} fill="var(--ink)">${escapeXml(name)}</text>`;
    return text + values.map((value, j) => cell(value, left + j * CELL, y)).join('');
  });
  const label = escapeXml(
    `${title}: the share of rounds in which the strategy of the row beats that of the column`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="${label}"><title>${label}</title>${columns.join('')}${rows.join('')}</svg>`;
  return { svg, width, height };
}

function cell(value: number, x: number, y: number): string {
  const [w, middle] = [CELL - 2, CELL / 2];
  const none = Number.isNaN(value);
  const fill = none ? 'fill="none"' : `fill="var(--accent)" fill-opacity="${round(0.03 + 0.97 * value)}"`;
  const ink = none ? 'var(--faint)' : value > 0.5 ? 'var(--on-class)' : 'var(--ink)';
  return `<rect x="${round(x)}" y="${round(y)}" width="${w}" height="${w}" rx="3" ${fill}/><text x="${round(x + middle - 1)}" y="${round(y + middle + 3)}" text-anchor="middle" font-size="12" fill="${ink}">${none ? '–' : formatPenalty(value)}</text>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;
