import { html, Markup } from '../html.js';
import { classColour } from '../palette.js';
import { type Chart, escapeXml } from '../render-chart.js';

const SIZE = 300;
const TOP = 26;
const EDGE = 8;
const GROUND = 'pool-rows';

/** Queries drawn, each with a mark of its own. */
export const QUERIES_SHOWN = 3;

const MARKS: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `<circle cx="${x}" cy="${y}" r="3.4" fill="var(--ink)" stroke="var(--panel)"/>`,
  (x, y) =>
    `<path d="M${x} ${y - 4}l3.8 6.6h-7.6z" fill="var(--panel)" stroke="var(--ink)" stroke-width="1.3"/>`,
  (x, y) =>
    `<rect x="${x - 2.6}" y="${y - 2.6}" width="5.2" height="5.2" fill="none" stroke="var(--ink)" stroke-width="1.1"/>`,
];

/** 0 … 1 each. */
type Place = readonly [number, number];

export interface PickMark {
  readonly place: Place;
  /** 0 is the first. */
  readonly query: number;
}

const toX = (x: number): number => round(EDGE + x * (SIZE - 2 * EDGE));
const toY = (y: number): number => round(TOP + EDGE + (1 - y) * (SIZE - 2 * EDGE));

/** The rows of the pool by class, drawn once for all maps: a definition that each of them uses. */
export function mapGround(
  places: readonly Place[],
  labels: readonly number[],
  classNames: readonly string[],
): { readonly defs: string } {
  const rows = classNames.map((_, label) => places.filter((_place, i) => labels[i] === label));
  // A line of no length with round ends is a dot, in a fifth of a circle's bytes.
  const dots = rows.map((own, label) =>
    own.length === 0
      ? ''
      : `<path d="${own.map(([x, y]) => `M${toX(x)} ${toY(y)}h.01`).join('')}" stroke="${classColour(label)}" stroke-width="3" stroke-linecap="round" stroke-opacity=".38" fill="none"/>`,
  );
  const names = rows.map((own, label) => (own.length < 5 ? '' : className(own, classNames[label], label)));
  return { defs: `<g id="${GROUND}">${dots.join('')}${names.join('')}</g>` };
}

/** The class's name at its row nearest the middle of all, so that it lies on the class even where that is bent. */
function className(own: readonly Place[], name: string, label: number): string {
  const middle = [0, 1].map((axis) => median(own.map((place) => place[axis])));
  const distance = ([x, y]: Place) => (x - middle[0]) ** 2 + (y - middle[1]) ** 2;
  const [x, y] = own.reduce((best, place) => (distance(place) < distance(best) ? place : best));
  const short = name.length > 12 ? `${name.slice(0, 11)}…` : name;
  const size = name.length > 4 ? 11 : 15;
  return `<text x="${toX(x)}" y="${toY(y)}" dy=".35em" text-anchor="middle" font-size="${size}" font-weight="800" fill="${classColour(label)}" stroke="var(--panel)" stroke-width="3" stroke-linejoin="round" paint-order="stroke">${escapeXml(short)}</text>`;
}

/** The ground with one strategy's picks on it. */
export function pickMap(name: string, marks: readonly PickMark[], label: string): Chart {
  const [width, height] = [SIZE, SIZE + TOP];
  // The first query last, so that it lies on top.
  const drawn = [...marks]
    .sort((a, b) => b.query - a.query)
    .map(({ place: [x, y], query }) => MARKS[query](toX(x), toY(y)));
  const title = name.length > 38 ? `${name.slice(0, 37)}…` : name;
  const text = escapeXml(label);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${text}"><title>${text}</title><text x="${EDGE}" y="17" font-size="14" font-weight="700" fill="var(--ink)">${escapeXml(title)}</text><use href="#${GROUND}"/>${drawn.join('')}</svg>`;
  return { svg, width, height };
}

export function queryLegend(queries: number): Markup {
  const words = ['first query', 'second query', 'third query'];
  const items = MARKS.slice(0, queries).map(
    (mark, i) =>
      html`<li><svg viewBox="0 0 14 14" aria-hidden="true">${new Markup(mark(7, 7))}</svg>picks of the ${words[i]}</li>`,
  );
  const ground = html`<li><svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="2.4" fill="var(--k0)" opacity=".5"/></svg>row of the pool, by class</li>`;
  return html`<ul class="legend">${[...items, ground]}</ul>`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const round = (value: number): number => Math.round(value * 10) / 10;
