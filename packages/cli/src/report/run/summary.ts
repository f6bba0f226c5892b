import { mean, type PenaltyMatrix, type RunSettings } from '@alfamix/core';
import { formatCount, formatShare } from '../../terminal/format.js';
import { html, type Markup } from '../html.js';
import type { Tile } from '../page.js';
import type { PenaltyMatrices } from './matrix-section.js';
import { BASELINE, FOCUS } from './strategy-style.js';
import { at, type CurvePoint, type RunView, type StrategyView } from './view.js';

/** The run in a line. */
export function titleOf({ settings, strategies }: RunView): string {
  const { data, rounds, seeds } = settings;
  const plural = (count: number, word: string) => `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`;
  const many = strategies.length === 1 ? strategies[0].name : `${strategies.length} strategies`;
  return `${many} on ${shortSpec(data.spec)}: ${plural(rounds, 'round')}, ${plural(seeds.length, 'seed')}`;
}

/** `csv:/data/sets/digits.csv` is digits.csv, `idx:mnist[0:8000]` is mnist[0:8000]. */
function shortSpec(spec: string): string {
  const path = spec.replace(/^\w{2,}:/, '');
  return path.split(/[\\/]+/).findLast((part) => part !== '') ?? spec;
}

/** What was done, and what came out for alfa-mix against random and the best of the others. */
export function leadOf(view: RunView): Markup[] {
  const { settings, strategies, lastRound } = view;
  const { data, init, budget, model } = settings;
  const setup = html`A model (<strong>${model}</strong>) was trained from scratch at each round, on <strong>${formatCount(init)}</strong> labels first and <strong>${formatCount(budget)}</strong> more a round, which each strategy picked from ${formatCount(data.rows)} rows; accuracy is on ${formatCount(data.testRows)} other rows.`;
  const focus = strategies.find(({ name }) => name === FOCUS);
  const baseline = strategies.find(({ name }) => name === BASELINE);
  if (!focus || !baseline || lastRound === 0) return [setup];
  const pairs = focus.lines.flatMap((line) => {
    if (line.round !== lastRound) return [];
    const other = baseline.lines.find(({ round, seed }) => round === lastRound && seed === line.seed);
    return other ? [{ ours: line.accuracy, theirs: other.accuracy }] : [];
  });
  if (pairs.length === 0) return [setup];
  const [ours, theirs] = [mean(pairs.map((pair) => pair.ours)), mean(pairs.map((pair) => pair.theirs))];
  const gain = 100 * (ours - theirs);
  const by =
    Math.abs(gain) < 0.05
      ? 'as far as'
      : `${Math.abs(gain).toFixed(1)} points ${gain > 0 ? 'further than' : 'less far than'}`;
  // The curve of an unfinished run mixes rounds of other seeds.
  const whole = pairs.length === settings.seeds.length;
  const labels = whole ? labelsToReach(focus.accuracy, theirs) : undefined;
  const saved =
    gain > 0 && labels !== undefined
      ? html`; it reached random’s final accuracy with about ${formatCount(Math.round(labels))} labels`
      : undefined;
  return [
    setup,
    html`With ${formatCount(settings.init + lastRound * budget)} labels, <strong>${FOCUS}</strong> came to ${formatShare(ours)}, ${by} <strong>${BASELINE}</strong>${whole ? '' : ` on the ${pairs.length} seed${pairs.length === 1 ? '' : 's'} that both have`}${saved}.`,
  ];
}

/** Labelled rows at which a curve first comes to an accuracy, between rounds in a straight line. */
export function labelsToReach(points: readonly CurvePoint[], accuracy: number): number | undefined {
  for (const [i, { labelled, mean }] of points.entries()) {
    if (mean < accuracy) continue;
    if (i === 0) return labelled;
    const before = points[i - 1];
    return before.labelled + ((accuracy - before.mean) / (mean - before.mean)) * (labelled - before.labelled);
  }
  return undefined;
}

/** alfa-mix, the best of the others and random, or the best three, at the last round they share. */
export function tilesOf({ strategies, lastRound }: RunView): Tile[] {
  const ranked = strategies
    .map((strategy) => ({ strategy, point: at(strategy.accuracy, lastRound)! }))
    .filter(({ point }) => point)
    .sort((a, b) => b.point.mean - a.point.mean);
  const named = (name: string) => ranked.find(({ strategy }) => strategy.name === name);
  const rival = ranked.find(({ strategy: { name } }) => !name.startsWith(FOCUS) && name !== BASELINE);
  const wanted = [named(FOCUS), rival, named(BASELINE)].filter((found) => found !== undefined);
  const shown = wanted.length === 3 ? wanted : ranked.slice(0, 3);
  // Means over other seeds don't rank, nor does round 0, before any pick.
  const even =
    lastRound > 0 && ranked.length > 1 && new Set(ranked.map(({ point }) => point.seeds)).size === 1;
  return shown.map(({ strategy, point }) => tile(strategy, point, even && strategy === ranked[0].strategy));
}

function tile({ name }: StrategyView, { mean, std, labelled, seeds }: CurvePoint, best: boolean): Tile {
  const spread = Number.isNaN(std) ? '' : ` ± ${(100 * std).toFixed(1)}`;
  const value = `${(100 * mean).toFixed(1)}${spread} %`;
  return {
    value,
    caption: `${name}, with ${formatCount(labelled)} labels (${seeds} seed${seeds === 1 ? '' : 's'})`,
    best,
  };
}

export function settingRows(settings: RunSettings): [string, string][] {
  const { data, seeds, strategies, maxCandidates, tf } = settings;
  return [
    ['data', data.spec],
    ['test rows', data.test ?? `held out of the data (seed ${data.splitSeed})`],
    ['scaling', data.scale],
    ['pool, test', `${formatCount(data.rows)} rows, ${formatCount(data.testRows)} rows`],
    ['features', formatCount(data.inputDim)],
    [
      'classes',
      `${data.classes.length}: ${data.classes.slice(0, 30).join(', ')}${data.classes.length > 30 ? ' …' : ''}`,
    ],
    ['SHA-256 of the data', data.sha256],
    ['model', settings.model],
    ...(settings.l2 === null ? [] : [['weight decay (l2)', String(settings.l2)] as [string, string]]),
    ['TensorFlow.js backend', tf ?? 'none'],
    ['initial labels', formatCount(settings.init)],
    ['labels a round', formatCount(settings.budget)],
    ['rounds', formatCount(settings.rounds)],
    ['seeds', seeds.join(', ')],
    [
      'alpha cap, start and step',
      settings.alphaCap === null ? 'each strategy’s own' : String(settings.alphaCap),
    ],
    ...(maxCandidates === null
      ? []
      : [['most candidates kept', formatCount(maxCandidates)] as [string, string]]),
    ['strategies', strategies.join(', ')],
    ['made by', `alfamix ${settings.alfamix}`],
  ];
}

/** The numbers of the report for a program: NaN, where there is nothing to say, becomes null. */
export function jsonOf(
  { strategies, settings, lastRound, notes }: RunView,
  { paper, corrected }: PenaltyMatrices,
) {
  const matrix = ({ shares, rounds, penalty, tests }: PenaltyMatrix) => ({
    shares,
    rounds,
    penalty,
    tests: tests.length,
  });
  return {
    data: settings.data.spec,
    model: settings.model,
    lastRound,
    notes,
    strategies: strategies.map(({ name }) => name),
    accuracy: strategies.flatMap(({ name, accuracy }) =>
      accuracy.map((point) => ({ strategy: name, ...point })),
    ),
    penalty: { paper: matrix(paper), corrected: matrix(corrected) },
  };
}
