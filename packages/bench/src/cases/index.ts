import type { Case } from './case.js';
import { fitSoftmax } from './fitting.js';
import * as sampling from './sampling.js';
import * as scan from './scan.js';

/** Every kernel, at sizes that take some minutes together. */
export function fullCases(): Case[] {
  const base = { rows: 50_000, dim: 512, classes: 10 };
  const points = { rows: 20_000, dim: 512 };
  const many = { rows: 20_000, dim: 768, classes: 100 };
  return [
    scan.score(base),
    scan.flipSearch('gaussian', base, 1000),
    scan.flipSearch('relu', { ...base, kind: 'ReLU' }, 1000),
    scan.flipSearch('classes', many, 200),
    scan.flipSearch('float16', { ...base, type: 'float16' }, 1000),
    scan.flipSearch('bfloat16', { ...base, type: 'bfloat16' }, 1000),
    scan.scoreUncertainty(base, 1000),
    scan.logits('10', base, 5000),
    scan.logits('1000', { ...points, classes: 1000 }, 500),
    scan.pseudoLabelGradient({ ...points, classes: 10 }, 1000),
    scan.closedFormAlpha({ ...points, classes: 10 }, 1000),
    scan.interpolate({ ...points, classes: 10 }, 1000),
    sampling.kmeansPass(points, 200, 5),
    sampling.kmeansRun(points, 200),
    sampling.kmeansRun(points, 200, 'hartigan'),
    sampling.kCenterGreedy(points, 100),
    sampling.kmeansPlusPlus(points, 200),
    sampling.kmeansPlusPlusFactorised({ rows: 20_000, dim: 768 }, 100, 100),
    sampling.nearestMembers(points, 200),
    sampling.normalizeRows(points),
    fitSoftmax(1000, 128, 20),
  ];
}

/** The same kernels on little data: everything together under a minute, also on a slow machine. */
export function quickCases(): Case[] {
  const base = { rows: 2000, dim: 128, classes: 10 };
  const points = { rows: 1500, dim: 64 };
  return [
    scan.score(base),
    scan.flipSearch('gaussian', base, 500),
    scan.flipSearch('relu', { ...base, kind: 'ReLU' }, 500),
    scan.flipSearch('classes', { rows: 500, dim: 96, classes: 100 }, 200),
    scan.flipSearch('float16', { ...base, type: 'float16' }, 500),
    scan.flipSearch('bfloat16', { ...base, type: 'bfloat16' }, 500),
    scan.scoreUncertainty(base, 500),
    scan.logits('10', base, 500),
    scan.logits('1000', { ...points, classes: 1000 }, 200),
    scan.pseudoLabelGradient(base, 500),
    scan.closedFormAlpha(base, 500),
    scan.interpolate(base, 500),
    sampling.kmeansPass(points, 30, 3),
    sampling.kmeansRun(points, 30),
    sampling.kmeansRun(points, 30, 'hartigan'),
    sampling.kCenterGreedy(points, 30),
    sampling.kmeansPlusPlus(points, 30),
    sampling.kmeansPlusPlusFactorised(points, 10, 30),
    sampling.nearestMembers(points, 30),
    sampling.normalizeRows(points),
    fitSoftmax(200, 32, 5),
  ];
}
