import { formatShare } from '../../terminal/format.js';
import { html } from '../html.js';
import type { Chart } from '../render-chart.js';
import { lineChart } from './line-chart.js';
import type { Series } from './line-layers.js';
import { figure, forBothWidths, panels, type Section } from './section.js';
import { BASELINE, FOCUS, shortNames } from './strategy-style.js';
import { at, type RunView, type StrategyView } from './view.js';

/** Past this many lines with bands, bands hide each other: then each strategy's is on a panel of its own only. */
const BANDS_TOGETHER = 4;
const BANDS = 'bands are ± one standard deviation over the seeds (of the sample, n − 1)';

/** All learning curves in one figure, and each with its band before the others. */
export async function curvesSection({ strategies, lastRound }: RunView): Promise<Section> {
  const series = strategies.map(({ name, style, accuracy }) => ({ name, style, points: accuracy }));
  const ends = strategies.map((strategy) => endOf(strategy, lastRound));
  const together = strategies.length <= BANDS_TOGETHER;
  const all = await forBothWidths((width) =>
    lineChart({
      series,
      width,
      height: Math.max(width < 450 ? 300 : 400, 14 * strategies.length + 60),
      yTitle: 'accuracy',
      yFormat: '%',
      bands: together,
      label: `Accuracy on the test rows against labelled rows. ${ends.join('; ')}.`,
    }),
  );
  const each: Chart[] = [];
  for (const [i, one] of series.entries())
    if (series.length > 1) each.push(await panelOf(one, series, ends[i], extent(strategies)));
  const caption = `Mean accuracy on the test rows over the seeds${together ? `; ${BANDS}` : ''}.${whoIsGrey(strategies)}`;
  const small = `Each strategy before the others, in grey; ${BANDS}. All panels have the same scale.`;
  const subtitle = `mean accuracy${together ? ' ± standard deviation' : ''} over the seeds`;
  const title = 'Learning curves';
  return {
    id: 'curves',
    title,
    body: html`${figure(all.markup, caption)}${each.length > 0 ? figure(panels(each, 165, 'small'), small) : undefined}`,
    figures: [
      { name: 'learning-curves', title, subtitle, charts: [all.chart] },
      ...(each.length > 0
        ? [
            {
              name: 'learning-curves-each',
              title,
              subtitle: 'each strategy before the others, ± standard deviation',
              charts: each,
              columns: 4,
            },
          ]
        : []),
    ],
  };
}

/** One strategy in colour with its band, the others behind it. */
function panelOf(
  one: Series,
  series: readonly Series[],
  end: string,
  include: readonly number[],
): Promise<Chart> {
  const colour = one.style.coloured ? one.style.colour : 'var(--soft)';
  return lineChart({
    series: [{ ...one, style: { ...one.style, coloured: true, colour } }],
    background: series.filter(({ name }) => name !== one.name),
    width: 220,
    height: 172,
    title: shortNames([one.name], 24)[0],
    yTitle: '',
    yFormat: '%',
    bands: true,
    labels: false,
    include,
    label: `${end}; the other strategies are drawn in grey.`,
  });
}

function whoIsGrey(strategies: readonly StrategyView[]): string {
  if (strategies.every(({ style }) => style.coloured)) return '';
  const known = [FOCUS, BASELINE].filter((name) => strategies.some((each) => each.name === name));
  const variants = strategies.some(({ name, style }) => !style.coloured && name.startsWith(`${FOCUS}:`));
  const but = variants ? `, variants of ${FOCUS} apart, which are grey here however good` : '';
  return ` In colour: ${known.length > 0 ? `${known.join(', ')} and ` : ''}the best of the others${but}; grey lines are named where they end.`;
}

function endOf({ name, accuracy }: StrategyView, round: number): string {
  const point = at(accuracy, round) ?? accuracy.at(-1)!;
  const spread = Number.isNaN(point.std) ? '' : ` ± ${(100 * point.std).toFixed(1)}`;
  return `${name} ${formatShare(point.mean)}${spread} at ${point.labelled} labelled rows`;
}

/** The lowest and highest end of any band, so that all panels share them. */
function extent(strategies: readonly StrategyView[]): number[] {
  const ends = strategies.flatMap(({ accuracy }) =>
    accuracy.flatMap(({ mean, std }) => (Number.isNaN(std) ? [mean] : [mean - std, mean + std])),
  );
  return [Math.min(...ends), Math.max(...ends)];
}
