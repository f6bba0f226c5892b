/** The parts of ALFA-Mix's step as kernels of their own: gradient, closed-form α, interpolation. Row-major float32. */
import type { JobOptions } from './kernels.js';

export interface InterpolateArgs extends JobOptions {
  /** Z, N×D embeddings. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** K×D anchors. */
  anchors: Float32Array;
  /** For each row the anchor it is mixed with, 0 … K − 1; −1 leaves the row as it is. */
  anchorIndex: Int32Array;
  /** N×D, one α an element. */
  alpha: Float32Array;
  /** C×D head weight, C head bias, and C; without them there are no logits. */
  weight?: Float32Array;
  bias?: Float32Array;
  classes?: number;
}

export interface InterpolateResult {
  /** N×D: z + α ⊙ (A − z), computed in double and rounded once; the same bytes on every backend. */
  mixed: Float32Array;
  /** N×C logits of the mixed embeddings; empty without a head. */
  logits: Float32Array;
}

export interface PseudoLabelGradientArgs extends JobOptions {
  /** Z, N×D embeddings. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** C×D head weight. */
  weight: Float32Array;
  /** C head bias. */
  bias: Float32Array;
  classes: number;
  /**
   * Divide each gradient by its norm (a zero gradient stays zero): the direction is exact however confident the head,
   * where the gradient itself is too small for a float32. Default false.
   */
  unit?: boolean;
}

export interface PseudoLabelGradientResult {
  /** N×D: ∇_z of the cross-entropy with the pseudo-label as target, Wᵀ(p − e_ŷ). */
  gradient: Float32Array;
  /** argmax of the logits, the lowest index on a tie. */
  pseudoLabel: Int32Array;
}

export interface ClosedFormAlphaArgs extends JobOptions {
  /** Z, N×D embeddings. */
  data: Float32Array;
  rows: number;
  dim: number;
  /** K×D anchors. */
  anchors: Float32Array;
  /** One anchor a row, 0 … K − 1; −1 gives a row of zeros. */
  anchorIndex: Int32Array;
  /** N×D gradients, of any length: only their direction counts. A zero gradient gives a row of zeros. */
  gradient: Float32Array;
  /** The alpha cap of all rows, or one a row; finite, at least 0. */
  alphaCap: number | Float32Array;
}
