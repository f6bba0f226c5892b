import type { RoundLine } from '@alfamix/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DARK, LIGHT, type Theme } from '../src/report/palette.js';
import { renderChart } from '../src/report/render-chart.js';
import { spreadHeights } from '../src/report/run/end-labels.js';
import { lineChart } from '../src/report/run/line-chart.js';
import { stageBars } from '../src/report/run/stage-bars.js';
import { shortNames, strategyStyles } from '../src/report/run/strategy-style.js';
import { labelsToReach } from '../src/report/run/summary.js';
import { querySeconds, stageShares, timeSection } from '../src/report/run/time-section.js';
import { curve, type RunView } from '../src/report/run/view.js';

const line = (of: Partial<RoundLine>): RoundLine => ({
  strategy: 'a',
  seed: 1,
  round: 0,
  accuracy: 0.5,
  labelled: 10,
  seconds: 1,
  stages: {},
  epochs: null,
  query: null,
  ...of,
});
const query = {
  picks: [1],
  filled: 0,
  candidates: null,
  capUsed: null,
  candidatesPerCap: [],
  misclassified: 0,
  diversity: null,
};

type Triple = readonly number[];
/** Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB. */
const SIMULATIONS: Record<string, readonly Triple[]> = {
  'full colour vision': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
const linear = (hex: string): Triple =>
  [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
const times = (rows: readonly Triple[], [r, g, b]: Triple): Triple =>
  rows.map((row) => Math.min(1, Math.max(0, row[0] * r + row[1] * g + row[2] * b)));
const luminance = ([r, g, b]: Triple): number => 0.2126729 * r + 0.7151522 * g + 0.072175 * b;
const contrast = (a: Triple, b: Triple): number => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
/** CIELAB for the white D65. */
function toLab(rgb: Triple): Triple {
  const [r, g, b] = rgb;
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(luminance(rgb));
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

describe('the label of a line', () => {
  it('is moved apart from the others, in their order and within the drawing', () => {
    expect(spreadHeights([50, 50, 52], 10, 100)).toEqual([50, 60, 70]);
    expect(spreadHeights([99, 98, 97], 10, 100)).toEqual([100, 90, 80]);
    const heights = fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(heights, (wanted) => {
        const found = spreadHeights(wanted, 13, 200);
        const sorted = [...found].sort((a, b) => a - b);
        expect(sorted[0]).toBeGreaterThanOrEqual(-1e-9);
        expect(sorted.at(-1)).toBeLessThanOrEqual(200 + 1e-9);
        for (let i = 1; i < sorted.length; i++) expect(sorted[i] - sorted[i - 1]).toBeGreaterThan(12.999);
        for (const [i, a] of wanted.entries())
          for (const [j, b] of wanted.entries()) if (a < b) expect(found[i]).toBeLessThan(found[j]);
      }),
    );
  });

  it('is cut where it is long, and stays different from all others', () => {
    expect(shortNames(['alfa-mix', 'alfa-mix:alpha=random'], 19)).toEqual(['alfa-mix', '…alpha=random']);
    expect(shortNames(['abcdefghij', 'abcdefghi'], 9)).toEqual(['abcd…ghij', 'abcdefghi']);
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 60 }), { maxLength: 12 });
    fc.assert(
      fc.property(names, (given) => {
        expect(new Set(shortNames(given, 12)).size).toBe(given.length);
      }),
    );
  });
});

describe('how strategies are drawn', () => {
  it('differs for any two of nine, in colour and in dashes', () => {
    const names = ['random', 'alfa-mix', ...Array.from({ length: 7 }, (_, i) => `s${i}`)];
    const styles = [...strategyStyles(names, names).values()];
    expect(new Set(styles.map(({ colour }) => colour)).size).toBe(9);
    expect(new Set(styles.map(({ dash }) => dash.join(' '))).size).toBe(9);
  });

  it('keeps alfa-mix, random and the best five rivals in colour among many', () => {
    const variants = ['alfa-mix:a=1', 'alfa-mix:a=2'];
    const ranked = [...variants, ...Array.from({ length: 9 }, (_, i) => `s${i}`), 'random', 'alfa-mix'];
    const styles = strategyStyles(ranked, [...ranked].reverse());
    const coloured = ranked.filter((name) => styles.get(name)!.coloured);
    expect(coloured).toEqual(['s0', 's1', 's2', 's3', 's4', 'random', 'alfa-mix']);
  });
});

describe.each([
  ['light', LIGHT, ['page', 'panel']],
  ['dark', DARK, ['page', 'panel']],
] as const)('the %s class colours', (_, theme: Theme, grounds) => {
  const colours = Object.keys(theme)
    .filter((key) => /^k\d$/.test(key))
    .map((key) => linear(theme[key]));

  it.each(Object.keys(SIMULATIONS))('differ for any two under %s', (kind) => {
    expect(colours).toHaveLength(10);
    const seen = colours.map((colour) => toLab(times(SIMULATIONS[kind], colour)));
    const differences = seen.flatMap((a, i) =>
      seen.slice(0, i).map((b) => Math.hypot(...a.map((x, k) => x - b[k]))),
    );
    expect(Math.min(...differences)).toBeGreaterThan(12);
  });

  it('stand out from the background, and their text from them', () => {
    for (const ground of [...grounds, 'on-class'])
      for (const colour of colours) expect(contrast(colour, linear(theme[ground]))).toBeGreaterThanOrEqual(3);
    expect(contrast(linear(theme.faint), linear(theme['on-faint']))).toBeGreaterThan(4.5);
  });
});

describe('numbers of a run', () => {
  it('are means over the seeds that have them', () => {
    const lines = [
      line({ seed: 1, accuracy: 0.5 }),
      line({ seed: 2, accuracy: 0.7 }),
      line({ seed: 1, round: 1, labelled: 20, accuracy: 0.8 }),
    ];
    expect(curve(lines, ({ accuracy }) => accuracy)).toEqual([
      { round: 0, labelled: 10, seeds: 2, mean: 0.6, std: expect.closeTo(Math.SQRT2 / 10, 12) },
      { round: 1, labelled: 20, seeds: 1, mean: 0.8, std: Number.NaN },
    ]);
    expect(curve(lines, ({ epochs }) => epochs)).toEqual([]);
  });

  it('labels to reach an accuracy lie on the line between two rounds', () => {
    const points = [0.5, 0.7, 0.8].map((mean, round) => ({
      round,
      labelled: 100 + 100 * round,
      seeds: 1,
      mean,
      std: 0,
    }));
    expect(labelsToReach(points, 0.6)).toBeCloseTo(150, 9);
    expect(labelsToReach(points, 0.5)).toBe(100);
    expect(labelsToReach(points, 0.9)).toBeUndefined();
  });

  it('a query’s time is embedding and choosing, its stages add up to it', () => {
    const stages = { train: 9, embed: 1, evaluate: 5, select: 3, score: 1.5, cluster: 0.5 };
    expect(querySeconds(line({ stages, query }))).toBe(4);
    expect(querySeconds(line({ stages }))).toBeUndefined();
    expect(querySeconds(line({ stages: { train: 9 }, query }))).toBeUndefined();
    expect(stageShares([line({ stages, query }), line({ stages: { train: 1 } })])).toEqual([
      ['embed', 0.25],
      ['score', 0.375],
      ['cluster', 0.125],
      ['other', 0.25],
    ]);
  });
});

describe('the query time', () => {
  it('has no bar of stages for a query below a millisecond', async () => {
    const style = { colour: 'var(--k1)', dash: [], width: 1, coloured: true };
    const strategy = (name: string, embed: number) => ({
      name,
      style,
      accuracy: [],
      lines: [line({ strategy: name, query, stages: { embed, select: embed } })],
    });
    const of = (...strategies: ReturnType<typeof strategy>[]) =>
      timeSection({ strategies } as unknown as RunView);
    const both = await of(strategy('fast', 2e-4), strategy('slow', 1e-2));
    expect(both.body.text).toContain('Under 1 ms, without a bar: fast.');
    expect(both.figures.at(-1)!.charts[0].svg).not.toContain('>fast<');
    const fast = await of(strategy('fast', 2e-4));
    expect(fast.figures.map(({ name }) => name)).toEqual(['query-time']);
  });
});

describe('a chart', () => {
  it('takes any name, title or stage as text', async () => {
    const points = curve([line({}), line({ round: 1, labelled: 20 })], ({ accuracy }) => accuracy);
    const style = { colour: 'var(--k1)', dash: [], width: 1, coloured: true };
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      const series = [{ name, style, points }];
      const chart = { series, background: series, width: 400, height: 300, yTitle: '', yFormat: '%' };
      const lines = await lineChart({ ...chart, title: name, bands: true, log: true, label: name });
      expect(lines.svg.split(`>${name}</text>`)).toHaveLength(3);
      const bars = await stageBars([{ name, stages: [[name, 1]] }], 800);
      expect(bars.svg.split(`>${name}</text>`).length).toBeGreaterThan(2);
    }
  });

  it('keeps what it writes: only coordinates are rounded', async () => {
    const words = ['0.0312', 'a role="b" aria-label="c" 1.2345', '<b>&'];
    const { svg } = await renderChart(
      {
        data: { values: words.map((word) => ({ word })) },
        mark: 'text',
        encoding: { y: { field: 'word', type: 'nominal', axis: null }, text: { field: 'word' } },
      },
      'Three words, 0.0312 apart.',
    );
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    expect(texts.sort()).toEqual(['&lt;b&gt;&amp;', '0.0312', 'a role="b" aria-label="c" 1.2345']);
    expect(svg).toContain('aria-label="Three words, 0.0312 apart."');
  });

  it('of stages has a colour for each of the heaviest, and no two alike', async () => {
    const stages = Array.from({ length: 12 }, (_, i): [string, number] => [`stage ${i}`, (12 - i) / 78]);
    const { svg } = await stageBars([{ name: 'a', stages }], 800);
    const legend = [...svg.matchAll(/<text[^>]*>(stage \d+|other)<\/text>/g)].map(([, text]) => text);
    expect(new Set(legend)).toEqual(new Set([...Array.from({ length: 8 }, (_, i) => `stage ${i}`), 'other']));
    const fills = new Set([...svg.matchAll(/fill="(var\(--(?:k\d|faint)\))"/g)].map(([, fill]) => fill));
    expect(fills.size).toBe(9);
  });
});
