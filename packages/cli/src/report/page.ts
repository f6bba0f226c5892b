import { html, Markup } from './html.js';
import { type PickCard, pickCards } from './picks.js';
import type { Chart } from './render-chart.js';
import { STYLE } from './style.js';

export interface Tile {
  readonly value: string;
  readonly caption: string;
  readonly best?: boolean;
}

export interface ReportData {
  readonly title: string;
  /** What happened, in a paragraph or two. */
  readonly lead: readonly Markup[];
  readonly tiles: readonly Tile[];
  /** A sentence under the tiles: how the numbers were made. */
  readonly tilesNote: string;
  readonly map: Chart;
  readonly mapNote: string;
  /** Absent for strategies without candidates. */
  readonly caps: { readonly chart: Chart; readonly note: string } | undefined;
  readonly classNames: readonly string[];
  readonly picks: readonly PickCard[];
  readonly picksNote: string;
  readonly timings: readonly (readonly [string, string])[];
  readonly settings: readonly (readonly [string, string])[];
  readonly footer: Markup;
}

/** The whole report as one HTML file that needs nothing from the network. */
export function reportPage(data: ReportData): string {
  const { title, caps } = data;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · alfamix</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
${data.lead.map((paragraph) => html`<p class="lead">${paragraph}</p>\n`)}<ul class="tiles">${data.tiles.map(tile)}</ul>
<p class="lead" style="font-size:.9rem">${data.tilesNote}</p>
</header>
<section class="pair">
<figure>
<h2>Where the picks lie</h2>
<div class="panel">${new Markup(data.map.svg)}${legend(caps !== undefined)}</div>
<figcaption>${data.mapNote}</figcaption>
</figure>
<div>
${caps && html`<figure><h2>How many rows could flip</h2>${new Markup(caps.chart.svg)}<figcaption>${caps.note}</figcaption></figure>`}
<h2 style="margin-top:${caps ? '34px' : '0'}">Timings</h2>
${table(data.timings, true)}
</div>
</section>
<section class="sheet">
<figure>
<h2>What to label, in this order</h2>
<figcaption>${data.picksNote}</figcaption>
${pickCards(data.picks, data.classNames)}
</figure>
</section>
<section>
<h2>Settings</h2>
${table(data.settings, false)}
</section>
<footer>${data.footer}</footer>
</main>
</body>
</html>
`;
  return page.text;
}

function tile({ value, caption, best }: Tile): Markup {
  return html`<li${best ? new Markup(' class="best"') : undefined}><b>${value}</b><span>${caption}</span></li>`;
}

function table(rows: readonly (readonly [string, string])[], numbers: boolean): Markup {
  const cell = numbers ? new Markup(' class="n"') : undefined;
  return html`<table><tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td${cell}>${value}</td></tr>`)}</tbody></table>`;
}

function legend(candidates: boolean): Markup {
  const item = (shape: string, text: string) =>
    html`<li><svg viewBox="0 0 18 18" aria-hidden="true">${new Markup(shape)}</svg>${text}</li>`;
  return html`<ul class="legend">${[
    item('<circle cx="9" cy="9" r="3" fill="var(--k0)" opacity=".6"/>', 'pool row, by its pseudo-label'),
    ...(candidates
      ? [
          item(
            '<circle cx="9" cy="9" r="3.6" fill="var(--k0)" stroke="var(--ink)" stroke-width="1.3"/>',
            'candidate',
          ),
        ]
      : []),
    item('<rect x="4.5" y="4.5" width="9" height="9" fill="var(--k0)"/>', 'labelled row'),
    item(
      '<circle cx="9" cy="9" r="7.6" fill="var(--k0)" stroke="var(--ink)" stroke-width="1.4"/><text x="9" y="12.2" text-anchor="middle" font-size="9" font-weight="700" fill="var(--on-class)">1</text>',
      'pick, by rank',
    ),
  ]}</ul>`;
}
