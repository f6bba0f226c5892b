import { inTheme, LIGHT } from '../palette.js';
import { escapeXml, FONT, place } from '../render-chart.js';
import type { Figure } from './section.js';

const PAD = 20;
const GAP = 18;
const HEADING = 34;
/** Of the heading, generously. */
const CHAR = 8.2;

/** A figure as an SVG file of its own, in the light theme, on a ground of its own so that it reads on any page. */
export function standAlone({ title, charts, columns = 1, defs, subtitle = '' }: Figure): string {
  const across = Math.min(columns, charts.length);
  const cell = {
    width: Math.max(...charts.map(({ width }) => width)),
    height: Math.max(...charts.map(({ height }) => height)),
  };
  const down = Math.ceil(charts.length / across);
  const heading = `${title}${subtitle}`.length * CHAR + 12;
  const width = Math.ceil(Math.max(heading, across * cell.width + (across - 1) * GAP)) + 2 * PAD;
  const height = Math.ceil(HEADING + down * cell.height + (down - 1) * GAP) + 2 * PAD;
  const placed = charts.map((chart, i) => {
    const x = PAD + (i % across) * (cell.width + GAP);
    const y = PAD + HEADING + Math.floor(i / across) * (cell.height + GAP);
    return place(chart, x, y);
  });
  const text = escapeXml(title);
  return inTheme(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escapeXml(FONT)}" role="img" aria-label="${text}"><title>${text}</title>` +
      `<rect width="${width}" height="${height}" fill="var(--page)"/>${defs ? `<defs>${defs}</defs>` : ''}<text x="${PAD}" y="${PAD + 14}" font-size="15" font-weight="700" fill="var(--ink)">${text}<tspan dx="10" font-size="12" font-weight="400" fill="var(--soft)">${escapeXml(subtitle)}</tspan></text>${placed.join('')}</svg>\n`,
    LIGHT,
  );
}
