import type { StrategyStyle } from './strategy-style.js';
import type { CurvePoint } from './view.js';

/** A layer, or a part of one, of a Vega-Lite specification. */
export type Layer = Record<string, unknown>;

export interface Series {
  readonly name: string;
  readonly style: StrategyStyle;
  readonly points: readonly CurvePoint[];
}

const valuesOf = ({ points }: Series, log = false) =>
  points
    .filter(({ mean }) => !log || mean > 0)
    .map((point) => ({ labelled: point.labelled, mean: point.mean }));

export function backgroundLayer(series: readonly Series[], x: Layer, y: Layer): Layer {
  const log = (y.scale as Layer).type === 'log';
  return {
    // Vega groups by plain objects' keys, where a name like "constructor" is taken.
    data: { values: series.flatMap((one, line) => valuesOf(one, log).map((value) => ({ ...value, line }))) },
    mark: { type: 'line', stroke: 'var(--faint)', strokeWidth: 1.1, strokeOpacity: 0.85 },
    encoding: { x, y, detail: { field: 'line' } },
  };
}

export function bandLayer(
  { style, points }: Series,
  x: Layer,
  y: Layer,
  [low, high]: [number, number],
): Layer {
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

export function curveLayers(one: Series, x: Layer, y: Layer): Layer[] {
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

export function ruleLayers({ y: value, label }: { y: number; label: string }, y: Layer): Layer[] {
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

export const titleLayer = (title: string, x: number): Layer => ({
  data: { values: [{ title }] },
  mark: {
    type: 'text',
    align: 'left',
    baseline: 'bottom',
    fontSize: 13,
    fontWeight: 700,
    fill: 'var(--ink)',
  },
  encoding: { x: { value: x }, y: { value: -9 }, text: { field: 'title' } },
});
