import { formatShare } from '../../terminal/format.js';
import type { Chart } from '../render-chart.js';
import type { Layer } from './line-layers.js';
import { leftOf, rowAxis, rowChart } from './row-chart.js';
import { shortNames } from './strategy-style.js';

/** From dark to light on paper, so that the legend's order helps where hues don't. */
const STAGE_COLOURS = [7, 0, 5, 2, 4, 3, 6, 1].map((i) => `var(--k${i})`);
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
        row: i,
        start,
        end: from,
        middle: start + share / 2,
        colour: colourOf(stage),
        ink: stage === OTHER ? 'var(--on-faint)' : 'var(--on-class)',
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
      mark: { type: 'text', fontSize: 11, fontWeight: 600, baseline: 'middle' },
      encoding: {
        y,
        x: { ...x, field: 'middle' },
        text: { field: 'text' },
        fill: { field: 'ink', type: 'nominal', scale: null },
      },
    },
  ];
  const label = `Shares of a query’s time. ${bars.map(({ name, stages: own }) => `${name}: ${own.map(([stage, share]) => `${stage} ${formatShare(share)}`).join(', ')}`).join('; ')}.`;
  return rowChart(
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
      data: { values: [{ stage: place.stage }] },
      mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 12, fill: 'var(--soft)' },
      encoding: {
        x: { value: place.x + 18 },
        y: { value: place.y - height + 11 },
        text: { field: 'stage' },
      },
    },
  ]);
  return { height, layers };
}
