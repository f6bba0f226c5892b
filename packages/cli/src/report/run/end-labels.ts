import type { Layer, Series } from './line-layers.js';

const FONT_SIZE = 11;
/** Between the middles of two labels. */
const GAP = 13.5;
/** From the end of the plot to the labels. */
export const LEADER = 16;

interface LabelArea {
  readonly x: Layer;
  readonly y: Layer;
  readonly plot: { width: number; height: number };
  readonly domain: readonly [number, number];
  readonly log: boolean;
}

/** Each name at the height where its line ends, moved so far that none covers another, and a thin line to it. */
export function endLabels(
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
    GAP,
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
        fontSize: FONT_SIZE,
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
