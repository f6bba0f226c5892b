import { type LoggerInterface, parse, View } from 'vega';
import { type Config, compile, type TopLevelSpec } from 'vega-lite';

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

const CONFIG: Config = {
  background: 'transparent',
  font: FONT,
  view: { stroke: null },
  axis: {
    labelColor: 'var(--soft)',
    titleColor: 'var(--soft)',
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    domainColor: 'var(--faint)',
    tickColor: 'var(--faint)',
    gridColor: 'var(--line)',
    // Lighter than any line of the data.
    gridOpacity: 0.5,
  },
};

/** Vega writes its warnings to the terminal unless told otherwise; what it calls an error would end in half a chart. */
const QUIET: LoggerInterface = {
  level: (() => QUIET) as LoggerInterface['level'],
  warn: () => QUIET,
  info: () => QUIET,
  debug: () => QUIET,
  error: (...problems: readonly unknown[]) => {
    throw problems[0] instanceof Error ? problems[0] : new Error(problems.join(' '));
  },
};

export interface Chart {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/**
 * Draws a Vega-Lite chart as SVG, without a browser, that scales with its container and says what it is.
 *
 * @param label one sentence for readers who can't see the figure
 */
export async function renderChart(spec: TopLevelSpec, label: string): Promise<Chart> {
  const { spec: vega } = compile(spec, { config: CONFIG, logger: QUIET });
  const view = new View(parse(vega), { renderer: 'none', logger: QUIET });
  try {
    const svg = await view.toSVG();
    const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
    return { svg: tidy(svg, label), width: Number(width), height: Number(height) };
  } finally {
    view.finalize();
  }
}

/**
 * Drops the fixed size and Vega's per-mark ARIA noise, rounds coordinates, and makes circles of arcs: a third of the
 * bytes. Only tags are touched: what a chart writes stays as it is.
 */
function tidy(svg: string, label: string): string {
  const text = escapeXml(label);
  return svg
    .replace(/<[^>]*>/g, tidyTag)
    .replace(/<path class="(?:background|foreground)" d="[^"]*"(?: display="none")?\/>/g, '')
    .replace(
      /^<svg[^>]*viewBox="([^"]*)"[^>]*>/,
      (_, box: string) =>
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" role="img" aria-label="${text}"><title>${text}</title>`,
    );
}

const tidyTag = (tag: string): string =>
  tag
    .replace(/ (?:aria-[a-z]+|role)="[^"]*"/g, '')
    .replace(/ pointer-events="none"/g, '')
    .replace(/\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 100) / 100))
    .replace(
      /<path transform="translate\(([\d.-]+),([\d.-]+)\)" d="M([\d.]+),0A\3,\3,0,1,1,-\3,0A\3,\3,0,1,1,\3,0"/g,
      '<circle cx="$1" cy="$2" r="$3"',
    )
    .replace(/ stroke="[^"]*" stroke-width="0"/g, '');

/** The chart as a part of another drawing, at a place in it; the whole says what it is. */
export const place = ({ svg, width, height }: Chart, x: number, y: number): string =>
  svg
    .replace('<svg ', `<svg x="${x}" y="${y}" width="${width}" height="${height}" `)
    .replace(/ role="img" aria-label="[^"]*"/, '')
    .replace(/<title>[^<]*<\/title>/, '');

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
