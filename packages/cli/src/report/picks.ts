import { formatCount, formatNumber, formatShare } from '../terminal/format.js';
import { digitImage } from './digit-image.js';
import { html, Markup } from './html.js';
import { classColour } from './palette.js';

/** 64 grey values, 0 … 1. */
type Pixels = ArrayLike<number>;

/** One picked row as the report shows it. */
export interface PickCard {
  readonly rank: number;
  readonly row: number;
  readonly id: string;
  /** Class index the head gives it; undefined where the strategy has none. */
  readonly pseudoLabel: number | undefined;
  /** Class index found by labelling it. */
  readonly trueLabel: number;
  readonly confidence: number | undefined;
  readonly clusterSize: number | undefined;
  readonly pixels: Pixels;
  /** The mix that changes the prediction, and the class mean it is mixed with; undefined where nothing flips. */
  readonly flip:
    | {
        readonly cap: number;
        readonly to: number;
        readonly mixed: Pixels;
        readonly anchor: number;
        readonly mean: Pixels;
      }
    | undefined;
  /** The nearest labelled rows. */
  readonly nearest: readonly {
    readonly label: number;
    readonly distance: number;
    readonly pixels: Pixels;
  }[];
  /** Some of the rows it stands for. */
  readonly members: readonly Pixels[];
}

/** The picked images in the order they should be labelled, each with why it was picked. */
export function pickCards(picks: readonly PickCard[], classNames: readonly string[]): Markup {
  return html`<ol class="cards">${picks.map((pick) => card(pick, classNames))}</ol>`;
}

function card(pick: PickCard, names: readonly string[]): Markup {
  const { rank, row, id, pseudoLabel, trueLabel, confidence, pixels } = pick;
  const truth = names[trueLabel];
  const verdict =
    pseudoLabel === undefined
      ? html`<span class="verdict">a ${truth}</span>`
      : pseudoLabel === trueLabel
        ? html`<span class="verdict right">predicted ${truth} ✓</span>`
        : html`<span class="verdict wrong">predicted ${names[pseudoLabel]}, is ${truth}</span>`;
  const sure =
    pseudoLabel === undefined || confidence === undefined
      ? undefined
      : html`<span class="facts">${formatShare(confidence)} sure</span>`;
  const colour = pseudoLabel === undefined ? 'var(--soft)' : classColour(pseudoLabel);
  return html`<li class="card" title="${id}"><span class="rank" style="background:${colour}" aria-label="rank ${rank}">${rank}</span><div class="pick">${image(pixels)}<div>${verdict}${sure}<span class="facts">row ${row}</span></div></div><dl>${reasons(pick, names)}</dl></li>`;
}

function reasons({ flip, nearest, clusterSize, members }: PickCard, names: readonly string[]): Markup[] {
  const rows: Markup[] = [];
  if (flip) {
    const { to, cap, anchor, mixed, mean } = flip;
    const thumbs = [
      thumb(mixed, 'mix', `the mix at cap ${formatNumber(cap)}, predicted ${names[to]}`),
      thumb(mean, `mean ${names[anchor]}`, `mean of the labelled ${names[anchor]}s`),
    ];
    rows.push(reason(html`flips to <b>${names[to]}</b> at ${formatNumber(cap)}`, thumbs));
  }
  if (nearest.length > 0) {
    const thumbs = nearest.map(({ label, distance, pixels }) =>
      thumb(pixels, names[label], `a labelled ${names[label]} at distance ${formatNumber(distance)}`),
    );
    rows.push(reason(html`nearest labelled`, thumbs));
  }
  if (clusterSize !== undefined) {
    const thumbs = members.map((pixels) => thumb(pixels, undefined, 'a row of its group'));
    rows.push(
      reason(html`stands for ${formatCount(clusterSize)} row${clusterSize === 1 ? '' : 's'}`, thumbs),
    );
  }
  return rows;
}

const reason = (what: Markup, thumbs: readonly Markup[]): Markup =>
  html`<div><dt>${what}</dt><dd>${thumbs}</dd></div>`;

function thumb(pixels: Pixels, caption: string | undefined, text: string): Markup {
  return html`<span class="thumb" role="img" aria-label="${text}" title="${text}">${image(pixels)}${caption && html`<i>${caption}</i>`}</span>`;
}

const image = (pixels: Pixels): Markup => new Markup(digitImage(pixels, 8, 8));
