import { quantile, type RoundLine } from '@alfamix/core';
import { html } from '../html.js';
import { figure, forBothWidths, keyed, note, type Section, scrollTable } from './section.js';
import { stageBars } from './stage-bars.js';
import { formatSeconds, timeSpans } from './time-spans.js';
import type { RunView } from './view.js';

/** Stages that aren't parts of the query; `select` is the query without the embedding. */
const OUTSIDE = new Set(['train', 'embed', 'evaluate', 'select']);

/** Seconds: of shorter queries the timer's own cost is too large a part to split them. */
const SHORTEST = 1e-3;

/** How long a query takes: embedding the pool, and choosing. */
export async function timeSection({ strategies }: RunView): Promise<Section> {
  const section = { id: 'time', title: 'Query time' };
  const timed = strategies.flatMap((strategy) => {
    const seconds = strategy.lines.flatMap((line) => querySeconds(line) ?? []);
    return seconds.length > 0 ? [{ ...strategy, seconds, ...quartiles(seconds) }] : [];
  });
  if (timed.length === 0)
    return { ...section, body: note('No query with its time is in the run yet.'), figures: [] };
  const spans = await forBothWidths((width) => timeSpans(timed, width));
  const long = timed.filter(({ median }) => median >= SHORTEST);
  const short = timed.filter(({ median }) => median < SHORTEST);
  const shares = long.map((strategy) => ({ name: strategy.name, stages: stageShares(strategy.lines) }));
  const bars = long.length > 0 ? await forBothWidths((width) => stageBars(shares, width)) : undefined;
  const under =
    short.length > 0 ? `Under 1 ms, without a bar: ${short.map(({ name }) => name).join(', ')}.` : '';
  const rows = timed.map((strategy) => [
    keyed(strategy),
    ...[strategy.median, strategy.low, strategy.high].map((value) => formatSeconds(value)),
    ...['embed', 'select', 'train'].map((stage) => medianOf(strategy.lines, stage)),
    String(strategy.seconds.length),
  ]);
  const head = ['query', 'median', 'lowest', 'highest', 'embed', 'select', 'train', 'queries'];
  return {
    ...section,
    body: html`${figure(spans.markup, html`Seconds for one query: embedding the pool and choosing, without training. Embedding is counted for every strategy, also for one that does not need it, like random; the table has choosing alone as “select”. The mark is the median over all rounds and seeds, the bar holds the middle half, the line goes from the lowest to the highest.`)}
${bars ? figure(bars.markup, `The query’s time by its stages, over all rounds and seeds: embedding first, then the parts of choosing; other is the rest: the smallest parts, and what no part was timed for. ${under}`) : note(under)}
${scrollTable('Query time, and its median stages', head, rows)}`,
    figures: [
      { name: 'query-time', title: 'Query time by strategy', charts: [spans.chart] },
      ...(bars ? [{ name: 'query-stages', title: 'Query time by stage', charts: [bars.chart] }] : []),
    ],
  };
}

/** Embedding and choosing; undefined for a round without a query. */
export function querySeconds({ query, stages }: RoundLine): number | undefined {
  return query && stages.select !== undefined ? (stages.embed ?? 0) + stages.select : undefined;
}

const quartiles = (seconds: readonly number[]) => ({
  low: Math.min(...seconds),
  quarter: quantile(seconds, 0.25),
  median: quantile(seconds, 0.5),
  threeQuarters: quantile(seconds, 0.75),
  high: Math.max(...seconds),
});

/** The share of each stage in the query's time; what the parts of `select` leave is `other`. */
export function stageShares(lines: readonly RoundLine[]): [string, number][] {
  const totals = new Map<string, number>();
  const add = (stage: string, seconds: number) => totals.set(stage, (totals.get(stage) ?? 0) + seconds);
  for (const line of lines) {
    if (querySeconds(line) === undefined) continue;
    const parts = Object.entries(line.stages).filter(([stage]) => !OUTSIDE.has(stage));
    add('embed', line.stages.embed ?? 0);
    for (const [stage, seconds] of parts) add(stage, seconds);
    const known = parts.reduce((sum, [, seconds]) => sum + seconds, 0);
    add('other', Math.max(0, line.stages.select - known));
  }
  const total = [...totals.values()].reduce((sum, seconds) => sum + seconds, 0) || 1;
  return [...totals].map(([stage, seconds]) => [stage, seconds / total]);
}

function medianOf(lines: readonly RoundLine[], stage: string): string {
  const seconds = lines.flatMap((line) => line.stages[stage] ?? []);
  return seconds.length > 0 ? formatSeconds(quantile(seconds, 0.5)) : '–';
}
