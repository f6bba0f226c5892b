/** Kernels that read a pool once: flip search, uncertainty, logits, and ALFA-Mix's parts. */
import { computeAnchors, LabeledSet } from '@alfamix/core';
import { all, type Compare, sameFlips, sameFloats, sameInts, sameScores } from '../agreement.js';
import { gaussian, relu, toBfloat16, toFloat16 } from '../data.js';
import { productWork, type Work } from '../limits.js';
import type { ArrayType, Problem, SharedFolder } from '../problem.js';
import { type Case, thousands } from './case.js';

const LABELLED_A_CLASS = 10;
const ALPHA_CAP = 0.2;
const SCORE_COLUMNS = 4;
const FLIP_COLUMNS = 7;

export interface PoolShape {
  rows: number;
  dim: number;
  classes: number;
  kind?: 'gaussian' | 'ReLU';
  type?: ArrayType;
}

const bytesOf = (type: ArrayType) => (type === 'float32' ? 4 : 2);

/** A pool, a head whose logits differ by a few units, and the anchors of ten labelled rows a class. */
export function poolProblem(folder: SharedFolder, kernel: string, shape: PoolShape): Problem {
  const { rows, dim, classes, kind = 'gaussian', type = 'float32' } = shape;
  const values = (count: number, seed: number) => {
    const raw = gaussian(count * dim, seed);
    return kind === 'ReLU' ? relu(raw, dim) : raw;
  };
  const pool = () => {
    const data = values(rows, 1);
    return type === 'bfloat16' ? toBfloat16(data) : type === 'float16' ? toFloat16(data) : data;
  };
  const labels = () => Int32Array.from({ length: LABELLED_A_CLASS * classes }, (_, i) => i % classes);
  const labelled = () => values(LABELLED_A_CLASS * classes, 2);
  const anchors = () =>
    computeAnchors(LabeledSet.from({ embeddings: labelled(), labels: [...labels()] }), classes);
  const scale = 2.26 / Math.sqrt(dim);
  return {
    kernel,
    args: { rows, dim, classes, alphaCap: ALPHA_CAP },
    arrays: {
      data: folder.share(`pool-${kind}-${type}-${rows}x${dim}`, pool, dim, type),
      weight: folder.share(`weight-${classes}x${dim}`, () =>
        gaussian(classes * dim, 3).map((x) => x * scale),
      ),
      bias: folder.share(`bias-${classes}`, () => new Float32Array(classes)),
      anchors: folder.share(`anchors-${kind}-${classes}x${dim}`, anchors),
      labelled: folder.share(`labelled-${kind}-${classes}x${dim}`, labelled),
      labels: folder.share(`labels-${classes}`, labels),
    },
  };
}

const sizeOf = ({ rows, dim, classes, kind, type }: PoolShape) =>
  `${kind && kind !== 'gaussian' ? `${kind} ` : ''}${type && type !== 'float32' ? `${type} ` : ''}${thousands(rows)} × ${dim}, C = ${classes}`;

export function flipSearch(variant: string, shape: PoolShape, few: number): Case {
  const { dim, classes, type = 'float32' } = shape;
  return {
    id: `flipSearch/${variant}`,
    title: `flipSearch, ${sizeOf(shape)}`,
    problem: (folder) => poolProblem(folder, 'flipSearch', shape),
    compare: () => sameFlips,
    metric: 'rate',
    // Logits and products with the anchors.
    work: (rows) => productWork(rows, dim, 2 * classes, bytesOf(type), FLIP_COLUMNS),
    kinds: type === 'float32' ? ['js', 'cpu', 'tfjs'] : ['js', 'cpu'],
    few,
  };
}

export function scoreUncertainty(shape: PoolShape, few: number): Case {
  return {
    id: 'scoreUncertainty',
    title: `scoreUncertainty, ${sizeOf(shape)}`,
    problem: (folder) => poolProblem(folder, 'scoreUncertainty', shape),
    compare: () => sameScores,
    metric: 'rate',
    work: (rows) => productWork(rows, shape.dim, shape.classes, 4, SCORE_COLUMNS),
    kinds: ['js', 'cpu', 'tfjs'],
    few,
  };
}

/** The library's call around the kernel, and the memory it takes beyond pool and results. */
export function score(shape: PoolShape): Case {
  return {
    id: 'score',
    title: `score(), ${sizeOf(shape)}, in memory`,
    problem: (folder) => poolProblem(folder, 'score', shape),
    compare: () => sameFlips,
    metric: 'rate',
    work: (rows) => productWork(rows, shape.dim, 2 * shape.classes, 4, FLIP_COLUMNS + 2),
    kinds: ['cpu'],
    memory: true,
  };
}

export function logits(variant: string, shape: PoolShape, few: number): Case {
  return {
    id: `logits/${variant}`,
    title: `logits, ${sizeOf(shape)}`,
    problem: (folder) => poolProblem(folder, 'logits', shape),
    compare: () => sameFloats('values', 2e-5),
    metric: 'rate',
    work: (rows) => productWork(rows, shape.dim, shape.classes, 4, shape.classes),
    kinds: ['js', 'cpu', 'tfjs'],
    few,
  };
}

export function pseudoLabelGradient(shape: PoolShape, few: number): Case {
  const { dim, classes } = shape;
  return {
    id: 'pseudoLabelGradient',
    title: `pseudoLabelGradient, ${sizeOf(shape)}`,
    problem: (folder) => poolProblem(folder, 'pseudoLabelGradient', shape),
    compare: () => all(sameInts('pseudoLabel'), sameFloats('gradient', 1e-5)),
    metric: 'rate',
    // The logits, then the gradient from the probabilities.
    work: (rows) => productWork(rows, dim, 2 * classes, 4, dim + 1),
    kinds: ['js', 'cpu'],
    few,
  };
}

/** Bound by memory: nothing is multiplied twice. */
const streams =
  (dim: number, matrices: number) =>
  (rows: number): Work => ({
    bytes: matrices * rows * dim * 4,
    flops: 4 * rows * dim,
  });

export function closedFormAlpha(shape: PoolShape, few: number): Case {
  const exact: Compare = sameInts('values');
  return {
    id: 'closedFormAlpha',
    title: `closedFormAlpha, ${sizeOf(shape)}`,
    problem: (folder) => mixing(folder, 'closedFormAlpha', shape, 'gradient'),
    compare: () => exact,
    metric: 'rate',
    work: streams(shape.dim, 3),
    kinds: ['js', 'cpu'],
    few,
  };
}

export function interpolate(shape: PoolShape, few: number): Case {
  const { dim, classes } = shape;
  return {
    id: 'interpolate',
    title: `interpolate, ${sizeOf(shape)}`,
    problem: (folder) => mixing(folder, 'interpolate', shape, 'alpha'),
    compare: () => all(sameInts('mixed'), sameFloats('logits', 2e-5)),
    metric: 'rate',
    work: (rows) => ({
      bytes: streams(dim, 3)(rows).bytes,
      flops: productWork(rows, dim, classes).flops,
    }),
    kinds: ['js', 'cpu'],
    few,
  };
}

/** One anchor a row, and a number for each element. */
function mixing(folder: SharedFolder, kernel: string, shape: PoolShape, name: string): Problem {
  const { rows, dim, classes } = shape;
  const problem = poolProblem(folder, kernel, shape);
  const values = () => gaussian(rows * dim, 5).map((x) => x * 0.1);
  const index = () => Int32Array.from({ length: rows }, (_, i) => i % classes);
  const { data, weight, bias, anchors } = problem.arrays;
  const head: Problem['arrays'] = kernel === 'interpolate' ? { weight, bias } : {};
  return {
    ...problem,
    arrays: {
      data,
      anchors,
      ...head,
      anchorIndex: folder.share(`anchor-index-${rows}-${classes}`, index, 1),
      [name]: folder.share(`elements-${rows}x${dim}`, values, dim),
    },
  };
}
