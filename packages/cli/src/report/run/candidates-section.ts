import type { RoundLine } from '@alfamix/core';
import { formatCount } from '../../terminal/format.js';
import { html } from '../html.js';
import type { Chart } from '../render-chart.js';
import { lineChart } from './line-chart.js';
import { figure, note, panels, type Section } from './section.js';
import { curve, type RunView, type StrategyView } from './view.js';

interface Metric {
  readonly title: string;
  readonly yTitle: string;
  readonly yFormat: string;
  readonly valueOf: (line: RoundLine) => number | null | undefined;
  readonly include?: readonly number[];
  readonly bands: boolean;
  /** Drawn on a logarithmic scale where the values are this far apart. */
  readonly logFrom?: number;
  readonly absent: string;
}

const METRICS: readonly Metric[] = [
  {
    title: 'Candidates',
    yTitle: 'candidates',
    yFormat: ',d',
    valueOf: ({ query }) => query?.candidates,
    bands: true,
    logFrom: 30,
    absent: 'No strategy of this run has candidates.',
  },
  {
    title: 'Alpha cap in use',
    yTitle: 'cap',
    yFormat: '~g',
    valueOf: ({ query }) => query?.capUsed,
    bands: true,
    include: [0],
    absent: 'No strategy of this run has an alpha cap.',
  },
  {
    title: 'Picks the model got wrong',
    yTitle: 'share of the picks',
    yFormat: '.0%',
    valueOf: ({ query }) => query?.misclassified,
    bands: false,
    include: [0],
    absent: 'No query is in the run yet.',
  },
  {
    title: 'Diversity of the picks',
    yTitle: 'mean distance of two picks',
    yFormat: '~g',
    valueOf: ({ query }) => query?.diversity,
    bands: false,
    absent: 'No query has a diversity.',
  },
];

/** What the strategies chose among, and what the picks were like. */
export async function candidatesSection({ strategies, settings }: RunView): Promise<Section> {
  const charts: Chart[] = [];
  const absent: string[] = [];
  for (const metric of METRICS) {
    const chart = await metricChart(metric, strategies, settings.budget);
    if (chart) charts.push(chart);
    else absent.push(metric.absent);
  }
  const caption = `Means over the seeds, for each query, against the rows labelled before it${charts.length > 2 ? '; bands are ± one standard deviation' : ''}. Candidates are the rows a strategy chose among; the dashed line is the budget of ${formatCount(settings.budget)}. Diversity is the mean distance between two picks’ embeddings scaled to unit length, 0 (all alike) to 2.`;
  return {
    id: 'candidates',
    title: 'Candidates and picks',
    body: html`${absent.length > 0 ? note(absent.join(' ')) : undefined}${charts.length > 0 ? figure(panels(charts, 340), caption) : undefined}`,
    figures:
      charts.length > 0
        ? [{ name: 'candidates', title: 'Candidates and picks by round', charts, columns: 2 }]
        : [],
  };
}

async function metricChart(
  metric: Metric,
  strategies: readonly StrategyView[],
  budget: number,
): Promise<Chart | undefined> {
  const series = strategies.flatMap(({ name, style, lines }) => {
    const points = curve(lines, metric.valueOf);
    return points.length > 0 ? [{ name, style, points }] : [];
  });
  if (series.length === 0) return undefined;
  const values = series.flatMap(({ points }) => points.map(({ mean }) => mean));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = series.map(({ name, points }) => `${name} ${Number(points.at(-1)!.mean.toPrecision(3))}`);
  return lineChart({
    series,
    width: 430,
    height: Math.max(260, 14 * series.length + 70),
    title: metric.title,
    yTitle: metric.yTitle,
    yFormat: metric.yFormat,
    bands: metric.bands && series.length <= 4,
    include: metric.include,
    log: metric.logFrom !== undefined && low > 0 && high / low > metric.logFrom,
    rule: metric.title === 'Candidates' ? { y: budget, label: `budget ${formatCount(budget)}` } : undefined,
    label: `${metric.title} by round; at the last query: ${last.join(', ')}.`,
  });
}
