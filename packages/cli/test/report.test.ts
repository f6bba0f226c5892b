import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hashData, holdOut, openDataset, type RoundLine } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alfamix, Scratch } from './support/cli.js';
import { fileOf, type RunShape, writeRun } from './support/run-folder.js';

const SEEDS = [1, 10, 100, 1000, 10000];
const FIFTEEN = [
  ...['random', 'entropy', 'least-confidence', 'margin', 'coreset', 'bald', 'badge', 'cdal', 'dfal', 'gcn'],
  ...['', ':alpha=random', ':alpha=fixed', ':diversify=none', ':diversify=random'].map((o) => `alfa-mix${o}`),
];

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
});
afterAll(() => scratch[Symbol.dispose]());

const run = (name: string, shape?: RunShape): RoundLine[] => writeRun(scratch.file(name), shape);
const report = (...args: string[]) => alfamix(['report', ...args], { cwd: scratch.path });
const summaryOf = async (...args: string[]) => {
  const { code, stdout, stderr } = await report(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
};

/** Mean and sample standard deviation of accuracies, worked out apart from the code under test. */
function spread(lines: readonly RoundLine[], strategy: string, round: number) {
  const values = lines
    .filter((line) => line.strategy === strategy && line.round === round)
    .map((line) => line.accuracy);
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  return { mean, std: Math.sqrt(squares / (values.length - 1)), seeds: values.length };
}

/** The share of rounds in which `a` beats `b` as the papers count, by the formula as their code has it. */
function paperShare(lines: readonly RoundLine[], a: string, b: string, rounds: number): number {
  let wins = 0;
  for (let round = 1; round <= rounds; round++) {
    const accuracy = (strategy: string, seed: number) =>
      lines.find((l) => l.strategy === strategy && l.seed === seed && l.round === round)!.accuracy;
    const d = SEEDS.map((seed) => accuracy(a, seed) - accuracy(b, seed));
    const mean = d.reduce((x, y) => x + y) / d.length;
    const variance = d.reduce((x, y) => x + (y - mean) ** 2, 0) / d.length;
    if ((Math.sqrt(d.length) * mean) / Math.sqrt(variance) > 2.776) wins++;
  }
  return wins / rounds;
}

/** The table cells of a row of the page, as text. */
const cellsOf = (html: string, table: string, row: string): string[] => {
  const from = html.indexOf('<tbody>', html.indexOf(table));
  const body = html.slice(from, html.indexOf('</tbody>', from));
  const found = body.split('<tr>').find((tr) => textOf(tr.split('</th>')[0]) === row)!;
  return [...found.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell]) => textOf(cell));
};
const textOf = (markup: string): string => markup.replace(/<[^>]*>/g, '').trim();

const noOutside = (html: string) => {
  expect(
    html.match(/<script|<link(?! rel="icon" href="data:,")|@import|\bsrc=|url\((?!#)|<iframe/i),
  ).toBeNull();
  expect(html.replaceAll('http://www.w3.org', '').match(/https?:\/\//)).toBeNull();
  expect(html.match(/NaN|undefined|\[object|Infinity/)).toBeNull();
};

describe('alfamix report', () => {
  let lines: RoundLine[];
  let html: string;
  let stdout: string;
  beforeAll(async () => {
    lines = run('three');
    const result = await report('three');
    expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: '' });
    stdout = result.stdout;
    html = scratch.read('three/report.html');
  });

  it('prints the path of the report last', () => {
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(scratch.file('three/report.html'));
  });

  it('writes one page that needs nothing from outside, for light, dark, paper and phone', () => {
    noOutside(html);
    for (const part of ['prefers-color-scheme:dark', '@media print', '<meta name="viewport"'])
      expect(html).toContain(part);
    expect(html.match(/<h1/g)).toHaveLength(1);
    for (const heading of ['Learning curves', 'Who beats whom', 'Accuracy at each round', 'Query time'])
      expect(html).toMatch(new RegExp(`<section id="[a-z]+">\\s*<h2>${heading}`));
    const drawings = html.match(/<svg xmlns[^>]*>/g)!;
    expect(drawings.length).toBeGreaterThan(10);
    for (const svg of drawings) expect(svg).toMatch(/ role="img" aria-label="[^"]{20,}"/);
  });

  it('has the means and deviations of the lines in its tables', () => {
    for (const strategy of ['random', 'margin', 'alfa-mix']) {
      const cells = cellsOf(html, 'Accuracy in %, rounds 0 to 6', strategy);
      expect(cells).toEqual(
        [0, 1, 2, 3, 4, 5, 6].map((round) => {
          const { mean, std } = spread(lines, strategy, round);
          return `${(100 * mean).toFixed(1)} ± ${(100 * std).toFixed(1)}`;
        }),
      );
    }
  });

  it('has the papers’ matrix, and both in the JSON', async () => {
    const summary = await summaryOf('three', '--no-png');
    const { strategies, penalty, accuracy } = summary;
    expect(strategies).toEqual(['random', 'margin', 'alfa-mix']);
    for (const [i, a] of strategies.entries()) {
      for (const [j, b] of strategies.entries()) {
        const share = i === j ? null : paperShare(lines, a, b, 6);
        expect(penalty.paper.shares[i][j]).toBe(share);
        const shown = share === null ? '–' : Number.isInteger(share) ? String(share) : share.toFixed(2);
        expect(cellsOf(html, 'As the papers count', a)[j]).toBe(shown);
        // Correction never adds a win.
        if (i !== j) expect(penalty.corrected.shares[i][j]).toBeLessThanOrEqual(penalty.paper.shares[i][j]);
      }
    }
    expect(penalty.paper.shares[2][0]).toBeGreaterThan(0.5);
    expect(penalty.corrected.tests).toBe(3 * 6);
    for (const { strategy, round, ...found } of accuracy) {
      const { mean, std, seeds } = spread(lines, strategy, round);
      expect(found).toEqual({
        labelled: 100 + 100 * round,
        mean: expect.closeTo(mean, 12),
        std: expect.closeTo(std, 12),
        seeds,
      });
    }
  });

  it('writes every figure as SVG and PNG that stand alone', async () => {
    const { figures, notes } = await summaryOf('three', '--figures', 'drawn', '--out', 'elsewhere.html');
    expect(existsSync(scratch.file('elsewhere.html'))).toBe(true);
    const names = ['learning-curves', 'learning-curves-each', 'penalty-paper', 'penalty-corrected'];
    const all = [...names, 'query-time', 'query-stages', 'candidates'];
    const png = !notes.some((text: string) => text.startsWith('No PNG figures'));
    const files = all.flatMap((name) => [`${name}.svg`, ...(png ? [`${name}.png`] : [])]);
    expect(figures).toEqual(files.map((name) => scratch.file(`drawn/${name}`)));
    for (const file of figures) {
      const bytes = readFileSync(file);
      if (file.endsWith('.png')) {
        expect(bytes.subarray(1, 4).toString()).toBe('PNG');
        expect(bytes.readUInt32BE(16)).toBeGreaterThan(600);
      } else {
        expect(bytes.toString()).toMatch(
          /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="\d+" height="\d+"/,
        );
        expect(bytes.toString().match(/var\(|NaN|undefined/)).toBeNull();
      }
    }
  });

  it('says that the data of the map can’t be had, and why', () => {
    expect(html).toMatch(/map of the pool is left out[^<]*nowhere\.csv/);
  });

  it('takes a folder from another place, and writes nothing else there', async () => {
    run('tidy', { seeds: [1, 2], rounds: 1 });
    await summaryOf('tidy', '--out', 'tidy.html', '--figures', 'tidy-figures', '--no-png');
    expect(existsSync(scratch.file('tidy/report.html'))).toBe(false);
    expect(existsSync(scratch.file('tidy-figures/learning-curves.svg'))).toBe(true);
    expect(existsSync(scratch.file('tidy-figures/learning-curves.png'))).toBe(false);
  });
});

describe('the map', () => {
  const spec = `csv:${fileURLToPath(new URL('../data/digits.csv', import.meta.url))}[0:500]`;
  const digits = async () => {
    const { pool, test } = holdOut(await openDataset(spec), 0);
    const data = { rows: pool.rows, testRows: test.rows, inputDim: 64, sha256: hashData(pool, test) };
    return { spec, rows: pool.rows, seeds: [1, 2], rounds: 2, budget: 20, data };
  };

  it('draws each strategy’s picks on the rows of the run', async () => {
    run('map', await digits());
    await summaryOf('map', '--no-png');
    const html = scratch.read('map/report.html');
    noOutside(html);
    const maps = html.split('<div class="chart panel">').slice(1);
    expect(maps).toHaveLength(3);
    for (const map of maps) {
      // Twenty picks of the first query, as many of the second.
      expect(map.split('</svg>')[0].match(/<circle /g)).toHaveLength(20);
      expect(map.split('</svg>')[0].match(/<path d="M[\d.]+ [\d.]+l3.8/g)).toHaveLength(20);
    }
    const dots = html.slice(html.indexOf('id="pool-rows"'), html.indexOf('</defs>')).match(/h\.01/g)!;
    expect(dots).toHaveLength(400);
    expect(existsSync(scratch.file('map/figures/pool-map.svg'))).toBe(true);
    const again = scratch.read('map/figures/pool-map.svg');
    await summaryOf('map', '--no-png');
    expect(scratch.read('map/figures/pool-map.svg')).toBe(again);
    await summaryOf('map', '--no-png', '--seed', '1');
    expect(scratch.read('map/figures/pool-map.svg')).not.toBe(again);
  });

  it('is left out when the data are others by now', async () => {
    const shape = await digits();
    run('moved', { ...shape, data: { ...shape.data, sha256: 'f'.repeat(64) } });
    await summaryOf('moved', '--no-png');
    expect(scratch.read('moved/report.html')).toMatch(/left out[^<]*are not the ones the run was made with/);
  });
});

describe('many strategies', () => {
  it('are all drawn and named, and variants of alfa-mix compared with it', async () => {
    const lines = run('many', { strategies: FIFTEEN, seeds: [1, 2, 3], rounds: 9 });
    const { figures } = await summaryOf('many', '--no-png');
    const html = scratch.read('many/report.html');
    noOutside(html);
    for (const name of FIFTEEN) expect(cellsOf(html, 'Accuracy in %, rounds 7 to 9', name)).toHaveLength(3);
    expect(figures.map((file: string) => file.replace(/.*[\\/]/, ''))).toContain('ablation-alpha.svg');
    const variant = 'alfa-mix:alpha=random';
    const [end, difference] = cellsOf(html, 'Variants against the default', variant);
    const [own, base] = [spread(lines, variant, 9), spread(lines, 'alfa-mix', 9)];
    expect(end).toBe(`${(100 * own.mean).toFixed(1)} ± ${(100 * own.std).toFixed(1)}`);
    expect(difference).toBe(`${(100 * (own.mean - base.mean)).toFixed(2)}`.replace('-', '−'));
    const first = (strategy: string) =>
      lines
        .filter((line) => line.strategy === strategy && line.round === 0)
        .map((line) => line.query!.candidatesPerCap[0].count);
    for (const strategy of ['alfa-mix', variant]) {
      const counts = first(strategy);
      const mean = Math.round(counts.reduce((a, b) => a + b) / counts.length);
      expect(cellsOf(html, '>Candidates at the first query', strategy)[0]).toBe(mean.toLocaleString('en'));
    }
  });

  it('says what it lacks where the default of the variants is missing', async () => {
    run('orphans', { strategies: ['random', 'alfa-mix:alpha=random'], seeds: [1, 2], rounds: 1 });
    await summaryOf('orphans', '--no-png');
    expect(scratch.read('orphans/report.html')).toContain('no results of alfa-mix itself');
  });
});

describe('an unfinished run', () => {
  it('shows what is there, compares what can be paired and says what is missing', async () => {
    const has = (strategy: string, seed: number, round: number) =>
      strategy !== 'alfa-mix' && (strategy === 'random' || seed < 100 || (seed === 100 && round < 2));
    const lines = run('unfinished', { rounds: 3, has });
    const { penalty, accuracy, strategies, notes } = await summaryOf('unfinished', '--no-png');
    expect(strategies).toEqual(['random', 'margin']);
    expect(notes[0]).toBe('Not begun: alfa-mix.');
    expect(notes[1]).toMatch(/margin \(2 of 5 seeds done, 1 under way\)/);
    const seeds = accuracy
      .filter(({ strategy }: { strategy: string }) => strategy === 'margin')
      .map((point: { seeds: number }) => point.seeds);
    expect(seeds).toEqual([3, 3, 2, 2]);
    expect(penalty.corrected.rounds[0][1]).toBe(3);
    const { mean } = spread(lines, 'margin', 3);
    const html = scratch.read('unfinished/report.html');
    noOutside(html);
    expect(cellsOf(html, 'Accuracy in %', 'margin')[3]).toContain((100 * mean).toFixed(1));
    expect(html).toContain('The run is unfinished');
  });

  it('may be one round of one seed', async () => {
    run('begun', { has: (strategy, seed, round) => strategy === 'random' && seed === 1 && round === 0 });
    const summary = await summaryOf('begun', '--no-png');
    expect(summary.accuracy).toMatchObject([{ strategy: 'random', round: 0, seeds: 1, std: null }]);
    const html = scratch.read('begun/report.html');
    noOutside(html);
    expect(html).toMatch(/no two have, yet/);
  });

  it('may have lost the end of a line, or hold a file of another run', async () => {
    run('killed', { seeds: [1, 2], rounds: 2, has: (name, _, round) => name !== 'margin' || round < 2 });
    appendFileSync(scratch.file(`killed/${fileOf('margin', 2)}`), '{"strategy":"margin","se');
    writeFileSync(scratch.file('killed/badge.seed-1.jsonl'), '{}\n');
    const { notes, accuracy } = await summaryOf('killed', '--no-png');
    expect(notes).toContain('The last line of margin.seed-2.jsonl is cut short and is left out.');
    expect(notes).toContain('badge.seed-1.jsonl is of no strategy and seed in run.json and is left out.');
    expect(accuracy.filter((point: { strategy: string }) => point.strategy === 'margin')).toHaveLength(2);
  });
});

describe('hostile input', () => {
  it('is escaped wherever a name is shown', async () => {
    // What a file's name may hold, no more, is what a strategy's may; classes may be anything.
    const strategies = ['&#60;img src=x', `a'b&c'd`, 'alfa-mix', 'random'];
    run('names', {
      strategies,
      seeds: [1, 2],
      rounds: 2,
      spec: 'csv:<script>alert(2)</script>',
      classes: ['<i>', '&', '"'],
      settings: { model: '</style><script>' },
    });
    await summaryOf('names');
    const html = scratch.read('names/report.html');
    expect(html.match(/<img|<script|<i>|alert\(2\)<\/script/i)).toBeNull();
    expect(html).toContain('&#38;#60;img src');
    expect(html).toContain('&#60;/style&#62;&#60;script&#62;');
    expect(cellsOf(html, 'Accuracy in %', `a&#39;b&#38;c&#39;d`)).toHaveLength(3);
    for (const name of ['learning-curves', 'penalty-paper'])
      expect(scratch.read(`names/figures/${name}.svg`).match(/<img|<script/)).toBeNull();
  });

  it('may be the name of what every object has, and nothing but the path is written on the terminal', async () => {
    const own = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'];
    const many = Array.from({ length: 12 }, (_, i) => `s${i}`);
    for (const [folder, strategies] of Object.entries({ few: own, many: [...own, ...many, 'alfa-mix'] })) {
      run(folder, { strategies: [...strategies, 'random'], seeds: [1, 2], rounds: 2 });
      const summary = await summaryOf(folder);
      expect(summary.strategies).toEqual([...strategies, 'random']);
      const html = scratch.read(`${folder}/report.html`);
      for (const name of own) {
        expect(cellsOf(html, 'Accuracy in %', name)).toHaveLength(3);
        expect(scratch.read(`${folder}/figures/query-time.svg`)).toContain(`>${name}</text>`);
      }
    }
  });

  const broken: Record<string, [(folder: string) => void, RegExp]> = {
    'a folder that isn’t there': [
      (folder) => rmSync(folder, { recursive: true }),
      /expected the folder of a run/,
    ],
    'an empty folder': [() => {}, /expected the folder of a run/],
    'another folder': [
      (f) => writeFileSync(`${f}/notes.txt`, 'x'),
      /expected a run of alfamix simulate, with a run\.json for .*, found "notes\.txt" in it/,
    ],
    'a run.json of something else': [(f) => writeFileSync(`${f}/run.json`, '{"a":1}'), /run\.json/],
    'a run.json that is no JSON': [
      (f) => writeFileSync(`${f}/run.json`, '{'),
      /expected JSON in .*run\.json/,
    ],
    'a run without results': [
      (f) => void writeRun(f, { has: () => false }),
      /at least one round .* got none yet/,
    ],
    'a corrupted line': [
      (f) => {
        writeRun(f);
        const file = `${f}/${fileOf('random', 1)}`;
        writeFileSync(file, readFileSync(file, 'utf8').replace('"accuracy":0', '"accuracy":7'));
      },
      /random\.seed-1\.jsonl.* line 1/,
    ],
  };
  it.each(Object.entries(broken))('%s ends in one sentence', async (name, [make, message]) => {
    const folder = scratch.file(`broken-${Object.keys(broken).indexOf(name)}`);
    mkdirSync(folder, { recursive: true });
    make(folder);
    const { code, stdout, stderr } = await report(folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('an output that can’t be written is said before the work', async () => {
    run('writable', { seeds: [1, 2], rounds: 1 });
    const { code, stderr } = await report('writable', '--out', 'no/such/folder.html');
    expect(code).toBe(2);
    expect(stderr).toMatch(/can't write .*folder\.html/);
    expect((await report('writable', '--seed', 'x')).stderr).toMatch(/for --seed, got "x"/);
  });
});
