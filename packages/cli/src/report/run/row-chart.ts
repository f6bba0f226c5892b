import type { TopLevelSpec } from 'vega-lite';
import { type Chart, renderChart } from '../render-chart.js';
import type { Layer } from './line-layers.js';

const ROW = 26;
/** Of a name, generously. */
const CHAR = 6.6;

/** Room for the names. */
export const leftOf = (names: readonly string[]): number =>
  Math.max(...names.map((name) => [...name].length)) * CHAR + 16;

/** Rows by their numbers: Vega keeps categories as plain objects' keys, where a name like "constructor" is taken. */
export const rowAxis = (names: readonly string[]): Layer => ({
  field: 'row',
  type: 'ordinal',
  axis: {
    title: null,
    // Vega looks even an expression's strings up in an object, so none is a bare name.
    labelExpr: `slice(${JSON.stringify(names.map((name) => `|${name}`))}[datum.value], 1)`,
    labelLimit: 0,
    labelColor: 'var(--ink)',
    labelFontSize: 12,
    domain: false,
    ticks: false,
    labelPadding: 8,
  },
});

export function rowChart(
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
