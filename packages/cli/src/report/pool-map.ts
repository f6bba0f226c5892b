import type { TopLevelSpec } from 'vega-lite';
import { classColour } from './palette.js';
import { type Chart, renderChart } from './render-chart.js';
import { spreadApart } from './spread-apart.js';

export interface MapPoint {
  /** 0 … 1. */
  readonly x: number;
  /** 0 … 1. */
  readonly y: number;
  /** Class index: the pseudo-label, or the label of a labelled row; undefined draws it grey. */
  readonly label: number | undefined;
  readonly kind: 'pool' | 'candidate' | 'labelled' | 'pick';
  /** Of a pick. */
  readonly rank?: number;
}

/** The size is that of a phone's screen: wider ones scale it up, and the numbers stay readable on both. */
const SIZE = 440;
const DISC = 15.5;
/** Past this many picks numbers would cover the map: they become stars. */
const NUMBERED_PICKS = 60;
const STAR = 'M0,-1L.22,-.31L.95,-.31L.36,.12L.59,.81L0,.38L-.59,.81L-.36,.12L-.95,-.31L-.22,-.31Z';

const DOMAIN = [-0.03, 1.03];
const position = {
  x: { field: 'x', type: 'quantitative', axis: null, scale: { domain: DOMAIN } },
  y: { field: 'y', type: 'quantitative', axis: null, scale: { domain: DOMAIN } },
} as const;
const fill = { fill: { field: 'colour', type: 'nominal', scale: null } } as const;

type ColouredPoint = MapPoint & { readonly colour: string };

/** The pool in two dimensions: rows by pseudo-label, candidates ringed, labelled rows square, picks numbered. */
export function poolMap(points: readonly MapPoint[], classNames: readonly string[]): Promise<Chart> {
  const coloured = points.map((point) => ({
    ...point,
    colour: point.label === undefined ? 'var(--faint)' : classColour(point.label),
  }));
  const of = (kind: MapPoint['kind']) => coloured.filter((point) => point.kind === kind);
  const picks = of('pick');
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: SIZE,
    height: SIZE,
    padding: 4,
    layer: [
      {
        data: { values: of('pool') },
        mark: { type: 'point', shape: 'circle', size: 13, strokeWidth: 0, fillOpacity: 0.55 },
        encoding: { ...position, ...fill },
      },
      {
        data: { values: of('candidate') },
        mark: { type: 'point', shape: 'circle', size: 19, stroke: 'var(--ink)', strokeWidth: 0.9 },
        encoding: { ...position, ...fill },
      },
      {
        data: { values: of('labelled') },
        mark: { type: 'point', shape: 'square', size: 40, stroke: 'var(--page)', strokeWidth: 1 },
        encoding: { ...position, ...fill },
      },
      ...classLayers(coloured, classNames),
      ...(picks.length <= NUMBERED_PICKS ? numberedPicks(picks) : starredPicks(picks)),
    ],
  };
  return renderChart(spec, describe(points, classNames));
}

/** The class's name at the row nearest the middle of its rows, so that it lies on the class even where that is bent. */
function classLayers(points: readonly ColouredPoint[], classNames: readonly string[]) {
  const values = classNames.flatMap((name, label) => {
    const members = points.filter((point) => point.label === label && point.kind !== 'labelled');
    if (members.length < 5) return [];
    const middle = { x: median(members.map((p) => p.x)), y: median(members.map((p) => p.y)) };
    const distance = (p: MapPoint) => (p.x - middle.x) ** 2 + (p.y - middle.y) ** 2;
    const nearest = members.reduce((best, p) => (distance(p) < distance(best) ? p : best));
    return [{ x: nearest.x, y: nearest.y, name, colour: nearest.colour }];
  });
  const mark = { type: 'text', fontSize: 24, fontWeight: 800 } as const;
  const encoding = { ...position, text: { field: 'name' } } as const;
  const halo = { ...mark, stroke: 'var(--panel)', strokeWidth: 5, strokeJoin: 'round' } as const;
  return [
    { data: { values }, mark: halo, encoding },
    { data: { values }, mark, encoding: { ...encoding, ...fill } },
  ];
}

/** Discs moved apart so that every number can be read, each with a line to its row. */
function numberedPicks(picks: readonly ColouredPoint[]) {
  const scale = SIZE / (DOMAIN[1] - DOMAIN[0]);
  const inPixels = picks.map(({ x, y }) => ({ x: (x - DOMAIN[0]) * scale, y: (y - DOMAIN[0]) * scale }));
  const discs = spreadApart(inPixels, DISC + 2, SIZE, DISC / 2 + 1);
  const values = picks.map((pick, i) => ({
    ...pick,
    discX: discs[i].x / scale + DOMAIN[0],
    discY: discs[i].y / scale + DOMAIN[0],
  }));
  const atDisc = {
    x: { ...position.x, field: 'discX' },
    y: { ...position.y, field: 'discY' },
  } as const;
  return [
    {
      data: { values },
      mark: { type: 'rule', stroke: 'var(--ink)', strokeWidth: 1.2 },
      encoding: { ...position, x2: { field: 'discX' }, y2: { field: 'discY' } },
    },
    {
      data: { values },
      mark: {
        type: 'point',
        shape: 'circle',
        size: 19,
        stroke: 'var(--ink)',
        strokeWidth: 1.2,
        fillOpacity: 1,
      },
      encoding: { ...position, ...fill },
    },
    {
      data: { values },
      mark: {
        type: 'point',
        shape: 'circle',
        size: (Math.PI / 4) * DISC ** 2,
        stroke: 'var(--ink)',
        strokeWidth: 1.4,
        fillOpacity: 1,
      },
      encoding: { ...atDisc, ...fill },
    },
    {
      data: { values },
      mark: { type: 'text', fontSize: 9, fontWeight: 700, fill: 'var(--on-class)', dy: 0.5 },
      encoding: { ...atDisc, text: { field: 'rank' } },
    },
  ] as const;
}

function starredPicks(picks: readonly ColouredPoint[]) {
  return [
    {
      data: { values: [...picks] },
      mark: { type: 'point', shape: STAR, size: 90, stroke: 'var(--ink)', strokeWidth: 1.2, fillOpacity: 1 },
      encoding: { ...position, ...fill },
    },
  ] as const;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

function describe(points: readonly MapPoint[], classNames: readonly string[]): string {
  const count = (kind: MapPoint['kind']) => points.filter((point) => point.kind === kind).length;
  return (
    `Map of ${points.length} rows in two dimensions, coloured by ${classNames.length} classes: ` +
    `${count('candidate') + count('pick')} are candidates or picks, the ${count('pick')} picks are marked by rank, ` +
    `${count('labelled')} labelled rows are squares.`
  );
}
