import { formatCount, formatNumber } from '../terminal/format.js';
import { digitImage } from './digit-image.js';
import { html, Markup } from './html.js';
import { classColour } from './palette.js';

/** One picked row as the report shows it. */
export interface PickCard {
  readonly rank: number;
  readonly row: number;
  readonly id: string;
  /** Class index the head gives it; undefined where the strategy has none. */
  readonly pseudoLabel: number | undefined;
  /** Class index found by labelling it. */
  readonly trueLabel: number;
  readonly flipCap: number | undefined;
  readonly clusterSize: number | undefined;
  /** 64 grey values, 0 … 1. */
  readonly pixels: Float32Array;
}

/** The picked images in the order they should be labelled. */
export function pickCards(picks: readonly PickCard[], classNames: readonly string[]): Markup {
  return html`<ol class="cards">${picks.map((pick) => card(pick, classNames))}</ol>`;
}

function card(pick: PickCard, names: readonly string[]): Markup {
  const { rank, row, id, pseudoLabel, trueLabel, flipCap, clusterSize } = pick;
  const truth = names[trueLabel];
  const right = pseudoLabel === trueLabel;
  const verdict =
    pseudoLabel === undefined
      ? html`<span class="verdict">a ${truth}</span>`
      : right
        ? html`<span class="verdict right">predicted ${truth} ✓</span>`
        : html`<span class="verdict wrong">predicted ${names[pseudoLabel]}, is ${truth}</span>`;
  const facts = [
    flipCap === undefined ? undefined : `flips at ${formatNumber(flipCap)}`,
    clusterSize === undefined
      ? undefined
      : `stands for ${formatCount(clusterSize)} row${clusterSize === 1 ? '' : 's'}`,
    `row ${row}`,
  ].filter((fact) => fact !== undefined);
  const colour = pseudoLabel === undefined ? 'var(--soft)' : classColour(pseudoLabel);
  return html`<li class="card" title="${id}"><span class="rank" style="background:${colour}" aria-label="rank ${rank}">${rank}</span>${new Markup(digitImage(pick.pixels, 8, 8))}${verdict}${facts.map((fact) => html`<span class="facts">${fact}</span>`)}</li>`;
}
