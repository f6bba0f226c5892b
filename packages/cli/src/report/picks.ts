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
  /** The first flip: its cap, the class predicted from there on, the class whose mean it is mixed with. */
  readonly flip: { readonly cap: number; readonly to: number; readonly anchor: number } | undefined;
  /** The labelled images nearest to it. */
  readonly nearest: readonly { readonly label: number; readonly pixels: Float32Array }[];
  readonly clusterSize: number | undefined;
  /** 64 grey values, 0 … 1. */
  readonly pixels: Float32Array;
}

/** The picked images in the order they should be labelled. */
export function pickCards(picks: readonly PickCard[], classNames: readonly string[]): Markup {
  return html`<ol class="cards">${picks.map((pick) => card(pick, classNames))}</ol>`;
}

function card(pick: PickCard, names: readonly string[]): Markup {
  const { rank, row, id, pseudoLabel, trueLabel, flip, nearest, clusterSize } = pick;
  const truth = names[trueLabel];
  const right = pseudoLabel === trueLabel;
  const verdict =
    pseudoLabel === undefined
      ? html`<span class="verdict">a ${truth}</span>`
      : right
        ? html`<span class="verdict right">predicted ${truth} ✓</span>`
        : html`<span class="verdict wrong">predicted ${names[pseudoLabel]}, is ${truth}</span>`;
  const facts = [
    flip && `flips to ${names[flip.to]} at ${formatNumber(flip.cap)}, towards the mean ${names[flip.anchor]}`,
    clusterSize === undefined
      ? undefined
      : `stands for ${formatCount(clusterSize)} row${clusterSize === 1 ? '' : 's'}`,
    `row ${row}`,
  ].filter((fact) => fact !== undefined);
  const colour = pseudoLabel === undefined ? 'var(--soft)' : classColour(pseudoLabel);
  return html`<li class="card" title="${id}"><span class="rank" style="background:${colour}" aria-label="rank ${rank}">${rank}</span>${new Markup(digitImage(pick.pixels, 8, 8))}${verdict}${facts.map((fact) => html`<span class="facts">${fact}</span>`)}${near(nearest, names)}</li>`;
}

/** The nearest labelled images, small, each with its label. */
function near(nearest: PickCard['nearest'], names: readonly string[]): Markup | undefined {
  if (nearest.length === 0) return undefined;
  const images = nearest.map(
    ({ label, pixels }) =>
      html`<span class="near">${new Markup(digitImage(pixels, 8, 8))}${names[label]}</span>`,
  );
  return html`<span class="nears" aria-label="nearest labelled: ${nearest.map(({ label }) => names[label]).join(', ')}">${images}</span>`;
}
