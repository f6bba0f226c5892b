import { html, Markup } from '../html.js';
import type { Chart } from '../render-chart.js';
import type { StrategyView } from './view.js';

/** A part of the report, and the drawings of it that also become files. */
export interface Section {
  /** Of the heading, for links. */
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
  readonly figures: readonly Figure[];
}

export interface Figure {
  /** The file's name, without its ending. */
  readonly name: string;
  /** Above the drawing. */
  readonly title: string;
  /** Beside the title, smaller. */
  readonly subtitle?: string;
  readonly charts: readonly Chart[];
  /** Charts beside each other; default 1. */
  readonly columns?: number;
  /** SVG definitions that the charts use. */
  readonly defs?: string;
}

const WIDE = 860;
const NARROW = 372;

/** A drawing for a screen or paper and one for a phone, whose text would be too small if it were scaled down. */
export async function forBothWidths(
  draw: (width: number) => Promise<Chart>,
): Promise<{ markup: Markup; chart: Chart }> {
  const [wide, narrow] = [await draw(WIDE), await draw(NARROW)];
  return {
    markup: html`<div class="chart wide">${new Markup(wide.svg)}</div><div class="chart narrow">${new Markup(narrow.svg)}</div>`,
    chart: wide,
  };
}

/** Drawings of one size, as many beside each other as fit. */
export const panels = (charts: readonly Chart[], least: number, kind = ''): Markup =>
  html`<div class="panels ${kind}" style="--least:${least}px">${charts.map(({ svg }) => html`<div class="chart">${new Markup(svg)}</div>`)}</div>`;

export const note = (text: string | Markup): Markup => html`<p class="note">${text}</p>`;

export const figure = (body: Markup, caption: string | Markup): Markup =>
  html`<figure>${body}<figcaption>${caption}</figcaption></figure>`;

/** The strategy's name with its line as the figures draw it. */
export function keyed({ name, style }: StrategyView): Markup {
  const { colour, dash, width } = style;
  return html`<span class="key"><svg viewBox="0 0 26 10" aria-hidden="true"><path d="M1 5H25" stroke="${colour}" stroke-width="${width}" stroke-dasharray="${dash.join(' ') || 'none'}" fill="none"/></svg><span>${name.split(/(?<=[:=])/).map((part, i) => html`${i > 0 ? new Markup('<wbr>') : undefined}${part}`)}</span></span>`;
}

/** A table that scrolls sideways where it must, its first column staying. */
export function scrollTable(
  caption: string,
  head: readonly (string | Markup)[],
  rows: readonly (readonly (string | Markup)[])[],
  kind = 'numbers',
): Markup {
  const cell = (value: string | Markup, c: number) =>
    value instanceof Markup && value.text.startsWith('<td')
      ? value
      : c === 0
        ? html`<th scope="row">${value}</th>`
        : html`<td>${value}</td>`;
  return html`${kind === 'heat' ? undefined : html`<p class="caption">${caption}</p>`}<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="${kind}"><thead><tr>${head.map((name) => html`<th scope="col">${typeof name === 'string' ? html`<span>${name}</span>` : name}</th>`)}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>`)}</tbody></table></div>`;
}
