import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_MAP_ROWS, thin } from '../src/demo/map-points.js';
import { formatFloat32 } from '../src/output/float32.js';
import { digitImage } from '../src/report/digit-image.js';
import { project } from '../src/report/project.js';
import { spreadApart } from '../src/report/spread-apart.js';
import { formatDuration, formatNumber, formatTable } from '../src/terminal/format.js';
import { ProgressLine } from '../src/terminal/progress.js';
import { describeCaps } from '../src/terminal/summary.js';
import { blobs } from './support/data.js';

describe('formatFloat32', () => {
  it('reads back as the same float32, in at most nine digits', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatFloat32(value);
        expect(Object.is(Math.fround(Number(text)), value)).toBe(true);
        expect(text.replace(/e.*|[-.]/g, '').replace(/^0+/, '').length).toBeLessThanOrEqual(
          Math.abs(value) >= 1e9 ? 21 : 9,
        );
      }),
    );
  });

  it.each([
    [Math.fround(0.1), '0.1'],
    [Math.fround(1 / 3), '0.33333334'],
    [0.1, '0.1'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [0, '0'],
    [-0, '-0'],
    [16777216, '16777216'],
  ])('%s is %s', (value, text) => expect(formatFloat32(value)).toBe(text));
});

describe('words for the terminal', () => {
  it.each([
    [0.25, '250 µs'],
    [4.321, '4.3 ms'],
    [432.1, '432 ms'],
    [4321, '4.32 s'],
    [43_210, '43.2 s'],
    [125_000, '2 min 5 s'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('rounds numbers to three digits', () => {
    expect([0.0423456, 1.2, 1234.5, Number.POSITIVE_INFINITY].map(formatNumber)).toEqual([
      '0.0423',
      '1.2',
      '1230',
      '∞',
    ]);
  });

  it('aligns numbers to the right and leaves out empty columns', () => {
    expect(
      formatTable(
        ['n', 'name', 'none'],
        [
          ['1', 'a', ''],
          ['10', 'bcdef', ''],
        ],
      ),
    ).toBe(' n  name\n 1  a\n10  bcdef');
  });
});

describe('ProgressLine', () => {
  const terminal = (isTTY: boolean, quiet = false) => {
    const written: string[] = [];
    let now = 0;
    const line = new ProgressLine(
      { isTTY, columns: 40, write: (text) => written.push(text) },
      { quiet, now: () => now },
    );
    return { line, written, at: (ms: number) => (now = ms) };
  };

  it('redraws one line with stage, percent and time left, ten times a second', () => {
    const { line, written, at } = terminal(true);
    line.update('score', 0, 100);
    at(50);
    line.update('score', 10, 100);
    at(1000);
    line.update('score', 25, 100);
    line.update('cluster', 0, 0);
    line.clear();
    line.clear();
    expect(written).toEqual([
      '\r\x1b[Kscore   0 %',
      '\r\x1b[Kscore  25 % · 3.00 s left',
      '\r\x1b[Kcluster …',
      '\r\x1b[K',
    ]);
  });

  it('is silent without a terminal, and with --quiet', () => {
    for (const { line, written } of [terminal(false), terminal(true, true)]) {
      line.update('score', 1, 2);
      line.clear();
      expect(written).toEqual([]);
    }
  });
});

describe('the map', () => {
  it('is thinned at random where the pool is large, and keeps what must be seen', () => {
    const kept = (i: number) => i % 1000 === 7;
    expect(thin(MAX_MAP_ROWS, kept, 0)).toHaveLength(MAX_MAP_ROWS);
    const shown = thin(20_000, kept, 3);
    expect(shown).toHaveLength(MAX_MAP_ROWS);
    expect(new Set(shown).size).toBe(MAX_MAP_ROWS);
    expect(shown.filter(kept)).toHaveLength(20);
    expect(thin(20_000, kept, 3)).toEqual(shown);
  });

  it('moves discs apart and keeps them inside', () => {
    const places = Array.from({ length: 30 }, (_, i) => ({ x: 100 + (i % 3), y: 4 }));
    const discs = spreadApart(places, 16, 440, 9);
    for (const [i, a] of discs.entries()) {
      expect(Math.min(a.x, a.y)).toBeGreaterThanOrEqual(9);
      for (const b of discs.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(15);
    }
    expect(spreadApart(places, 16, 440, 9)).toEqual(discs);
  });

  it('is the same for the same seed, and stops when asked to', async () => {
    const data = blobs(120, 6);
    const rows = Array.from({ length: 120 }, (_, i) => data.subarray(i * 6, (i + 1) * 6));
    const places = await project(rows, { seed: 5 });
    expect(await project(rows, { seed: 5 })).toEqual(places);
    expect(await project(rows, { seed: 6 })).not.toEqual(places);
    expect(Math.min(...places.flat())).toBe(0);
    expect(Math.max(...places.flat())).toBe(1);
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(project(rows, { seed: 5, signal })).rejects.toThrow('stopped');
  });

  it.each([1, 2, 3, 5])('lays out %d rows', async (count) => {
    const data = blobs(count, 4);
    const rows = Array.from({ length: count }, (_, i) => data.subarray(i * 4, (i + 1) * 4));
    for (const place of await project(rows, { seed: 0 }))
      for (const at of place) expect(at).toBeGreaterThanOrEqual(0);
  });
});

describe('describeCaps', () => {
  const ladder = (rungs: number) => Array.from({ length: rungs }, (_, i) => ({ cap: i + 1, count: 10 * i }));

  it('gives a ladder rung by rung, of a long one both ends and the rung used', () => {
    expect(describeCaps(ladder(3), 2)).toBe('1: 0 · 2: 10 (used) · 3: 20');
    expect(describeCaps(ladder(64), 64)).toBe(
      '1: 0 · 2: 10 · 3: 20 · … · 62: 610 · 63: 620 · 64: 630 (used)',
    );
    expect(describeCaps(ladder(50), 20)).toBe(
      '1: 0 · 2: 10 · 3: 20 · … · 20: 190 (used) · … · 48: 470 · 49: 480 · 50: 490',
    );
  });
});

describe('digitImage', () => {
  it('draws one path a shade, equal neighbours joined, and cuts off what is beyond black and white', () => {
    expect(digitImage([1, 1, 0, 0.5, 7, -3], 3, 2)).toBe(
      '<svg viewBox="0 0 3 2" fill="currentColor" shape-rendering="crispEdges" aria-hidden="true">' +
        '<path d="M0 0h2v1h-2zM1 1h1v1h-1z"/><path d="M0 1h1v1h-1z" opacity="0.5"/></svg>',
    );
  });
});
