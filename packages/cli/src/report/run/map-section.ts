import { type Dataset, Rng, type RunSettings } from '@alfamix/core';
import type { Session } from '../../session.js';
import { formatCount } from '../../terminal/format.js';
import { html, Markup } from '../html.js';
import { project } from '../project.js';

import { loadPool } from './load-run.js';
import { mapGround, type PickMark, pickMap, QUERIES_SHOWN, queryLegend } from './pick-map.js';
import { figure, note, type Section } from './section.js';
import type { RunView, StrategyView } from './view.js';

/** Rows of the pool drawn at random; all picks shown are added. */
const SAMPLE = 2000;
/** Picks shown, of all strategies together: laying out more rows takes minutes. */
const MOST_PICKS = 2000;

interface Picks {
  readonly strategy: StrategyView;
  /** By query, the first first; the best picks first. */
  readonly queries: readonly (readonly number[])[];
}

/** The pool in two dimensions, once, with each strategy's first picks on it. */
export async function mapSection(view: RunView, seed: number, session: Session): Promise<Section> {
  const section = { id: 'map', title: 'Where the picks lie' };
  const { settings } = view;
  const chosen = choosePicks(view);
  if (!chosen) return { ...section, body: note('No query is in the run yet.'), figures: [] };
  const found = await session.timed('load data', () => loadPool(settings, session.signal));
  if ('why' in found) {
    const why = `The map of the pool is left out, because the data it would show can’t be had: ${found.why}.`;
    return { ...section, body: note(why), figures: [] };
  }
  const rows = shownRows(settings, chosen.picks, seed);
  const places = await session.timed('map', () => layOut(found.pool, rows, seed, session));
  const placeOf = new Map(rows.map((row, i) => [row, places[i]]));
  const labels = rows.map((row) => found.pool.labels[row]);
  const ground = mapGround(places, labels, settings.data.classes);
  const charts = chosen.picks.map(({ strategy, queries }) => {
    const marks = queries.flatMap((picks, query) =>
      picks.map((row): PickMark => ({ place: placeOf.get(row)!, query })),
    );
    return pickMap(strategy.name, marks, describe(strategy.name, queries, found.pool));
  });
  const { length } = chosen.picks[0].queries;
  const caption = `${shownOf(settings.data.rows)}, laid out by UMAP on the features (seed ${seed}); colours and names are the true classes. Rows that lie close are alike; long distances and the axes mean nothing. On it, the ${length > 1 ? `first ${length} queries` : 'first query'} of seed ${chosen.seed}${chosen.cut ? ` (of each, the first ${formatCount(chosen.cut)} picks)` : ''}. The first query is made with the same model by all.`;
  return {
    ...section,
    body: figure(
      html`${new Markup(`<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>${ground.defs}</defs></svg>`)}<div class="maps">${charts.map(({ svg }) => html`<div class="chart panel">${new Markup(svg)}</div>`)}</div>${queryLegend(length)}`,
      caption,
    ),
    figures: [
      {
        name: 'pool-map',
        title: 'Picks on the map of the pool',
        subtitle: ['● first query', '△ second', '□ third'].slice(0, length).join('   '),
        charts,
        columns: 4,
        defs: ground.defs,
      },
    ],
  };
}

const shownOf = (rows: number): string =>
  rows <= SAMPLE
    ? `All ${formatCount(rows)} rows of the pool`
    : `${formatCount(SAMPLE)} of the pool’s ${formatCount(rows)} rows, drawn at random, and the picks`;

/** The seed that most strategies have, and as many of its first queries as can be shown. */
function choosePicks(view: RunView) {
  const { settings, strategies } = view;
  const firstsOf = (seed: number): Picks[] =>
    strategies.flatMap((strategy) => {
      const queries = strategy.lines
        .filter((line) => line.seed === seed && line.round < QUERIES_SHOWN && line.query)
        .map(({ query }) => query!.picks);
      return queries.length > 0 ? [{ strategy, queries }] : [];
    });
  const seeds = settings.seeds.map((seed) => ({ seed, picks: firstsOf(seed) }));
  const best = seeds.reduce((most, each) => (each.picks.length > most.picks.length ? each : most));
  if (best.picks.length === 0) return undefined;
  const count = (queries: number) =>
    new Set(best.picks.flatMap((each) => each.queries.slice(0, queries).flat())).size;
  const most = Math.max(...best.picks.map(({ queries }) => queries.length));
  let shown = most;
  while (shown > 1 && count(shown) > MOST_PICKS) shown--;
  const cut = count(shown) > MOST_PICKS ? Math.max(1, Math.floor(MOST_PICKS / best.picks.length)) : undefined;
  const picks = best.picks.map(({ strategy, queries }) => ({
    strategy,
    queries: queries.slice(0, shown).map((rows) => rows.slice(0, cut)),
  }));
  return { seed: best.seed, picks, cut };
}

/** A sample of the pool and all picks, increasing. */
function shownRows({ data }: RunSettings, picks: readonly Picks[], seed: number): number[] {
  const sample = new Rng(seed).sample(data.rows, Math.min(SAMPLE, data.rows));
  const picked = picks.flatMap(({ queries }) => queries.flat());
  return [...new Set([...sample, ...picked])].sort((a, b) => a - b);
}

function layOut(pool: Dataset, rows: readonly number[], seed: number, session: Session) {
  const { features, dim } = pool;
  const vectors = rows.map((row) => features.subarray(row * dim, (row + 1) * dim));
  return project(vectors, { seed, signal: session.signal, onProgress: session.stage('map') });
}

/** In words: how the first picks spread over the classes. */
function describe(
  name: string,
  queries: readonly (readonly number[])[],
  { labels, classNames }: Dataset,
): string {
  const counts = new Array<number>(classNames.length).fill(0);
  for (const row of queries[0]) counts[labels[row]]++;
  const most = counts
    .map((count, label) => ({ count, label }))
    .sort((a, b) => b.count - a.count)
    .slice(0, 3)
    .map(({ count, label }) => `${count} of class ${classNames[label]}`);
  return `Picks of ${name} on the map of the pool; most of the first query’s ${queries[0].length}: ${most.join(', ')}.`;
}
