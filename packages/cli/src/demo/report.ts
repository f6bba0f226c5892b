import { computeAnchors, type Explanation, type ScoreResult } from '@alfamix/core';
import { describeFit } from '../commands/head.js';
import type { PickFacts } from '../commands/pick-facts.js';
import { capsChart } from '../report/caps-chart.js';
import { html, type Markup } from '../report/html.js';
import { reportPage, type Tile } from '../report/page.js';
import type { PickCard } from '../report/picks.js';
import { type MapPoint, poolMap } from '../report/pool-map.js';
import { formatCap, formatCount, formatDuration, formatShare } from '../terminal/format.js';
import { describeBackend } from '../terminal/summary.js';
import { DIGIT_DIM, DIGIT_NAMES, type Digits, digitPixels } from './digits.js';
import type { Accuracies, DemoOptions, Experiment } from './experiment.js';
import { MAX_MAP_ROWS } from './map-points.js';
import { overview } from './overview.js';

export interface DemoReportInput {
  readonly digits: Digits;
  readonly experiment: Experiment;
  readonly facts: PickFacts;
  readonly scores: ScoreResult;
  /** One a pick. */
  readonly explanations: readonly Explanation[];
  readonly map: { points: readonly MapPoint[]; poolRows: number };
  readonly settings: DemoOptions;
  readonly timings: Readonly<Record<string, number>>;
}

/** The report of the demo as one HTML file, and its figures as SVG files by name. */
export async function demoReport(
  input: DemoReportInput,
): Promise<{ html: string; figures: Record<string, string> }> {
  const { digits, experiment, facts, map, settings } = input;
  const { budget } = settings;
  const mapChart = await poolMap(map.points, DIGIT_NAMES);
  const ladder = facts.candidatesPerCap;
  const caps = ladder.length > 0 ? await capsChart(ladder, facts.capUsed, budget) : undefined;
  const picks = pickCards(input);
  const title = `${formatCount(facts.picks)} of ${formatCount(facts.poolRows)} digits to label next`;
  const page = reportPage({
    title,
    lead: lead(input),
    tiles: tiles(experiment.accuracies, digits.test.rows, budget),
    tilesNote: `Each head chose its own weight decay by cross-validation on its own labels. The bundled split is a typical one of twelve, but it is one: a demonstration, not a benchmark.`,
    map: mapChart,
    mapNote: mapNote(input),
    caps: caps && { chart: caps, note: capsNote(facts, budget) },
    classNames: DIGIT_NAMES,
    picks,
    picksNote: picksNote(picks),
    timings: Object.entries(input.timings).map(([stage, ms]) => [stage, formatDuration(ms)]),
    settings: settingRows(input),
    footer: html`Digits: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998, CC BY 4.0. Method: A. Parvaneh et al., Active Learning by Feature Mixing (ALFA-Mix), CVPR 2022. Map: L. McInnes, J. Healy and J. Melville, UMAP, 2018.`,
  });
  return { html: page, figures: overview({ map: mapChart, caps, picks, title, classNames: DIGIT_NAMES }) };
}

function lead({ digits, experiment, facts, settings }: DemoReportInput): Markup[] {
  const { accuracies } = experiment;
  const start = html`<strong>${formatCount(digits.labelled.rows)}</strong> handwritten digits are labelled, <strong>${formatCount(facts.poolRows)}</strong> are not. `;
  const how =
    facts.candidates === undefined
      ? html`The strategy <strong>${settings.strategy}</strong> picked the <strong>${formatCount(facts.picks)}</strong> to label next.`
      : html`ALFA-Mix mixed each of them a little towards the mean of every class and kept the <strong>${formatCount(facts.candidates)}</strong> whose predicted digit flips; k‑means split those into ${formatCount(settings.budget)} groups, and the middle of each is a pick.`;
  const gain = accuracies.after - accuracies.random.mean;
  const verdict =
    Math.abs(gain) < 0.005
      ? 'about as far as random rows do'
      : gain > 0
        ? `${(100 * gain).toFixed(1)} points further than random rows do`
        : `${(-100 * gain).toFixed(1)} points less far than random rows do`;
  return [
    html`${start}${how}`,
    html`Labelling the picks takes the classifier from ${formatShare(accuracies.before)} to ${formatShare(accuracies.after)} on digits it has never seen: ${verdict}.`,
  ];
}

function tiles({ before, after, random }: Accuracies, testRows: number, budget: number): Tile[] {
  return [
    { value: formatShare(before), caption: `right on ${formatCount(testRows)} test digits before` },
    {
      value: formatShare(after),
      caption: `after labelling the ${formatCount(budget)} picks`,
      best: after > random.mean,
    },
    {
      value: formatShare(random.mean),
      caption: `after ${formatCount(budget)} random rows: mean of ${random.seeds} draws, ${formatShare(random.low)} to ${formatShare(random.high)}`,
      best: random.mean > after,
    },
  ];
}

function mapNote({ map, facts, settings }: DemoReportInput): string {
  const unlabelled = facts.poolRows;
  const shown =
    map.poolRows < unlabelled
      ? `${formatCount(map.poolRows)} of the ${formatCount(unlabelled)} unlabelled rows (a random ${formatCount(MAX_MAP_ROWS)} with all picks)`
      : `All ${formatCount(unlabelled)} unlabelled rows`;
  return `${shown} and the labelled ones, laid out by UMAP on the pixels (seed ${settings.seed}): rows that lie close look alike, while long distances and the axes mean nothing. The colour and the large digits are what the classifier predicts.`;
}

function capsNote({ capUsed, candidates }: PickFacts, budget: number): string {
  const used = capUsed === undefined ? '' : formatCap(capUsed);
  return `Rows whose predicted digit flips when they are mixed with a class mean, by how far the mix may go. The cap grows until there are more candidates than the budget of ${formatCount(budget)}: ${formatCount(candidates ?? 0)} at ${used}.`;
}

/** An embedding is the digit's pixels, so that mixes and means can be looked at too. */
function pickCards({ experiment, explanations, digits }: DemoReportInput): PickCard[] {
  const { pool, labeled, selection } = experiment;
  const anchors = computeAnchors(labeled, DIGIT_NAMES.length);
  return selection.picks.map(({ rank, row, pseudoLabel, clusterSize }, i) => {
    const { confidence, flip, nearest, members } = explanations[i];
    return {
      rank,
      row,
      id: pool.idOf(row),
      pseudoLabel,
      trueLabel: digits.pool.labels[row],
      confidence,
      clusterSize,
      pixels: digitPixels(digits.pool, row),
      flip: flip && {
        ...flip,
        mean: anchors.subarray(flip.anchor * DIGIT_DIM, (flip.anchor + 1) * DIGIT_DIM),
      },
      nearest: nearest.map(({ index, label, distance }) => ({
        label,
        distance,
        pixels: digitPixels(digits.labelled, index),
      })),
      members: members.map((member) => digitPixels(digits.pool, member)),
    };
  });
}

function picksNote(picks: readonly PickCard[]): string {
  const wrong = picks.filter(
    ({ pseudoLabel, trueLabel }) => pseudoLabel !== undefined && pseudoLabel !== trueLabel,
  );
  const size = picks.some(({ clusterSize }) => clusterSize !== undefined)
    ? 'Largest group first, so that a part of the list is a good smaller batch; “stands for” counts the candidates in its group and shows those most like it. '
    : '';
  const flips = picks.some(({ flip }) => flip)
    ? '“Flips” gives the smallest cap at which the prediction changes, the mix that does it, and the class mean it was mixed with. '
    : '';
  const known = picks.some(({ pseudoLabel }) => pseudoLabel !== undefined)
    ? `The classifier was wrong about ${wrong.length} of these ${picks.length}.`
    : '';
  return size + flips + known;
}

function settingRows({ settings, facts, experiment }: DemoReportInput): [string, string][] {
  const overlap = facts.overlap && `${facts.overlap.margin} with margin, ${facts.overlap.random} with random`;
  const rows: [string, string | undefined][] = [
    ['strategy', settings.strategy],
    ['budget', formatCount(settings.budget)],
    ['alpha cap, start and step', settings.alphaCap?.toString()],
    [
      'most candidates kept',
      settings.maxCandidates === undefined ? undefined : formatCount(settings.maxCandidates),
    ],
    ['seed', String(settings.seed)],
    ['backend', describeBackend(experiment.selection.backend)],
    ['first head', describeFit(facts.head)],
    ['picks shared', overlap],
    ...facts.notes.map((note): [string, string] => ['note', note]),
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}
