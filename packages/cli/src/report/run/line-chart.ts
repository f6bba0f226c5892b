import type { TopLevelSpec } from 'vega-lite';
import { type Chart, renderChart } from '../render-chart.js';
import { type StrategyStyle, shortNames } from './strategy-style.js';
import type { CurvePoint } from './view.js';

export interface Series {
  readonly name: string;
  readonly style: StrategyStyle;
  readonly points: readonly CurvePoint[];
}

export interface LineChartOptions {
  readonly series: readonly Series[];
  /** Drawn thin and grey behind the series, without labels. */
  readonly background?: readonly Series[];
  readonly width: number;
  readonly height: number;
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

const LABEL_FONT = 11;
const CHAR = 6.5;
const LABEL_GAP = 13.5;
const LEADER = 16;

type Layer = Record<string, unknown>;

/** Values against the number of labelled rows: a line a strategy, named where it ends. */
export function lineChart(options: LineChartOptions): Promise<Chart> {
  const { series, background = [], width, height, title, yTitle, yFormat, rule } = options;
  const labelled = options.labels ?? true;
  const names = shortNames(
    series.map(({ name }) => name),
    width < 450 ? 19 : 30,
  );
  const widest = Math.max(0, ...names.map((name) => [...name].length));
  const padding = {
    left: yTitle === '' ? 42 : 54,
    right: labelled ? LEADER + 6 + widest * CHAR : 12,
    top: title ? 26 : 10,
    bottom: 38,
  };
  const plot = { width: width - padding.left - padding.right, height: height - padding.top - padding.bottom };
  const domain = yDomain(options);
  const tickCount = plot.height < 160 ? 4 : 6;
  const scale = { domain, nice: false, zero: false, ...(options.log ? { type: 'log' } : {}) };
  const everyX = [...series, ...background].flatMap(({ points }) => points.map((p) => p.labelled));
  const xs = [...new Set(everyX)].sort((a, b) => a - b);
  const x = {
    field: 'labelled',
    type: 'quantitative',
    scale: { domain: [xs[0], xs.at(-1)], nice: false, zero: false },
    axis: {
      title: 'labelled rows',
      tickCount: plot.width < 220 ? 3 : 6,
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
  const layers: Layer[] = [
    ...(background.length > 0 ? [backgroundLayer(background, x, y)] : []),
    ...(rule ? ruleLayers(rule, y) : []),
    ...(options.bands
      ? series.filter(({ style }) => style.coloured).map((one) => bandLayer(one, x, y, domain))
      : []),
    ...[...series].sort((a, b) => a.style.width - b.style.width).flatMap((one) => curveLayers(one, x, y)),
    ...(labelled ? labelLayers(series, names, { x, y, plot, domain, log: options.log ?? false }) : []),
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

const valuesOf = ({ name, points }: Series, log = false) =>
  points
    .filter(({ mean }) => !log || mean > 0)
    .map((point) => ({ name, labelled: point.labelled, mean: point.mean }));

function backgroundLayer(series: readonly Series[], x: Layer, y: Layer): Layer {
  return {
    data: { values: series.flatMap((one) => valuesOf(one)) },
    mark: { type: 'line', stroke: 'var(--faint)', strokeWidth: 1, strokeOpacity: 0.55 },
    encoding: { x, y, detail: { field: 'name' } },
  };
}

function bandLayer({ style, points }: Series, x: Layer, y: Layer, [low, high]: [number, number]): Layer {
  const values = points
    .filter(({ std }) => !Number.isNaN(std))
    .map(({ labelled, mean, std }) => ({
      labelled,
      low: Math.max(low, mean - std),
      high: Math.min(high, mean + std),
    }));
  return {
    data: { values },
    mark: { type: 'area', fill: style.colour, fillOpacity: 0.17 },
    encoding: { x, y: { ...y, field: 'high' }, y2: { field: 'low' } },
  };
}

function curveLayers(one: Series, x: Layer, y: Layer): Layer[] {
  const { style } = one;
  const values = valuesOf(one, (y.scale as Layer).type === 'log');
  return [
    {
      data: { values },
      mark: {
        type: 'line',
        stroke: style.colour,
        strokeWidth: style.width,
        strokeDash: style.dash,
        strokeCap: 'butt',
        strokeJoin: 'round',
      },
      encoding: { x, y },
    },
    ...(style.coloured || values.length === 1
      ? [
          {
            data: { values },
            mark: {
              type: 'point',
              shape: 'circle',
              size: 14,
              fill: style.colour,
              fillOpacity: 1,
              strokeWidth: 0,
            },
            encoding: { x, y },
          },
        ]
      : []),
  ];
}

interface LabelArea {
  readonly x: Layer;
  readonly y: Layer;
  readonly plot: { width: number; height: number };
  readonly domain: readonly [number, number];
  readonly log: boolean;
}

/** Each name at the height where its line ends, moved so far that none covers another, and a thin line to it. */
function labelLayers(
  series: readonly Series[],
  names: readonly string[],
  { x, y, plot, domain, log }: LabelArea,
): Layer[] {
  const scale = (value: number) => (log ? Math.log(value) : value);
  const [low, high] = domain.map(scale);
  const toPixel = (value: number) => plot.height * (1 - (scale(value) - low) / (high - low));
  const toValue = (pixel: number) => {
    const value = low + (1 - pixel / plot.height) * (high - low);
    return log ? Math.exp(value) : value;
  };
  const ends = series.flatMap((one, i) => {
    const last = one.points.filter(({ mean }) => !log || mean > 0).at(-1);
    return last ? [{ name: names[i], style: one.style, labelled: last.labelled, mean: last.mean }] : [];
  });
  const heights = spreadHeights(
    ends.map(({ mean }) => toPixel(mean)),
    LABEL_GAP,
    plot.height,
  );
  const values = ends.map((end, i) => ({
    ...end,
    at: toValue(heights[i]),
    colour: end.style.coloured ? end.style.colour : 'var(--soft)',
    weight: end.style.width > 2.5 ? 700 : 400,
  }));
  const right = { value: plot.width + LEADER };
  return [
    {
      data: { values },
      mark: { type: 'rule', strokeWidth: 0.8, strokeOpacity: 0.7 },
      encoding: {
        x,
        y,
        x2: right,
        y2: { field: 'at' },
        stroke: { field: 'colour', type: 'nominal', scale: null },
      },
    },
    ...[400, 700].map((weight) => ({
      data: { values: values.filter((value) => value.weight === weight) },
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'middle',
        dx: 3,
        fontSize: LABEL_FONT,
        fontWeight: weight,
      },
      encoding: {
        x: right,
        y: { ...y, field: 'at' },
        text: { field: 'name' },
        fill: { field: 'colour', type: 'nominal', scale: null },
      },
    })),
  ];
}

/** Heights in their order, at least `gap` apart and within 0 … most where there is room for that. */
export function spreadHeights(wanted: readonly number[], gap: number, most: number): number[] {
  const step = Math.min(gap, wanted.length > 1 ? most / (wanted.length - 1) : gap);
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const heights = [...wanted];
  let floor = 0;
  for (const i of order) {
    heights[i] = Math.max(wanted[i], floor);
    floor = heights[i] + step;
  }
  let ceiling = most;
  for (const i of order.reverse()) {
    heights[i] = Math.min(heights[i], ceiling);
    ceiling = heights[i] - step;
  }
  return heights;
}

function ruleLayers({ y: value, label }: { y: number; label: string }, y: Layer): Layer[] {
  const data = { values: [{ mean: value }] };
  return [
    {
      data,
      mark: { type: 'rule', stroke: 'var(--bad)', strokeWidth: 1.3, strokeDash: [5, 3] },
      encoding: { y },
    },
    {
      data,
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'bottom',
        dy: -2,
        dx: 4,
        fontSize: 10.5,
        fill: 'var(--bad)',
      },
      encoding: { x: { value: 0 }, y, text: { value: label } },
    },
  ];
}

const titleLayer = (title: string, x: number): Layer => ({
  data: { values: [{}] },
  mark: {
    type: 'text',
    align: 'left',
    baseline: 'bottom',
    fontSize: 13,
    fontWeight: 700,
    fill: 'var(--ink)',
  },
  encoding: { x: { value: x }, y: { value: -9 }, text: { value: title } },
});
