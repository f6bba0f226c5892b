import type { Context } from '../context.js';
import { AlfamixError } from '../errors.js';
import { computeAnchors } from '../labels/anchors.js';
import type { CapCount } from '../ladder.js';

/** Rows whose prediction changes when they are mixed with some anchor, however their α was found. */
export interface MixCandidates {
  /** Rows of the pool, increasing. */
  rows: number[];
  /** How many there were before maxCandidates. */
  total: number;
  /** The alpha cap in use. */
  used: number;
  candidatesPerCap: CapCount[];
  /** One value a row of the pool, the smaller the easier its prediction changes: its flip cap, or its ‖α‖. */
  ease: Float32Array;
  /** Which candidates maxCandidates keeps, for a note. */
  easiest: string;
  /** ‖α‖ of each candidate's mix. */
  norms(): Promise<Float32Array>;
  /** Of each candidate how far its prediction is after the mix from that before: see symmetricKl. */
  divergences(): Promise<Float32Array>;
}

/** What every mix is made with. */
export interface MixParts {
  /** C×D. */
  weight: Float32Array;
  /** C. */
  bias: Float32Array;
  /** C. */
  classes: number;
  /** C×D. */
  anchors: Float32Array;
}

/** Head and anchors of a strategy that needs labels and a head. */
export function mixParts({ head, labeled }: Context): MixParts {
  if (!head || !labeled) throw new AlfamixError('INTERNAL', 'expected a head and labels for a mix, got none');
  const { weight, bias, classes } = head;
  return { weight, bias, classes, anchors: computeAnchors(labeled, classes) };
}
