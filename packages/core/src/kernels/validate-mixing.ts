import { expected } from '../errors.js';
import type { ClosedFormAlphaArgs, InterpolateArgs, PseudoLabelGradientArgs } from './mixing.js';
import {
  requireFinite,
  requireMatrix,
  requireRows,
  requireShape,
  requireTypedArray,
  validateHead,
  validateJob,
} from './validate.js';

/** Checks the arguments of `interpolate`; the finiteness of `data` is for the kernel. */
export function validateInterpolate(args: InterpolateArgs): void {
  validateJob(args);
  const { rows, dim, weight, bias, classes } = args;
  requireShape(rows, dim);
  requireMatrix(args.data, 'data', rows, dim);
  requireAnchorIndex(args.anchorIndex, rows, requireRows(args.anchors, 'anchors', dim));
  requireMatrix(args.alpha, 'alpha', rows, dim);
  requireFinite(args.alpha, 'alpha', dim);
  if (weight !== undefined || bias !== undefined || classes !== undefined)
    validateHead({ weight, bias, classes }, dim);
}

/** Checks the arguments of `pseudoLabelGradient`; the finiteness of `data` is for the kernel. */
export function validatePseudoLabelGradient(args: PseudoLabelGradientArgs): void {
  validateJob(args);
  const { rows, dim, unit } = args;
  requireShape(rows, dim);
  requireMatrix(args.data, 'data', rows, dim);
  validateHead(args, dim);
  if (unit !== undefined && typeof unit !== 'boolean') throw expected('true or false', 'unit', unit);
}

/** Checks the arguments of `closedFormAlpha`; the finiteness of `data` is for the kernel. */
export function validateClosedFormAlpha(args: ClosedFormAlphaArgs): void {
  validateJob(args);
  const { rows, dim, alphaCap, gradient } = args;
  requireShape(rows, dim);
  requireMatrix(args.data, 'data', rows, dim);
  requireAnchorIndex(args.anchorIndex, rows, requireRows(args.anchors, 'anchors', dim));
  requireMatrix(gradient, 'gradient', rows, dim);
  requireFinite(gradient, 'gradient', dim);
  if (typeof alphaCap === 'number') requireCap(alphaCap, 'alphaCap');
  else {
    requireMatrix(alphaCap, 'alphaCap', rows, 1);
    for (let i = 0; i < rows; i++) requireCap(alphaCap[i], `alphaCap[${i}]`);
  }
}

function requireCap(cap: number, name: string): void {
  if (!(cap >= 0 && cap < Number.POSITIVE_INFINITY))
    throw expected('a finite number of at least 0', name, cap);
}

function requireAnchorIndex(value: unknown, rows: number, anchors: number): void {
  requireTypedArray(value, 'Int32Array', 'anchorIndex');
  if (value.length !== rows)
    throw expected(`${rows} values, one a row,`, 'anchorIndex', value.length, 'SHAPE_MISMATCH');
  for (let i = 0; i < rows; i++) {
    if (value[i] < -1 || value[i] >= anchors)
      throw expected(`an anchor from 0 to ${anchors - 1}, or -1,`, `anchorIndex[${i}]`, value[i]);
  }
}
