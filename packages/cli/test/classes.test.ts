import { writeFileSync } from 'node:fs';
import { writeSafetensors } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveClasses } from '../src/inputs/classes.js';
import { alfamix, type Scratch } from './support/cli.js';
import { CLASSES, DIM, f32, HEAD_WEIGHT, i64, labelsCsv, scratchWithData } from './support/data.js';

const labels = (...texts: string[]) => ({ texts, where: (i: number) => `labels.csv, line ${i + 2}` });

describe('class names', () => {
  it.each([
    [
      'the head comes first',
      { labels: labels('b', 'a'), head: { classes: 2, classNames: ['b', 'a'] }, given: ['a', 'b'] },
      ['b', 'a'],
      [0, 1],
    ],
    [
      'then --classes',
      { labels: labels('b', 'a'), head: { classes: 3, classNames: undefined }, given: ['a', 'b', 'c'] },
      ['a', 'b', 'c'],
      [1, 0],
    ],
    [
      'integers are rows of a head without names',
      { labels: labels('2', '0'), head: { classes: 3, classNames: undefined } },
      ['0', '1', '2'],
      [2, 0],
    ],
    ['else the distinct labels, sorted', { labels: labels('eel', 'cat', 'eel') }, ['cat', 'eel'], [1, 0, 1]],
    ['numerically if all are integers', { labels: labels('10', '9', '-1') }, ['-1', '9', '10'], [2, 1, 0]],
    ['as text if one is not', { labels: labels('10', '9', 'x') }, ['10', '9', 'x'], [0, 1, 2]],
    [
      'integers index names that are words',
      { labels: labels('1', '0'), given: ['cat', 'dog'] },
      ['cat', 'dog'],
      [1, 0],
    ],
    [
      'integers match names that are integers',
      { labels: labels('7', '3'), given: ['3', '7'] },
      ['3', '7'],
      [1, 0],
    ],
  ])('%s', (_, sources, names, indices) => {
    const resolved = resolveClasses(sources);
    expect(resolved.names).toEqual(names);
    expect([...resolved.indices]).toEqual(indices);
  });

  it('says when --classes is not used', () => {
    const head = { classes: 2, classNames: ['b', 'a'] };
    const { notes } = resolveClasses({ labels: labels('b'), head, given: ['a', 'b'] });
    expect(notes).toEqual([expect.stringMatching(/--classes is not used/)]);
  });

  it('says what order it gave a head without names', () => {
    const head = { classes: 2, classNames: undefined };
    const notes = (sources: Parameters<typeof resolveClasses>[0]) => resolveClasses(sources).notes;
    expect(notes({ labels: labels('zed', 'yak'), head })).toEqual([
      "the head names no classes: its rows were taken to be the labels in sorted order (yak, zed); if they are not, give --classes in the head's order",
    ]);
    expect(notes({ labels: labels('zed', 'yak'), head, given: ['zed', 'yak'] })).toEqual([]);
    expect(notes({ labels: labels('zed', 'yak'), head: { ...head, classNames: ['zed', 'yak'] } })).toEqual(
      [],
    );
    expect(notes({ labels: labels('1', '0'), head })).toEqual([]);
    expect(notes({ labels: labels('zed', 'yak') })).toEqual([]);
  });

  it.each([
    [
      { labels: labels('cat', 'cow'), given: ['cat', 'dog'] },
      /one of the 2 classes \(cat, dog\).*line 3, got "cow"/,
    ],
    [{ labels: labels('3'), head: { classes: 3, classNames: undefined } }, /one of the 3 classes.*got "3"/],
    [
      { labels: labels('a'), head: { classes: 3, classNames: undefined } },
      /^expected 3 names, one a class of the head, for the distinct labels, got 1 \(a\): give --classes, the names of the head's classes in its order$/,
    ],
    [
      { labels: labels('1', '0', '?'), head: { classes: 3, classNames: undefined } },
      /^expected an integer, a row of the head from 0 to 2, for the label at labels\.csv, line 4, got "\?"; for labels that are names, give --classes, /,
    ],
    [
      { labels: labels('1.0', '0.0', '2.0'), head: { classes: 3, classNames: undefined } },
      /^expected an integer.* labels\.csv, line 2, got "1\.0"/,
    ],
    [
      { labels: labels('1.0', '0.0'), head: { classes: 3, classNames: undefined } },
      /^expected an integer.* labels\.csv, line 2, got "1\.0"/,
    ],
    [
      { labels: labels('a'), head: { classes: 3, classNames: undefined }, given: ['a', 'b'] },
      /for --classes, got 2/,
    ],
  ])('%#: one sentence for labels that fit no class', (sources, message) => {
    expect(() => resolveClasses(sources)).toThrow(message);
  });
});

describe('class names in the output', () => {
  let scratch: Scratch;
  beforeAll(async () => {
    scratch = await scratchWithData();
  });
  afterAll(() => scratch[Symbol.dispose]());

  const names = async (...args: string[]) => {
    const out = ['--budget', '30', '--out', 'picks.csv'];
    const result = await alfamix(['select', '--pool', 'pool.npy', ...args, ...out], { cwd: scratch.path });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    return [...new Set(scratch.table('picks.csv').map(({ pseudo_label }) => pseudo_label))].sort();
  };

  it('come from the labels, the head or --classes', async () => {
    const words = ['cat', 'dog', 'eel'];
    expect(await names('--labels', 'named.csv')).toEqual(words);
    expect(await names('--labels', 'named.csv', '--head', 'named-head.safetensors')).toEqual(words);
    expect(await names('--labels', 'labels.csv', '--head', 'named-head.safetensors')).toEqual(words);
    expect(
      await names('--labels', 'labels.csv', '--head', 'head.safetensors', '--classes', 'cat,dog,eel'),
    ).toEqual(words);
    expect(await names('--labels', 'labels.csv', '--head', 'head.safetensors')).toEqual(['0', '1', '2']);
    const apart = ['--labeled', 'labeled.npy', '--labels', 'labeled.safetensors#labels'];
    expect(await names(...apart, '--classes', 'cat,dog,eel')).toEqual(words);
  });

  it('in another order than the head has them: a doubt, in the summary and in JSON', async () => {
    // Row i of the head is the class of rows i % 3; sorted, the names come in another order.
    writeFileSync(scratch.file('zed.csv'), labelsCsv(24, ['zed', 'xox', 'yak']));
    const args = ['--pool', 'pool.npy', '--labels', 'zed.csv', '--head', 'head.safetensors'];
    const run = async (...more: string[]) =>
      (await alfamix([...more, ...args, '--out', 'doubt.csv'], { cwd: scratch.path })).stdout;
    const order = /the head names no classes: .*sorted order \(xox, yak, zed\).* --classes/;
    const doubt =
      /the head agrees with \d of 24 labelled rows, the most frequent class alone with 8: .*xox, yak, zed\?/;
    const select = ['select', '--budget', '5'];
    for (const command of [select, ['score']]) {
      const text = await run(...command);
      expect(text).toMatch(order);
      expect(text).toMatch(doubt);
      const { notes } = JSON.parse(await run(...command, '--json'));
      expect(notes).toEqual([expect.stringMatching(order), expect.stringMatching(doubt)]);
      expect(await run(...command, '--classes', 'zed,xox,yak')).not.toMatch(/note/);
    }
  });

  it('are quoted where they must be', async () => {
    writeFileSync(scratch.file('odd.csv'), scratch.read('named.csv').replaceAll('cat', '"cat, tabby ""T"""'));
    const args = [
      'select',
      '--pool',
      'pool.npy',
      '--labels',
      'odd.csv',
      '--budget',
      '30',
      '--out',
      'odd-picks.csv',
    ];
    expect((await alfamix(args, { cwd: scratch.path })).code).toBe(0);
    expect(scratch.read('odd-picks.csv')).toContain(',"cat, tabby ""T""",');
  });

  it('finds a prefixed head, and takes one row of weights as a sigmoid', async () => {
    await writeSafetensors(scratch.file('net.safetensors'), {
      'fc.weight': f32([CLASSES, DIM], HEAD_WEIGHT),
      'fc.bias': f32([CLASSES], new Float32Array(CLASSES)),
      'conv.weight': { dtype: 'F32', shape: [1, 1, 2], data: new Float32Array(2) },
    });
    expect(await names('--labels', 'labels.csv', '--head', 'net.safetensors#fc')).toEqual(['0', '1', '2']);
    await writeSafetensors(scratch.file('binary.safetensors'), {
      weight: f32([1, DIM], HEAD_WEIGHT.slice(0, DIM)),
      labels: i64([0]),
    });
    writeFileSync(scratch.file('two.csv'), 'row,label\n0,1\n1,0\n3,1\n4,0\n');
    expect(await names('--labels', 'two.csv', '--head', 'binary.safetensors')).toEqual(['0', '1']);
  });
});
