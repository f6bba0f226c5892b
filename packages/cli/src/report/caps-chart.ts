import type { TopLevelSpec } from 'vega-lite';
import { formatCap } from '../terminal/format.js';
import { type Chart, renderChart } from './render-chart.js';

export interface CapCount {
  readonly cap: number;
  readonly count: number;
}

/** Past this many caps their labels would run into each other. */
const LABELLED_CAPS = 10;

/** Candidates at each alpha cap, the cap used in colour, and the budget as a line. */
export function capsChart(
  caps: readonly CapCount[],
  capUsed: number | undefined,
  budget: number,
): Promise<Chart> {
  const most = Math.max(budget, ...caps.map(({ count }) => count));
  const values = caps.map(({ cap, count }) => ({
    cap: formatCap(cap),
    count,
    text: count.toLocaleString('en'),
    colour: cap === capUsed ? 'var(--accent)' : 'var(--faint)',
  }));
  const x = {
    field: 'cap',
    type: 'ordinal',
    sort: null,
    axis: { title: 'alpha cap', labelAngle: 0, labelOverlap: true },
  } as const;
  const y = {
    field: 'count',
    type: 'quantitative',
    scale: { domain: [0, most * 1.12] as number[], nice: false },
    axis: { title: 'candidates', tickCount: 4, format: ',d', domain: false, ticks: false },
  } as const;
  const labels = caps.length <= LABELLED_CAPS ? values : values.filter((_, i) => caps[i].cap === capUsed);
  const spec: TopLevelSpec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 330,
    height: 200,
    padding: 4,
    layer: [
      {
        data: { values },
        mark: { type: 'bar', cornerRadiusEnd: 3, width: { band: 0.62 } },
        encoding: { x, y, fill: { field: 'colour', type: 'nominal', scale: null } },
      },
      {
        data: { values: labels },
        mark: { type: 'text', dy: -8, fontSize: 12, fontWeight: 600, fill: 'var(--ink)' },
        encoding: { x, y, text: { field: 'text' } },
      },
      {
        data: { values: [{ count: budget }] },
        mark: { type: 'rule', stroke: 'var(--bad)', strokeWidth: 1.5, strokeDash: [5, 3] },
        encoding: { y },
      },
      {
        data: { values: [{ count: budget, text: `budget\n${budget.toLocaleString('en')}` }] },
        mark: {
          type: 'text',
          x: { expr: 'width + 6' },
          align: 'left',
          lineBreak: '\n',
          fontSize: 11,
          fontWeight: 600,
          fill: 'var(--bad)',
        },
        encoding: { y, text: { field: 'text' } },
      },
    ],
  };
  const counts = caps.map(({ cap, count }) => `${count} at ${formatCap(cap)}`).join(', ');
  const used = capUsed === undefined ? 'none used' : `${formatCap(capUsed)} used`;
  return renderChart(spec, `Candidates at each alpha cap: ${counts}; ${used}; the budget is ${budget}.`);
}
