import type { TopLevelSpec } from 'vega-lite';
import { formatDuration, formatShare } from '../../terminal/format.js';
import { type Chart, renderChart } from '../render-chart.js';
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

type Layer = Record<string, unknown>;

/** Runs hold whole milliseconds. */
export const formatSeconds = (seconds: number): string =>
  seconds === 0 ? '< 1 ms' : formatDuration(1000 * seconds);

const ROW = 26;
const CHAR = 6.6;
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
    name: names[i],
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
  return rows({ names, width, right: 64, values, layer }, label);
}

const STAGE_COLOURS = [4, 1, 2, 3, 9, 6, 7, 0].map((i) => `var(--k${i})`);
const OTHER = 'other';

/** One bar a strategy, split into its stages. */
export function stageBars(
  bars: readonly { readonly name: string; readonly stages: readonly (readonly [string, number])[] }[],
  width: number,
): Promise<Chart> {
  const names = shortNames(
    bars.map(({ name }) => name),
    width < 450 ? 17 : 34,
  );
  const stages = stagesShown(bars.map((bar) => bar.stages));
  const colourOf = (stage: string) =>
    stage === OTHER ? 'var(--faint)' : STAGE_COLOURS[stages.indexOf(stage) % STAGE_COLOURS.length];
  const left = leftOf(names);
  const legend = legendOf(
    [...stages, OTHER].map((stage) => ({ stage, colour: colourOf(stage) })),
    left,
    width,
  );
  const values = bars.flatMap(({ stages: own }, i) => {
    let from = 0;
    return merged(own, stages).map(([stage, share]) => {
      const start = from;
      from += share;
      const fits = share * (width - left - 20) > stage.length * 6.6 + 8;
      return {
        name: names[i],
        start,
        end: from,
        middle: start + share / 2,
        colour: colourOf(stage),
        text: fits ? stage : '',
      };
    });
  });
  const y = rowAxis(names);
  const scale = { domain: [0, 1], nice: false };
  const x = {
    field: 'start',
    type: 'quantitative',
    scale,
    axis: { title: 'share of the query’s time', format: '.0%', tickCount: 5, grid: false },
  };
  const layer: Layer[] = [
    {
      mark: { type: 'bar', height: { band: 0.74 }, stroke: 'var(--page)', strokeWidth: 1 },
      encoding: { y, x, x2: { field: 'end' }, fill: { field: 'colour', type: 'nominal', scale: null } },
    },
    {
      mark: { type: 'text', fontSize: 11, fontWeight: 600, fill: 'var(--on-class)', baseline: 'middle' },
      encoding: { y, x: { ...x, field: 'middle' }, text: { field: 'text' } },
    },
  ];
  const label = `Shares of a query’s time. ${bars.map(({ name, stages: own }) => `${name}: ${own.map(([stage, share]) => `${stage} ${formatShare(share)}`).join(', ')}`).join('; ')}.`;
  return rows(
    { names, width, right: 16, top: legend.height, values, layer: [...legend.layers, ...layer] },
    label,
  );
}

type Shares = readonly (readonly [string, number])[];

/** The stages that weigh most in some bar, as many as have a colour of their own, in their order. */
function stagesShown(bars: readonly Shares[]): string[] {
  const most = new Map<string, number>();
  for (const [stage, share] of bars.flat())
    if (stage !== OTHER) most.set(stage, Math.max(share, most.get(stage) ?? 0));
  const heaviest = [...most].sort((a, b) => b[1] - a[1]).slice(0, STAGE_COLOURS.length);
  return [...most.keys()].filter((stage) => heaviest.some(([name]) => name === stage));
}

/** A bar with the stages that aren't shown as `other`, at its end. */
function merged(bar: Shares, stages: readonly string[]): Shares {
  const shown = bar.filter(([stage]) => stages.includes(stage));
  const rest = bar.reduce((sum, [stage, share]) => sum + (stages.includes(stage) ? 0 : share), 0);
  return [...shown, [OTHER, rest]];
}

/** A square and a name for each stage above the bars, in as many lines as the width asks for. */
function legendOf(
  stages: readonly { readonly stage: string; readonly colour: string }[],
  left: number,
  width: number,
): { height: number; layers: Layer[] } {
  const line = 19;
  let [x, y] = [0, 0];
  const places = stages.map(({ stage, colour }) => {
    const wide = stage.length * 7.8 + 34;
    if (x > 0 && x + wide > width) [x, y] = [0, y + line];
    const place = { x: x - left, y, stage, colour };
    x += wide;
    return place;
  });
  const height = y + line + 8;
  const data = { values: [{}] };
  const layers = places.flatMap((place) => [
    {
      data,
      mark: { type: 'point', shape: 'square', size: 110, fill: place.colour, fillOpacity: 1, strokeWidth: 0 },
      encoding: { x: { value: place.x + 7 }, y: { value: place.y - height + 10 } },
    },
    {
      data,
      mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 12, fill: 'var(--soft)' },
      encoding: {
        x: { value: place.x + 18 },
        y: { value: place.y - height + 11 },
        text: { value: place.stage },
      },
    },
  ]);
  return { height, layers };
}

const leftOf = (names: readonly string[]): number =>
  Math.max(...names.map((name) => [...name].length)) * CHAR + 16;

const rowAxis = (names: readonly string[]): Layer => ({
  field: 'name',
  type: 'ordinal',
  sort: names,
  axis: {
    title: null,
    labelLimit: 0,
    labelColor: 'var(--ink)',
    labelFontSize: 12,
    domain: false,
    ticks: false,
    labelPadding: 8,
  },
});

function rows(
  chart: {
    names: readonly string[];
    top?: number;
    width: number;
    right: number;
    values: readonly Layer[];
    layer: Layer[];
  },
  label: string,
): Promise<Chart> {
  const { names, width, right, top = 8, values, layer } = chart;
  const left = leftOf(names);
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: width - left - right,
    height: names.length * ROW,
    padding: { left, right, top, bottom: 40 },
    autosize: { type: 'none' },
    data: { values },
    layer,
  };
  return renderChart(spec as unknown as TopLevelSpec, label);
}

function powersOfTen(low: number, high: number): number[] {
  const from = Math.ceil(Math.log10(low / 1.15));
  const to = Math.floor(Math.log10(high * 1.15));
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => 10 ** (from + i));
}
