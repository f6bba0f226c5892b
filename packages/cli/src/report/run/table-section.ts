import { formatCount } from '../../terminal/format.js';
import { html, Markup } from '../html.js';
import { keyed, note, type Section, scrollTable } from './section.js';
import { at, type RunView } from './view.js';

/** Rounds beside each other: what a screen and a sheet of paper hold. */
const COLUMNS = 7;

/** Mean ± std of every round. */
export function tableSection({ strategies, settings }: RunView): Section {
  const rounds = [...new Set(strategies.flatMap(({ accuracy }) => accuracy.map(({ round }) => round)))].sort(
    (a, b) => a - b,
  );
  const tables: Markup[] = [];
  for (let from = 0; from < rounds.length; from += COLUMNS) {
    const shown = rounds.slice(from, from + COLUMNS);
    const best = shown.map((round) =>
      Math.max(...strategies.map(({ accuracy }) => at(accuracy, round)?.mean ?? 0)),
    );
    const head = shown.map((round) => {
      const point = strategies.map(({ accuracy }) => at(accuracy, round)).find(Boolean)!;
      return html`<span>${formatCount(point.labelled)}<small>round ${round}</small></span>`;
    });
    const rows = strategies.map((strategy) => [
      keyed(strategy),
      ...shown.map((round, c) => {
        const point = at(strategy.accuracy, round);
        if (!point) return html`<td class="none">–</td>`;
        const few =
          point.seeds < settings.seeds.length
            ? html`<small>${point.seeds} seed${point.seeds === 1 ? '' : 's'}</small>`
            : undefined;
        const spread = Number.isNaN(point.std) ? '' : ` ± ${percent(point.std)}`;
        return html`<td${round > 0 && strategies.length > 1 && point.mean === best[c] ? new Markup(' class="best"') : undefined}><b>${percent(point.mean)}</b>${spread}${few}</td>`;
      }),
    ]);
    const span = shown.length > 1 ? `rounds ${shown[0]} to ${shown.at(-1)}` : `round ${shown[0]}`;
    tables.push(scrollTable(`Accuracy in %, ${span}`, ['labelled rows', ...head], rows));
  }
  const { seeds } = settings;
  return {
    id: 'rounds',
    title: 'Accuracy at each round',
    body: html`${note(`Mean ± standard deviation (of the sample, n − 1) over ${seeds.length} seed${seeds.length === 1 ? '' : 's'}, in percent. The best mean of a round is marked. Round 0 is trained on the initial labels alone.`)}${tables}`,
    figures: [],
  };
}

const percent = (share: number): string => (100 * share).toFixed(1);
