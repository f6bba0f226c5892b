import { CORRECTED_ALPHA, PAPER_CRITICAL_T, type PenaltyMatrix, penaltyMatrix } from '@alfamix/core';
import { formatCount } from '../../terminal/format.js';
import { html, Markup } from '../html.js';
import { formatPenalty, heatMap } from './heat-map.js';
import { figure, keyed, note, type Section, scrollTable } from './section.js';
import type { RunView } from './view.js';

/** Matrices of up to this many strategies fit beside each other. */
const BESIDE = 7;

export interface PenaltyMatrices {
  readonly paper: PenaltyMatrix;
  readonly corrected: PenaltyMatrix;
}

export function matricesOf({ strategies, lines }: RunView): PenaltyMatrices {
  const names = strategies.map(({ name }) => name);
  return { paper: penaltyMatrix(names, lines, 'paper'), corrected: penaltyMatrix(names, lines, 'corrected') };
}

/** Who beats whom, in which share of the rounds, as the papers count it and corrected. */
export function matrixSection(view: RunView, { paper, corrected }: PenaltyMatrices): Section {
  const section = { id: 'pairs', title: 'Who beats whom' };
  const compared = paper.rounds.flat().some((count) => count > 0);
  if (!compared) {
    const why =
      'Two strategies are compared where both have at least two of the same seeds at a round after round 0; no two have, yet.';
    return { ...section, body: note(why), figures: [] };
  }
  const counted = `A cell is the share of the rounds after round 0 in which the strategy of its row beats that of its column, on the same seeds. The mean below tells how often a strategy is beaten: lower is better.`;
  const matrices = [
    {
      matrix: paper,
      title: 'As the papers count',
      caption: `A round is won at t > ${PAPER_CRITICAL_T}, with the population’s variance, as the code of ALFA-Mix does it. ${warnings(view, paper)}`,
    },
    {
      matrix: corrected,
      title: 'Corrected',
      caption: `A round is won where the paired t-test (sample variance, two-sided) keeps p ≤ ${CORRECTED_ALPHA} after Holm’s adjustment over all ${formatCount(corrected.tests.length)} tests: the chance of even one false win in the whole matrix is ${100 * CORRECTED_ALPHA} %. Differences that are the same on every seed decide nothing: without spread there is nothing to test. ${power(corrected)}`,
    },
  ];
  return {
    ...section,
    body: html`${note(counted)}${uneven(view, paper)}<div class="${view.strategies.length > BESIDE ? 'stack' : 'pair'}">${matrices.map(({ matrix, title, caption }) => figure(html`<h3>${title}</h3>${table(view, matrix, title)}`, caption))}</div>`,
    figures: matrices.map(({ matrix, title }) => ({
      name: `penalty-${matrix.mode}`,
      title: `Penalty matrix, ${title.toLowerCase()}`,
      subtitle: 'row beats column, share of rounds',
      charts: [heatMap(matrix, title)],
    })),
  };
}

function table({ strategies }: RunView, { shares, penalty }: PenaltyMatrix, title: string): Markup {
  const rows = [
    ...strategies.map((strategy, i) => [keyed(strategy), ...shares[i].map((share) => cell(share))]),
    [new Markup('<b>mean: beaten</b>'), ...penalty.map((share) => cell(share))],
  ];
  return scrollTable(
    `${title}: row beats column, share of rounds`,
    ['', ...strategies.map(({ name }) => name)],
    rows,
    'heat',
  );
}

function cell(share: number): Markup {
  if (Number.isNaN(share)) return html`<td class="none">–</td>`;
  return html`<td class="${share > 0.5 ? 'deep' : ''}" style="--p:${Math.round(100 * share)}%">${formatPenalty(share)}</td>`;
}

/** How little so few seeds can decide. */
function power({ tests }: PenaltyMatrix): string {
  const most = Math.max(...tests.map(({ seeds }) => seeds));
  return most === 2
    ? 'With two seeds little can be concluded: no win here does not mean that two strategies are alike.'
    : 'Few seeds and many rounds leave few wins.';
}

/** What the reader of the papers' rule should know. */
function warnings({ settings }: RunView, { tests }: PenaltyMatrix): string {
  const seeds = settings.seeds.length;
  const level = seeds === 5 ? '' : `2.776 is the 5 % point for five seeds; here are ${seeds}. `;
  return `${level}Its t is √(n/(n − 1)) too large and none of the ${formatCount(tests.length)} tests is corrected for the others, so some wins are chance.`;
}

/** Pairs of an unfinished run that were compared in fewer rounds, or on fewer seeds, than planned. */
function uneven({ settings }: RunView, { rounds, tests, strategies }: PenaltyMatrix): Markup | undefined {
  const planned = settings.rounds;
  const short = strategies.flatMap((_, i) => rounds[i].slice(i + 1).filter((count) => count < planned));
  const few = tests.filter(({ seeds }) => seeds < settings.seeds.length);
  if (short.length === 0 && few.length === 0) return undefined;
  const pairs = (strategies.length * (strategies.length - 1)) / 2;
  return note(
    `The run is unfinished: ${short.length} of ${pairs} pairs have fewer than the ${planned} rounds, and ${few.length} of ${tests.length} tests fewer than the ${settings.seeds.length} seeds. Each cell is over the rounds its pair has; “–” has none.`,
  );
}
