import type { TopLevelSpec } from 'vega-lite';
import { type Chart, renderChart } from '../render-chart.js';
import { endLabels, LEADER } from './end-labels.js';
import {
  backgroundLayer,
  bandLayer,
  curveLayers,
  type Layer,
  ruleLayers,
  type Series,
  titleLayer,
} from './line-layers.js';
import { shortNames } from './strategy-style.js';

export interface LineChartOptions {
  readonly series: readonly Series[];
  /** Drawn thin and grey behind the series, without labels. */
  readonly background?: readonly Series[];
  readonly width: number;
  readonly height: number;
  /** Default `labelled rows`. */
  readonly xTitle?: string;
  /** Ticks of the x axis; default: where the scale puts them. */
  readonly xValues?: readonly number[];
  readonly xLog?: boolean;
  readonly yTitle: string;
  /** A d3 number format; `%` takes as many decimals as the ticks need. */
  readonly yFormat: string;
  /** Above the plot. */
  readonly title?: string;
  /** A ± std band around each line. */
  readonly bands: boolean;
  /** Names at the lines' ends; default true. */
  readonly labels?: boolean;
  readonly log?: boolean;
  /** Values that the y axis must hold. */
  readonly include?: readonly number[];
  /** A dashed line across, with a word. */
  readonly rule?: { readonly y: number; readonly label: string };
  /** One sentence for readers who can't see it. */
  readonly label: string;
}

/** Of a label at a line's end, generously. */
const CHAR = 6.5;

/** Values against the number of labelled rows, or what `xTitle` says: a line a strategy, named where it ends. */
export function lineChart(options: LineChartOptions): Promise<Chart> {
  const { series, background = [], width, height, title, yTitle, rule } = options;
  const labelled = options.labels ?? true;
  const names = shortNames(
    series.map(({ name }) => name),
    width < 450 ? 19 : 30,
  );
  const widest = Math.max(0, ...names.map((name) => [...name].length));
  const domain = yDomain(options);
  // Labels of more than four digits would push the title out; Vega takes a digit for that wide.
  const wide = Math.max(0, String(Math.round(domain[1])).length - 4);
  const padding = {
    left: (yTitle === '' ? 42 : 54) + wide * 9,
    right: labelled ? LEADER + 6 + widest * CHAR : 12,
    top: title ? 26 : 10,
    bottom: 38,
  };
  const plot = { width: width - padding.left - padding.right, height: height - padding.top - padding.bottom };
  const { x, y } = axes(options, plot, domain);
  const layers: Layer[] = [
    ...(background.length > 0 ? [backgroundLayer(background, x, y)] : []),
    ...(rule ? ruleLayers(rule, y) : []),
    ...(options.bands
      ? series.filter(({ style }) => style.coloured).map((one) => bandLayer(one, x, y, domain))
      : []),
    ...[...series].sort((a, b) => a.style.width - b.style.width).flatMap((one) => curveLayers(one, x, y)),
    ...(labelled ? endLabels(series, names, { x, y, plot, domain, log: options.log ?? false }) : []),
    ...(title ? [titleLayer(title, 6 - padding.left)] : []),
  ];
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...plot,
    padding,
    autosize: { type: 'none' },
    layer: layers,
  };
  return renderChart(spec as unknown as TopLevelSpec, options.label);
}

function axes(
  {
    series,
    background = [],
    yTitle,
    yFormat,
    log,
    xTitle = 'labelled rows',
    xValues,
    xLog,
  }: LineChartOptions,
  plot: { width: number; height: number },
  domain: readonly [number, number],
): { x: Layer; y: Layer } {
  const tickCount = plot.height < 160 ? 4 : 6;
  const scale = { domain, nice: false, ...(log ? { type: 'log' } : { zero: false }) };
  const everyX = [...series, ...background].flatMap(({ points }) => points.map((p) => p.labelled));
  const xs = [...new Set(everyX)].sort((a, b) => a - b);
  const x = {
    field: 'labelled',
    type: 'quantitative',
    scale: {
      domain: [xs[0], xs.at(-1)],
      nice: false,
      ...(xLog ? { type: 'log' } : { zero: false }),
    },
    axis: {
      title: xTitle,
      ...(xValues ? { values: xValues } : { tickCount: plot.width < 220 ? 3 : 6 }),
      grid: false,
      format: ',d',
      labelFlush: true,
    },
  };
  const y = {
    field: 'mean',
    type: 'quantitative',
    scale,
    axis: {
      title: yTitle,
      format: yFormat === '%' ? percentFormat(domain, tickCount) : yFormat,
      tickCount,
      domain: false,
      ticks: false,
      labelPadding: 7,
    },
  };
  return { x, y };
}

/** Ticks closer than a point would read the same without a decimal. */
const percentFormat = ([low, high]: readonly [number, number], ticks: number): string =>
  (high - low) / ticks < 0.008 ? '.1%' : '.0%';

function yDomain({
  series,
  background = [],
  bands,
  include = [],
  log,
  rule,
}: LineChartOptions): [number, number] {
  const values = [
    ...include,
    ...(rule ? [rule.y] : []),
    ...[...series, ...background].flatMap(({ points }) => points.map(({ mean }) => mean)),
    ...(bands ? series.filter(({ style }) => style.coloured) : []).flatMap(({ points }) =>
      points.flatMap(({ mean, std }) => (Number.isNaN(std) ? [] : [mean - std, mean + std])),
    ),
  ].filter((value) => !log || value > 0);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (log) return [low / 1.2, high * 1.2];
  const margin = 0.04 * (high - low || Math.abs(high) || 1);
  // Shares and counts don't go below zero, so neither does their axis.
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}
