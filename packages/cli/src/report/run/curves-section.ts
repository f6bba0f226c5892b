import { formatShare } from '../../terminal/format.js';
import { html } from '../html.js';
import { lineChart } from './line-chart.js';
import { figure, forBothWidths, panels, type Section } from './section.js';
import { BASELINE, FOCUS, shortNames } from './strategy-style.js';
import { at, type RunView, type StrategyView } from './view.js';

/** Past this many lines with bands, bands hide each other: then each strategy's is on a panel of its own only. */
const BANDS_TOGETHER = 4;

/** All learning curves in one figure, and each with its band before the others. */
export async function curvesSection({ strategies, lastRound }: RunView): Promise<Section> {
  const series = strategies.map(({ name, style, accuracy }) => ({ name, style, points: accuracy }));
  const label = `Accuracy on the test rows against labelled rows. ${strategies.map((one) => describe(one, lastRound)).join('; ')}.`;
  const together = strategies.length <= BANDS_TOGETHER;
  const all = await forBothWidths((width) =>
    lineChart({
      series,
      width,
      height: Math.max(width < 450 ? 300 : 400, 14 * strategies.length + 60),
      yTitle: 'accuracy',
      yFormat: '%',
      bands: together,
      label,
    }),
  );
  const each = [];
  for (const one of series) {
    each.push(
      await lineChart({
        series: [
          {
            ...one,
            style: {
              ...one.style,
              coloured: true,
              colour: one.style.coloured ? one.style.colour : 'var(--soft)',
            },
          },
        ],
        background: series.filter(({ name }) => name !== one.name),
        width: 220,
        height: 172,
        title: shortNames([one.name], 24)[0],
        yTitle: '',
        yFormat: '%',
        bands: true,
        labels: false,
        include: extent(strategies),
        label: `${describe(strategies.find(({ name }) => name === one.name)!, lastRound)}; the other strategies are drawn in grey.`,
      }),
    );
  }
  const grey = series.some(({ style }) => !style.coloured)
    ? ` In colour: ${[FOCUS, BASELINE]
        .filter((name) => strategies.some((each) => each.name === name))
        .map((name) => `${name}, `)
        .join('')}and the best of the others; grey lines are named where they end.`
    : '';
  const bands = 'bands are ± one standard deviation over the seeds (of the sample, n − 1)';
  return {
    id: 'curves',
    title: 'Learning curves',
    body: html`${figure(all.markup, `Mean accuracy on the test rows over the seeds${together ? `; ${bands}` : ''}.${grey}`)}
${figure(panels(each, 165, 'small'), `Each strategy before the others, in grey; ${bands}. All panels have the same scale.`)}`,
    figures: [
      {
        name: 'learning-curves',
        title: 'Learning curves',
        subtitle: `mean accuracy${together ? ' ± standard deviation' : ''} over the seeds`,
        charts: [all.chart],
      },
      {
        name: 'learning-curves-each',
        title: 'Learning curves, each strategy before the others',
        charts: each,
        columns: 4,
      },
    ],
  };
}

function describe({ name, accuracy }: StrategyView, round: number): string {
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
