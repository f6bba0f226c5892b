import { mean, type PairedTest, penaltyMatrix, type RoundLine } from '@alfamix/core';
import { formatCap, formatCount } from '../../terminal/format.js';
import { html, type Markup } from '../html.js';
import type { Chart } from '../render-chart.js';
import { lineChart } from './line-chart.js';
import { figure, keyed, note, panels, type Section, scrollTable } from './section.js';
import { FOCUS } from './strategy-style.js';
import { at, curve, type RunView, type StrategyView } from './view.js';

/** Variants of alfa-mix against its default; undefined where the run has none. */
export async function ablationSection(view: RunView): Promise<Section | undefined> {
  const variants = view.strategies.filter(({ name }) => name.startsWith(`${FOCUS}:`));
  const base = view.strategies.find(({ name }) => name === FOCUS);
  if (variants.length === 0) return undefined;
  const section = { id: 'ablations', title: 'Ablations of ALFA-Mix' };
  if (!base) {
    const why = `The run has ${variants.map(({ name }) => name).join(', ')}, but no results of ${FOCUS} itself, which they would be compared with.`;
    return { ...section, body: note(why), figures: [] };
  }
  const family = [base, ...variants];
  const figures = [];
  const parts: Markup[] = [];
  for (const [option, members] of byOption(variants)) {
    const charts = await optionCharts([base, ...members]);
    figures.push({ name: `ablation-${fileName(option)}`, title: `Ablation: ${option}`, charts, columns: 2 });
    parts.push(html`<h3>${option}</h3>${figure(panels(charts, 340), captionOf(charts.length))}`);
  }
  return {
    ...section,
    body: html`${comparison(view, base, variants)}${firstQueries(family)}${parts}`,
    figures,
  };
}

/** The variants by the options that differ from the default, `alpha` or `alpha and diversify`. */
function byOption(variants: readonly StrategyView[]): Map<string, StrategyView[]> {
  const groups = new Map<string, StrategyView[]>();
  for (const variant of variants) {
    const keys = variant.name
      .split(':')
      .slice(1)
      .map((option) => option.split('=')[0]);
    const group = keys.join(' and ');
    groups.set(group, [...(groups.get(group) ?? []), variant]);
  }
  return groups;
}

async function optionCharts(members: readonly StrategyView[]): Promise<Chart[]> {
  const seriesOf = (pointsOf: (member: StrategyView) => StrategyView['accuracy']) =>
    members.flatMap((member, i) => {
      const points = pointsOf(member);
      return points.length > 0 ? [{ name: member.name, style: variantStyle(member, i), points }] : [];
    });
  const size = { width: 430, height: Math.max(260, 14 * members.length + 80) };
  const curves = await lineChart({
    ...size,
    series: seriesOf(({ accuracy }) => accuracy),
    title: 'Accuracy',
    yTitle: 'accuracy',
    yFormat: '%',
    bands: true,
    label: `Learning curves of ${members.map(({ name }) => name).join(', ')}.`,
  });
  const cap = commonCaps(members.flatMap(({ lines }) => lines)).at(0);
  if (cap === undefined) return [curves];
  const flips = seriesOf(({ lines }) => curve(lines, (line) => countAt(line, cap)));
  const flipped = await lineChart({
    ...size,
    series: flips,
    title: `Predictions that change within cap ${formatCap(cap)}`,
    yTitle: 'rows',
    yFormat: ',d',
    bands: true,
    include: [0],
    label: `Rows whose prediction changes within alpha cap ${formatCap(cap)}, by round: ${flips.map(({ name, points }) => `${name} ${points.map((point) => Math.round(point.mean)).join(', ')}`).join('; ')}.`,
  });
  return [curves, flipped];
}

const captionOf = (charts: number): string =>
  charts === 1
    ? 'Means over the seeds; bands are ± one standard deviation.'
    : 'Means over the seeds; bands are ± one standard deviation. On the right, how many rows’ predictions change within one alpha cap.';

/** Variants are all in colour here, however many strategies the run has. */
function variantStyle({ style }: StrategyView, i: number): StrategyView['style'] {
  if (style.coloured) return style;
  const colours = [5, 2, 3, 1, 7, 6, 9];
  const dashes = [
    [7, 3],
    [2, 2],
    [9, 3, 2, 3],
    [12, 4],
    [4, 2],
  ];
  return {
    colour: `var(--k${colours[(i - 1) % colours.length]})`,
    dash: dashes[(i - 1) % dashes.length],
    width: 1.8,
    coloured: true,
  };
}

/** Final accuracy of each variant, and how it differs from the default on the same seeds. */
function comparison({ lines }: RunView, base: StrategyView, variants: readonly StrategyView[]): Markup {
  const names = [base, ...variants].map(({ name }) => name);
  const { tests, shares } = penaltyMatrix(names, lines, 'corrected');
  const rows = [base, ...variants].map((member, i) => {
    const own = tests.filter(({ a, b }) => a === 0 && b === i);
    const last = own.at(-1);
    const end = at(member.accuracy, last?.round ?? member.accuracy.at(-1)!.round)!;
    const spread = Number.isNaN(end.std) ? '' : ` ± ${(100 * end.std).toFixed(1)}`;
    const against = i === 0 ? ['–', '–', '–', '–'] : differences(own, last, shares[i][0], shares[0][i]);
    return [keyed(member), `${(100 * end.mean).toFixed(1)}${spread}`, ...against];
  });
  const head = ['variant', 'accuracy, %', 'difference, points', 'p', 'mean of rounds', 'rounds won : lost'];
  return html`${note('Accuracy at the last round that the variant shares with the default, and the difference from the default on the same seeds there: below zero, the default is better. p is of the paired t-test after Holm’s adjustment over all pairs of variants and all rounds; rounds are won and lost at p ≤ 0.05.')}
${scrollTable('Variants against the default', head, rows)}`;
}

function differences(
  own: readonly PairedTest[],
  last: PairedTest | undefined,
  won: number,
  lost: number,
): string[] {
  if (!last) return ['–', '–', '–', '–'];
  const points = (difference: number) =>
    `${difference > 0 ? '−' : '+'}${Math.abs(100 * difference).toFixed(2)}`;
  const count = (share: number) => Math.round(share * own.length);
  return [
    points(last.difference),
    last.p < 0.001 ? '< 0.001' : last.p.toFixed(3),
    points(mean(own.map(({ difference }) => difference))),
    `${count(won)} : ${count(lost)} of ${own.length}`,
  ];
}

/** Alpha caps at which all queries of some lines counted their candidates, increasing. */
function commonCaps(lines: readonly RoundLine[]): number[] {
  const lists = lines.flatMap(({ query }) => (query ? [query.candidatesPerCap.map(({ cap }) => cap)] : []));
  const [first = [], ...others] = lists;
  return first.filter((cap) => others.every((caps) => caps.includes(cap))).sort((a, b) => a - b);
}

const countAt = ({ query }: RoundLine, cap: number): number | undefined =>
  query?.candidatesPerCap.find((found) => found.cap === cap)?.count;

/** What each variant found at the first query: all have the same model there, so the variant alone makes the difference. */
function firstQueries(family: readonly StrategyView[]): Markup | undefined {
  const firsts = family.map((member) => ({
    member,
    lines: member.lines.filter(({ round, query }) => round === 0 && query),
  }));
  const there = firsts.filter(({ lines }) => lines.length > 0);
  if (there.length < 2) return undefined;
  const caps = commonCaps(there.flatMap(({ lines }) => lines)).slice(0, 8);
  const average = (values: readonly (number | null | undefined)[], format: (value: number) => string) => {
    const known = values.filter((value) => value !== null && value !== undefined);
    return known.length > 0 ? format(mean(known)) : '–';
  };
  const rows = there.map(({ member, lines }) => [
    keyed(member),
    ...caps.map((cap) =>
      average(
        lines.map((line) => countAt(line, cap)),
        wholeCount,
      ),
    ),
    average(
      lines.map(({ query }) => query?.capUsed),
      (cap) => String(Number(cap.toPrecision(3))),
    ),
    average(
      lines.map(({ query }) => query?.candidates),
      wholeCount,
    ),
  ]);
  const counted =
    caps.length > 0
      ? 'The columns of the caps count the rows whose prediction changes within it.'
      : 'The variants’ caps have other steps, so their counts can’t be compared; simulate --alpha-cap gives all the same.';
  return html`${note(`At the first query every variant has the same model, so these means over the seeds show what a variant does by itself. ${counted}`)}
${scrollTable('Candidates at the first query', ['variant', ...caps.map((cap) => `cap ${formatCap(cap)}`), 'cap in use', 'candidates'], rows)}`;
}

const wholeCount = (count: number): string => formatCount(Math.round(count));

const fileName = (text: string): string => text.replace(/[^a-z0-9-]+/gi, '-');
