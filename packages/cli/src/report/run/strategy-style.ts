/** How a strategy is drawn, the same in every figure: by colour, dashes and a label, never by colour alone. */
export interface StrategyStyle {
  /** A colour as a CSS variable. */
  readonly colour: string;
  readonly dash: readonly number[];
  readonly width: number;
  /** False for the many that stay in the background. */
  readonly coloured: boolean;
}

/** The strategy that the others are compared with, and the baseline. */
export const FOCUS = 'alfa-mix';
export const BASELINE = 'random';

/** Of the palette (palette.ts), in an order that keeps neighbours apart; the first is the focus's. */
const COLOURS = [5, 2, 3, 1, 7, 9, 6, 4].map((i) => `var(--k${i})`);
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [12, 4], [4, 2], [9, 2, 2, 2, 2, 2], [5, 5]];
/** With more strategies than this, colours no longer help: the best few keep theirs. */
const ALL_COLOURED = 9;
const BEST_COLOURED = 5;

/**
 * @param ranked the strategies, best first
 * @param order all of the run's, which decides who gets which colour, so that it doesn't change with the results
 */
export function strategyStyles(
  ranked: readonly string[],
  order: readonly string[],
): ReadonlyMap<string, StrategyStyle> {
  const others = ranked.filter((name) => name !== FOCUS && name !== BASELINE);
  // Variants of the focus have a section of their own.
  const rivals = others.filter((name) => !name.startsWith(`${FOCUS}:`));
  const shown = new Set(ranked.length <= ALL_COLOURED ? others : rivals.slice(0, BEST_COLOURED));
  const coloured = order.filter((name) => shown.has(name));
  return new Map(
    ranked.map((name): [string, StrategyStyle] => {
      if (name === FOCUS) return [name, { colour: 'var(--k0)', dash: [], width: 2.8, coloured: true }];
      if (name === BASELINE) return [name, { colour: 'var(--ink)', dash: [1, 3], width: 2, coloured: true }];
      const i = coloured.indexOf(name);
      return [
        name,
        i < 0
          ? {
              colour: 'var(--faint)',
              dash: DASHES[(others.indexOf(name) + 1) % DASHES.length],
              width: 1.3,
              coloured: false,
            }
          : {
              colour: COLOURS[i % COLOURS.length],
              dash: DASHES[(i + 1) % DASHES.length],
              width: 1.8,
              coloured: true,
            },
      ];
    }),
  );
}

/** Names cut to at most `most` characters, still all different: what is before the options goes first, then the middle. */
export function shortNames(names: readonly string[], most: number): string[] {
  const shown = new Set<string>();
  return names.map((name) => {
    const options = name.indexOf(':');
    const cut = [...name].length > most && options > 0 ? `…${name.slice(options + 1)}` : name;
    const chars = [...(shown.has(cut) ? name : cut)];
    let short = chars.join('');
    for (let tail = Math.floor(most / 2); chars.length > most; tail--) {
      short = `${chars.slice(0, most - 1 - tail).join('')}…${tail > 0 ? chars.slice(-tail).join('') : ''}`;
      if (!shown.has(short) || tail === 0) break;
    }
    for (let i = 2; shown.has(short); i++) short = `${short.replace(/ \(\d+\)$/, '')} (${i})`;
    shown.add(short);
    return short;
  });
}
