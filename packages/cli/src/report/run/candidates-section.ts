import { mean, type RoundLine } from '@alfamix/core';
import { formatCount, formatShare } from '../../terminal/format.js';
import { html, type Markup } from '../html.js';
import type { Chart } from '../render-chart.js';
import { lineChart } from './line-chart.js';
import { figure, keyed, note, panels, type Section, scrollTable } from './section.js';
import { curve, type RunView, type StrategyView } from './view.js';

interface Metric {
  readonly title: string;
  readonly yTitle: string;
  readonly yFormat: string;
  readonly pick: (line: RoundLine) => number | null | undefined;
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
    pick: ({ query }) => query?.candidates,
    bands: true,
    logFrom: 30,
    absent: 'No strategy of this run has candidates.',
  },
  {
    title: 'Alpha cap in use',
    yTitle: 'cap',
    yFormat: '~g',
    pick: ({ query }) => query?.capUsed,
    bands: true,
    include: [0],
    absent: 'No strategy of this run has an alpha cap.',
  },
  {
    title: 'Picks the model got wrong',
    yTitle: 'share of the picks',
    yFormat: '%',
    pick: ({ query }) => query?.misclassified,
    bands: false,
    include: [0],
    absent: 'No query is in the run yet.',
  },
  {
    title: 'Diversity of the picks',
    yTitle: 'mean distance of two picks',
    yFormat: '~g',
    pick: ({ query }) => query?.diversity,
    bands: false,
    absent: 'No query has a diversity.',
  },
];

/** Past this many, bands hide each other. */
const MOST_BANDS = 4;

/** What the strategies chose among, and what the picks were like. */
export async function candidatesSection({ strategies, settings }: RunView): Promise<Section> {
  const charts: Chart[] = [];
  const absent: string[] = [];
  for (const metric of METRICS) {
    const chart = await metricChart(metric, strategies, settings.budget);
    if (chart) charts.push(chart);
    else absent.push(metric.absent);
  }
  const mixing = strategies.filter(({ lines }) =>
    lines.some(({ query }) => (query?.candidates ?? null) !== null),
  );
  const banded = mixing.length > 0 && mixing.length <= MOST_BANDS;
  const grey =
    strategies.some(({ style }) => style.coloured) && strategies.some(({ style }) => !style.coloured);
  const caption = `Means over the seeds, for each query, against the rows labelled before it${banded ? '; bands are ± one standard deviation' : ''}. Candidates are the rows a strategy chose among; the dashed line is the budget of ${formatCount(settings.budget)}. Diversity is the mean distance between two picks’ embeddings scaled to unit length, 0 (all alike) to 2.${grey ? ' Grey lines are the other strategies, which the table names.' : ''}`;
  return {
    id: 'candidates',
    title: 'Candidates and picks',
    body: html`${absent.length > 0 ? note(absent.join(' ')) : undefined}${charts.length > 0 ? figure(panels(charts, 340), caption) : undefined}${means(strategies)}`,
    figures:
      charts.length > 0
        ? [{ name: 'candidates', title: 'Candidates and picks by round', charts, columns: 2 }]
        : [],
  };
}

/** Each measure over all queries. */
function means(strategies: readonly StrategyView[]): Markup | undefined {
  const shown = strategies.filter(({ lines }) => lines.some(({ query }) => query));
  if (shown.length === 0) return undefined;
  const rows = shown.map((strategy) => {
    const average = (pick: Metric['pick'], format: (value: number) => string): string => {
      const values = strategy.lines.flatMap((line) => pick(line) ?? []);
      return values.length > 0 ? format(mean(values)) : '–';
    };
    return [
      keyed(strategy),
      average(
        ({ query }) => query?.candidates,
        (value) => formatCount(Math.round(value)),
      ),
      average(
        ({ query }) => query?.capUsed,
        (value) => String(Number(value.toPrecision(3))),
      ),
      average(({ query }) => query?.misclassified, formatShare),
      average(
        ({ query }) => query?.diversity,
        (value) => value.toFixed(2),
      ),
      average(({ query }) => query && query.filled / query.picks.length, formatShare),
    ];
  });
  const head = ['', 'candidates', 'alpha cap', 'wrong', 'diversity', 'filled at random'];
  return scrollTable('Means over all queries and seeds', head, rows);
}

async function metricChart(
  metric: Metric,
  strategies: readonly StrategyView[],
  budget: number,
): Promise<Chart | undefined> {
  const all = strategies.flatMap(({ name, style, lines }) => {
    const points = curve(lines, metric.pick);
    return points.length > 0 ? [{ name, style, points }] : [];
  });
  if (all.length === 0) return undefined;
  // Many lines that cross each other can't be told apart: the table has the others.
  const coloured = all.filter(({ style }) => style.coloured);
  const series = coloured.length > 0 ? coloured : all;
  const background = all.filter((one) => !series.includes(one));
  const values = all.flatMap(({ points }) => points.map(({ mean }) => mean));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = all.map(({ name, points }) => `${name} ${Number(points.at(-1)!.mean.toPrecision(3))}`);
  return lineChart({
    series,
    background,
    width: 430,
    height: Math.max(260, 14 * series.length + 70),
    title: metric.title,
    yTitle: metric.yTitle,
    yFormat: metric.yFormat,
    bands: metric.bands && series.length <= MOST_BANDS,
    include: metric.include,
    log: metric.logFrom !== undefined && low > 0 && high / low > metric.logFrom,
    rule: metric.title === 'Candidates' ? { y: budget, label: `budget ${formatCount(budget)}` } : undefined,
    label: `${metric.title} by round; at the last query: ${last.join(', ')}.`,
  });
}
