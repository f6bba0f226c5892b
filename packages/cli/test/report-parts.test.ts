import type { RoundLine } from '@alfamix/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderChart } from '../src/report/render-chart.js';
import { spreadHeights } from '../src/report/run/end-labels.js';
import { stageBars } from '../src/report/run/stage-bars.js';
import { shortNames, strategyStyles } from '../src/report/run/strategy-style.js';
import { labelsToReach } from '../src/report/run/summary.js';
import { querySeconds, stageShares } from '../src/report/run/time-section.js';
import { curve } from '../src/report/run/view.js';

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

describe('a chart', () => {
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
