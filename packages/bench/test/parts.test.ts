import { getKernels } from '@alfamix/core';
import { describe, expect, test } from 'vitest';
import { fullCases, quickCases } from '../src/cases/index.js';
import { toBfloat16, toFloat16 } from '../src/data.js';
import { drawSweep } from '../src/figures/draw.js';
import { bestRates, limitOf, productWork } from '../src/limits.js';
import { readOptions, type Usage } from '../src/options.js';
import { caseMarkdown } from '../src/report.js';
import { interleave } from '../src/timing.js';

describe('limits', () => {
  const rates = { readBytes: 10e9, multiplyFlops: 100e9 };

  test('memory binds few columns, the product many', () => {
    // 1,000 rows x 500: 2 MB, 0.2 ms. Each column: 1 MFLOP, 0.01 ms.
    expect(limitOf(productWork(1000, 500, 1), rates)).toEqual({ ms: 0.2, by: 'memory' });
    expect(limitOf(productWork(1000, 500, 50), rates)).toEqual({ ms: 0.5, by: 'product' });
  });

  test('16-bit values and results count', () => {
    expect(productWork(1000, 500, 3, 2, 4)).toEqual({ bytes: 1000 * (1000 + 16), flops: 3e6 });
  });

  test('the best measurement of each counts', () => {
    const best = bestRates([rates, { readBytes: 20e9, multiplyFlops: 50e9 }]);
    expect(best).toEqual({ readBytes: 20e9, multiplyFlops: 100e9 });
  });
});

describe('turns', () => {
  const contender = (name: string, ms: number, order: string[]) => ({
    name,
    run: async () => {
      order.push(name);
      return ms;
    },
  });

  test('a b a b; one that takes half the budget keeps its first run; one that fails stops alone', async () => {
    const order: string[] = [];
    const failing = { name: 'f', run: () => Promise.reject(new Error('broke')) };
    const contenders = [
      contender('a', 3, order),
      contender('slow', 900, order),
      failing,
      contender('b', 4, order),
    ];
    const timings = await interleave(contenders, [3, 900, 1, 4], { repeats: 2, budget: 1000 });
    expect(order).toEqual(['a', 'b', 'a', 'b']);
    expect(timings[0]).toEqual({ median: 3, low: 3, high: 3, runs: 2 });
    expect(timings[1]).toEqual({ median: 900, low: 900, high: 900, runs: 1 });
    expect(timings[2]).toEqual(new Error('broke'));
  });

  test('the budget bounds the runs', async () => {
    const [timing] = await interleave([contender('a', 100, [])], [100], { repeats: 50, budget: 500 });
    expect(timing).toMatchObject({ runs: 4 });
  });
});

test('16-bit values round to nearest, ties to even, as the kernels widen them', async () => {
  const halfs = [
    0,
    -0,
    1,
    -1.5,
    65504,
    2 ** -14,
    2 ** -24,
    2 ** -25,
    3 * 2 ** -25,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
  ];
  const bits = [0, 0x8000, 0x3c00, 0xbe00, 0x7bff, 0x0400, 1, 0, 2, 0x3c00, 0x3c02];
  expect([...toFloat16(Float32Array.from(halfs))]).toEqual(bits);
  expect([...toFloat16(Float32Array.of(2 - 2 ** -12))]).toEqual([0x4000]);
  const brains = [1, -1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.14159274];
  expect([...toBfloat16(Float32Array.from(brains))]).toEqual([0x3f80, 0xbf80, 0x3f80, 0x3f82, 0x4049]);
  const kernels = await getKernels('js');
  const data = { dtype: 'float16', values: toFloat16(Float32Array.of(0.1, 0.2)) } as const;
  const head = { weight: Float32Array.of(1, 0, 0, 1), bias: new Float32Array(2), classes: 2 };
  const [a, b] = await kernels.logits({ data, rows: 1, dim: 2, ...head });
  expect(Math.abs(a - 0.1)).toBeLessThan(2 ** -14);
  expect(Math.abs(b - 0.2)).toBeLessThan(2 ** -13);
});

test('quick and full run the same cases', () => {
  const ids = fullCases().map(({ id }) => id);
  expect(quickCases().map(({ id }) => id)).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a figure names its lines and says what it shows', async () => {
  const points = [1, 10, 100].flatMap((x) => [
    { contender: 'cpu fast', x, ms: x / 10 },
    { contender: 'js', x, ms: x },
  ]);
  const sweep = { id: 's', title: 'Time & rows', axis: 'N' as const, yTitle: 'ms', points, failures: [] };
  const svg = await drawSweep(sweep, ['js', 'cpu fast']);
  expect(svg).toMatch(/^<svg [^>]*aria-label="Time &#38; rows"/);
  for (const word of ['cpu fast', '>js<', 'N (logarithmic)', '>100<']) expect(svg).toContain(word);
  expect(svg).not.toContain('var(--');
});

describe('options', () => {
  const read = (...args: string[]) => {
    let said = '';
    try {
      return { options: readOptions(args, (text) => (said += text)), said };
    } catch (error) {
      return { exitCode: (error as Usage).exitCode, said: said + (error as Error).message };
    }
  };

  test('are read', () => {
    const { options } = read(
      '--quick',
      '--only',
      'a,b',
      '--only',
      'c',
      '--threads',
      '2',
      '--json',
      '--figures',
      'f',
    );
    expect(options).toMatchObject({
      quick: true,
      only: ['a', 'b', 'c'],
      threads: 2,
      json: true,
      figures: 'f',
    });
    expect(read('--budget', '2.5').options).toMatchObject({ budget: 2.5 });
    expect(read('--json', 'x.json').options).toMatchObject({ json: 'x.json', peers: false });
  });

  test.each([
    [['--threads', '0'], /expected an integer of 1 to 256/],
    [['--repeats', 'many'], /expected an integer/],
    [['--budget', '0'], /expected seconds, above 0 and at most 86400/],
    [['--budget', '1e3'], /expected seconds/],
    [['--fast'], /unknown option '--fast'/],
    [['kmeans'], /got kmeans|too many arguments/],
    [['--mnist', 'x'], /belong to --peers/],
  ])('%j is wrong usage', (args, message) => {
    const { exitCode, said } = read(...args);
    expect(exitCode).toBe(2);
    expect(said).toMatch(message);
  });

  test('help is no error', () => {
    const { exitCode, said } = read('--help');
    expect(exitCode).toBe(0);
    expect(said).toContain('--quick');
    expect(said.replace(/\s+/g, ' ')).toMatch(/default: an environment made in \S+bench-peers\)/);
  });
});

test('a table says of each contender how fast our own is beside it, slower or faster', () => {
  const row = (contender: string, ms: number) => {
    const one = { median: ms, low: ms, high: ms, runs: 2 };
    return { contender, rows: 8, ms: one, unitMs: ms, numbers: {} };
  };
  const rows = [row('js', 8), row('cpu avx2', 2), row('a quick peer', 1)];
  const result = { id: 'sum', title: 'sum', metric: 'time' as const, rows, failures: [], skipped: [] };
  expect(caseMarkdown(result).split('\n').slice(2, -1)).toEqual([
    '| kernels | ms | spread | cpu avx2 is |',
    '|---|---|---|---|',
    '| js | 8.00 | 8.00 – 8.00, 2 runs | 4.00× as fast |',
    '| cpu avx2 | 2.00 | 2.00 – 2.00, 2 runs |  |',
    '| a quick peer | 1.00 | 1.00 – 1.00, 2 runs | 0.500× as fast |',
  ]);
});
