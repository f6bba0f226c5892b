import { formatDuration } from '../../terminal/format.js';
import type { Chart } from '../render-chart.js';
import type { Layer } from './line-layers.js';
import { rowAxis, rowChart } from './row-chart.js';
import { type StrategyStyle, shortNames } from './strategy-style.js';

export interface TimeSpan {
  readonly name: string;
  readonly style: StrategyStyle;
  /** Seconds. */
  readonly low: number;
  readonly quarter: number;
  readonly median: number;
  readonly threeQuarters: number;
  readonly high: number;
}

export const formatSeconds = (seconds: number): string =>
  seconds < 1e-3 ? '< 1 ms' : formatDuration(1000 * seconds);

/** Times further apart than this are drawn on a logarithmic scale. */
const LOG_FROM = 20;

/** One row a strategy: median, middle half and full span. */
export function timeSpans(spans: readonly TimeSpan[], width: number): Promise<Chart> {
  const names = shortNames(
    spans.map(({ name }) => name),
    width < 450 ? 17 : 34,
  );
  const positive = spans.flatMap(({ low, high }) => [low, high]).filter((value) => value > 0);
  const least = positive.length > 0 ? Math.min(...positive) : 1e-3;
  const most = positive.length > 0 ? Math.max(...positive) : 1;
  const log = most / least > LOG_FROM;
  const floor = (value: number) => (log ? Math.max(value, least) : value);
  const values = spans.map((span, i) => ({
    row: i,
    low: floor(span.low),
    quarter: floor(span.quarter),
    median: floor(span.median),
    threeQuarters: floor(span.threeQuarters),
    high: floor(span.high),
    text: formatSeconds(span.median),
    colour: span.style.coloured ? span.style.colour : 'var(--soft)',
  }));
  const y = rowAxis(names);
  const ticks = powersOfTen(least, most);
  const x = (field: string): Layer => ({
    field,
    type: 'quantitative',
    scale: log
      ? { type: 'log', domain: [least / 1.15, most * 1.15], nice: false }
      : { domain: [0, most * 1.04], nice: false },
    axis: {
      title: `a query, in seconds${log ? ', logarithmic' : ''}`,
      ...(log && ticks.length > 1 ? { values: ticks } : { tickCount: 5 }),
      format: '~g',
      grid: true,
    },
  });
  const stroke = { field: 'colour', type: 'nominal', scale: null };
  const layer: Layer[] = [
    { mark: { type: 'rule', strokeWidth: 1.2 }, encoding: { y, x: x('low'), x2: { field: 'high' }, stroke } },
    {
      mark: { type: 'rule', strokeWidth: 9, strokeOpacity: 0.45 },
      encoding: { y, x: x('quarter'), x2: { field: 'threeQuarters' }, stroke },
    },
    {
      mark: { type: 'tick', thickness: 3, size: 17 },
      encoding: { y, x: x('median'), fill: stroke },
    },
    {
      mark: { type: 'text', align: 'left', dx: 8, fontSize: 11, fill: 'var(--ink)', baseline: 'middle' },
      encoding: { y, x: { value: { expr: 'width' } }, text: { field: 'text' } },
    },
  ];
  const label = `Median seconds of a query: ${spans.map(({ name, median }) => `${name} ${formatSeconds(median)}`).join(', ')}.`;
  return rowChart({ names, width, right: 64, values, layer }, label);
}

function powersOfTen(low: number, high: number): number[] {
  const from = Math.ceil(Math.log10(low / 1.15));
  const to = Math.floor(Math.log10(high * 1.15));
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => 10 ** (from + i));
}
