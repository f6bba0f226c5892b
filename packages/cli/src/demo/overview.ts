import { digitImage } from '../report/digit-image.js';
import { classColour, inTheme, LIGHT } from '../report/palette.js';
import type { PickCard } from '../report/picks.js';
import type { Chart } from '../report/render-chart.js';
import { escapeXml, FONT, place } from '../report/render-chart.js';

export interface OverviewInput {
  readonly map: Chart;
  readonly caps: Chart | undefined;
  readonly picks: readonly PickCard[];
  readonly classNames: readonly string[];
  readonly title: string;
}

/** The figures' names; without a strategy that counts candidates there is no demo-caps. */
export const FIGURES = ['demo-map', 'demo-caps', 'picks'] as const;

/**
 * The figures as SVG files that stand alone, on a card of their own so that they read on any page: the map, the
 * candidates per cap, and both map and picked digits side by side.
 */
export function overview(input: OverviewInput): Partial<Record<(typeof FIGURES)[number], string>> {
  const { map, caps, title } = input;
  const figures: Partial<Record<(typeof FIGURES)[number], string>> = {
    'demo-map': card(
      `Map of the pool: ${title}`,
      map.width,
      map.height + LEGEND,
      place(map, 0, 0) + legend(0, map.height),
    ),
    picks: picture(input),
  };
  if (caps)
    figures['demo-caps'] = card('Candidates at each alpha cap', caps.width, caps.height, place(caps, 0, 0));
  return figures;
}

const PAD = 20;
const LEGEND = 30;
const CELL = 86;
const GAP = 12;
const COLUMNS = 5;

/** Map on the left, picked digits on the right. */
function picture({ map, picks, classNames, title }: OverviewInput): string {
  const left = map.width + 36;
  const shown = picks.slice(0, 4 * COLUMNS);
  const width = left + COLUMNS * CELL + (COLUMNS - 1) * GAP;
  const height = Math.max(map.height + LEGEND, 46 + 4 * (CELL + 16 + GAP));
  const cells = shown.map((pick, i) => {
    const x = left + (i % COLUMNS) * (CELL + GAP);
    const y = 46 + Math.floor(i / COLUMNS) * (CELL + 16 + GAP);
    return cell(pick, classNames, x, y);
  });
  const heading =
    `<text x="${left}" y="22" font-size="17" font-weight="700" fill="var(--ink)">Label these next` +
    '<tspan dx="10" font-size="12" font-weight="400" fill="var(--soft)">in this order; below, what was predicted</tspan></text>';
  return card(title, width, height, place(map, 0, 0) + legend(0, map.height) + heading + cells.join(''));
}

function cell(
  { rank, pixels, pseudoLabel, trueLabel }: PickCard,
  names: readonly string[],
  x: number,
  y: number,
): string {
  const colour = pseudoLabel === undefined ? 'var(--soft)' : classColour(pseudoLabel);
  const right = pseudoLabel === trueLabel;
  const verdict =
    pseudoLabel === undefined
      ? `a ${names[trueLabel]}`
      : right
        ? `${names[trueLabel]} ✓`
        : `not ${names[pseudoLabel]} but ${names[trueLabel]}`;
  const image = digitImage(pixels, 8, 8).replace(
    '<svg ',
    `<svg x="${x + 15}" y="${y + 11}" width="${CELL - 30}" height="${CELL - 30}" color="${LIGHT.ink}" `,
  );
  return (
    `<rect x="${x}" y="${y}" width="${CELL}" height="${CELL + 10}" rx="9" fill="var(--panel)" stroke="var(--line)"/>${image}` +
    `<circle cx="${x + 13}" cy="${y + 13}" r="10" fill="${colour}"/>` +
    `<text x="${x + 13}" y="${y + 16.8}" text-anchor="middle" font-size="10.5" font-weight="700" fill="var(--on-class)">${rank}</text>` +
    `<text x="${x + CELL / 2}" y="${y + CELL}" text-anchor="middle" font-size="11.5" font-weight="600" fill="var(--${right || pseudoLabel === undefined ? 'good' : 'bad'})">${escapeXml(verdict)}</text>`
  );
}

function legend(x: number, y: number): string {
  const items: [string, string, number][] = [
    ['<circle r="3" fill="var(--k0)" opacity=".6"/>', 'pool row', 74],
    ['<circle r="3.6" fill="var(--k0)" stroke="var(--ink)" stroke-width="1.2"/>', 'candidate', 84],
    ['<rect x="-4.5" y="-4.5" width="9" height="9" fill="var(--k0)"/>', 'labelled row', 98],
    [
      '<circle r="7.6" fill="var(--k0)" stroke="var(--ink)" stroke-width="1.4"/><text y="3.2" text-anchor="middle" font-size="9" font-weight="700" fill="var(--on-class)">1</text>',
      'pick, by rank',
      0,
    ],
  ];
  let at = x + 12;
  return items
    .map(([shape, text, width]) => {
      const item = `<g transform="translate(${at},${y + 18})">${shape}<text x="13" y="4" font-size="12" fill="var(--soft)">${text}</text></g>`;
      at += width + 22;
      return item;
    })
    .join('');
}

function card(title: string, width: number, height: number, content: string): string {
  const [w, h] = [Math.ceil(width) + 2 * PAD, Math.ceil(height) + 2 * PAD];
  const text = escapeXml(title);
  const font = escapeXml(FONT);
  return inTheme(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="${font}" role="img" aria-label="${text}"><title>${text}</title>` +
      `<rect x=".5" y=".5" width="${w - 1}" height="${h - 1}" rx="14" fill="var(--page)" stroke="var(--line)"/>` +
      `<g transform="translate(${PAD},${PAD})">${content}</g></svg>\n`,
    LIGHT,
  );
}
