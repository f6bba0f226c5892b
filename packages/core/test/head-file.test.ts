import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type SafetensorsTensor, writeSafetensors } from '../src/formats/safetensors-writer.js';
import { LinearHead } from '../src/head/linear-head.js';
import { fails, testFolder } from './support/files.js';
import { goldenFile } from './support/golden-tensors.js';

const folder = testFolder();
const f32 = (shape: number[], ...data: number[]): SafetensorsTensor => ({
  dtype: 'F32',
  shape,
  data: data.length > 0 ? Float32Array.from(data) : new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

async function file(
  name: string,
  tensors: Record<string, SafetensorsTensor>,
  metadata: Record<string, string> = {},
): Promise<string> {
  const path = join(folder.path, `${name}.safetensors`);
  await writeSafetensors(path, tensors, metadata);
  return path;
}

const weight = f32([3, 2], 1, 2, 3, 4, 5, 6);
const bias = f32([3], 7, 8, 9);

describe('LinearHead.open', () => {
  test('plain names, beside other tensors', async () => {
    const path = await file('plain', { weight, bias, 'conv.weight': f32([2, 2]), steps: f32([1]) });
    const head = await LinearHead.open(path);
    expect([head.classes, head.dim, ...head.weight, ...head.bias]).toEqual([3, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(head.classNames).toBeUndefined();
    expect(head.fitted).toBeUndefined();
  });

  test('a prefix when unique, a missing bias', async () => {
    const path = await file('prefix', { 'fc.weight': weight, 'conv1.weight': f32([4, 3, 3, 3]) });
    const head = await LinearHead.open(path);
    expect([...head.weight]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...head.bias]).toEqual([0, 0, 0]);
  });

  test('several prefixes: one is to be named', async () => {
    const path = await file('several', { 'a.weight': weight, 'a.bias': bias, 'b.c.weight': f32([2, 2]) });
    await fails(
      () => LinearHead.open(path),
      'INVALID_ARGUMENT',
      /^expected one head in .*several\.safetensors, got a\.weight \(3, 2\), b\.c\.weight \(2, 2\): name its prefix, as in .*several\.safetensors#a$/,
    );
    expect([...(await LinearHead.open(`${path}#a`)).bias]).toEqual([7, 8, 9]);
    expect((await LinearHead.open(`${path}#b.c`)).classes).toBe(2);
    expect((await LinearHead.open(`${path}#a.weight`)).classes).toBe(3);
    await fails(
      () => LinearHead.open(`${path}#z`),
      'INVALID_ARGUMENT',
      /^expected a tensor "z\.weight" in .*, got a\.weight, b\.c\.weight$/,
    );
  });

  test('a binary head', async () => {
    const path = await file(
      'binary',
      { weight: f32([1, 2], 1, 2), bias: f32([1], 3) },
      { classes: 'no, yes' },
    );
    const head = await LinearHead.open(path);
    expect([head.classes, ...head.weight, ...head.bias]).toEqual([2, 0, 0, 1, 2, 0, 3]);
    expect(head.classNames).toEqual(['no', 'yes']);
  });

  test('F64 is narrowed; too large for float32 is not finite', async () => {
    const wide = (value: number): SafetensorsTensor => ({
      dtype: 'F64',
      shape: [2, 1],
      data: Float64Array.of(0.1, value),
    });
    expect([...(await LinearHead.open(await file('f64', { weight: wide(1 / 3) }))).weight]).toEqual([
      Math.fround(0.1),
      Math.fround(1 / 3),
    ]);
    const big = await file('big', { weight: wide(1e300) });
    await fails(
      () => LinearHead.open(big),
      'NON_FINITE',
      /^expected finite float32 values for .*#weight, got 1e\+300 in row 1$/,
    );
  });

  test.each([
    ['["a","b","c"]', ['a', 'b', 'c']],
    ['[1, 2, 3]', ['1', '2', '3']],
    ['a,b, c', ['a', 'b', 'c']],
  ])('class names %s', async (classes, names) => {
    const head = await LinearHead.open(await file('names', { weight, bias }, { classes }));
    expect(head.classNames).toEqual(names);
  });

  test.each<[string, Record<string, SafetensorsTensor>, Record<string, string>, string, RegExp]>([
    [
      'a short bias',
      { weight, bias: f32([2]) },
      {},
      'SHAPE_MISMATCH',
      /^expected 3 values, one a row of the weight, for .*#bias, got shape \(2,\)$/,
    ],
    ['a bias of rank 2', { weight, bias: f32([3, 1]) }, {}, 'SHAPE_MISMATCH', /#bias, got shape \(3, 1\)$/],
    [
      'a weight of rank 1',
      { weight: f32([3]) },
      {},
      'SHAPE_MISMATCH',
      /^expected a weight of classes x dim for .*#weight, got shape \(3,\)$/,
    ],
    ['a weight without columns', { weight: f32([3, 0]) }, {}, 'SHAPE_MISMATCH', /got shape \(3, 0\)$/],
    [
      'no weight',
      { w: weight },
      {},
      'INVALID_ARGUMENT',
      /^expected a two-dimensional tensor named weight, .*, got w \(3, 2\)$/,
    ],
    ['no tensors', {}, {}, 'INVALID_ARGUMENT', /got no tensors$/],
    [
      'integers',
      { weight: { dtype: 'I32', shape: [2, 1], data: Int32Array.of(1, 2) } },
      {},
      'FORMAT',
      /^expected a float type for .*#weight, got "I32"$/,
    ],
    ['NaN', { weight: f32([2, 2], 1, 2, Number.NaN, 4) }, {}, 'NON_FINITE', /#weight, got NaN in row 1$/],
    [
      'infinity in the bias',
      { weight, bias: f32([3], 1, Number.NEGATIVE_INFINITY, 2) },
      {},
      'NON_FINITE',
      /#bias, got -Infinity in row 1$/,
    ],
    [
      'too few names',
      { weight },
      { classes: 'a,b' },
      'SHAPE_MISMATCH',
      /^expected 3 names for the metadata classes of .*, got 2$/,
    ],
    [
      'a name twice',
      { weight },
      { classes: 'a,b,a' },
      'FORMAT',
      /^expected different names .*, got "a" twice$/,
    ],
    [
      'broken JSON',
      { weight },
      { classes: '["a",' },
      'FORMAT',
      /^expected a JSON array of names .*, got "\[\\"a\\","$/,
    ],
  ])('refuses %s', async (_, tensors, metadata, code, message) => {
    const path = await file('bad', tensors, metadata);
    await fails(() => LinearHead.open(path), code as 'FORMAT', message);
  });

  test('refuses files that are no heads', async () => {
    await fails(
      () => LinearHead.open(join(folder.path, 'none.safetensors')),
      'IO',
      /none\.safetensors: there is no such file/,
    );
    await fails(
      () => LinearHead.open('head.pt'),
      'FORMAT',
      /^expected a \.safetensors file for the head, got "head\.pt"$/,
    );
    await fails(() => LinearHead.open(''), 'INVALID_ARGUMENT', /^expected a path for head, got ""$/);
    const empty = folder.put('empty.safetensors', '');
    await fails(() => LinearHead.open(empty), 'FORMAT', /is empty/);
    const text = folder.put('text.safetensors', 'row,label\n1,2\n3,4\n');
    await fails(() => LinearHead.open(text), 'FORMAT', /not a \.safetensors file/);
  });
});

describe('save', () => {
  test('round-trips weight, bias, names and report', async () => {
    const golden = goldenFile('head-digits');
    const classNames = Array.from({ length: 10 }, (_, i) => `digit, "${i}"`);
    const head = await LinearHead.fit({
      embeddings: golden.f32('embeddings'),
      labels: golden.ints('labels'),
      classNames,
    });
    const path = join(folder.path, 'saved.safetensors');
    await head.save(path);
    const back = await LinearHead.open(path);
    expect(back.weight).toEqual(head.weight);
    expect(back.bias).toEqual(head.bias);
    expect(back.classNames).toEqual(classNames);
    expect(back.fitted).toEqual(head.fitted);
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('a place that cannot be written', async () => {
    const head = LinearHead.from({ weight: new Float32Array(4), classes: 2, dim: 2 });
    await fails(() => head.save(join(folder.path, 'nowhere', 'head.safetensors')), 'IO', /can't write/);
    await fails(() => head.save(''), 'INVALID_ARGUMENT', /^expected a path for path/);
  });

  test('metadata of another program is not taken for a report', async () => {
    const path = await file('foreign', { weight, bias }, { fit: '{"l2":"much"}' });
    expect((await LinearHead.open(path)).fitted).toBeUndefined();
    writeFileSync(path, '');
  });
});
