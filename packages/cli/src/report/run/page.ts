import { html, Markup } from '../html.js';
import type { Tile } from '../page.js';
import { STYLE } from '../style.js';
import { RUN_STYLE } from './run-style.js';
import type { Section } from './section.js';

export interface RunPage {
  readonly title: string;
  readonly lead: readonly Markup[];
  readonly tiles: readonly Tile[];
  /** What is missing from the run, a sentence each. */
  readonly notes: readonly string[];
  readonly sections: readonly Section[];
  readonly settings: readonly (readonly [string, string])[];
  readonly footer: Markup;
}

/** The report of a run as one HTML file that needs nothing from the network, and no script. */
export function runPage({ title, lead, tiles, notes, sections, settings, footer }: RunPage): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · alfamix</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE + RUN_STYLE)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
${lead.map((paragraph) => html`<p class="lead">${paragraph}</p>\n`)}${notes.length > 0 ? html`<ul class="notes">${notes.map((text) => html`<li>${text}</li>`)}</ul>\n` : undefined}<ul class="tiles">${tiles.map(({ value, caption, best }) => html`<li${best ? new Markup(' class="best"') : undefined}><b>${value}</b><span>${caption}</span></li>`)}</ul>
<nav aria-label="Sections"><ul>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}<li><a href="#settings">Settings</a></li></ul></nav>
</header>
${sections.map(({ id, title: name, body }) => html`<section id="${id}">\n<h2>${name}</h2>\n${body}\n</section>\n`)}<section id="settings">
<h2>Settings</h2>
<table><tbody>${settings.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>
</section>
<footer>${footer}</footer>
</main>
</body>
</html>
`.text;
}
