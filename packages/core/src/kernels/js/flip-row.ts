import { dot, squaredDistance } from './reduce.js';

/** What predictRow leaves behind for one row. */
export interface Prediction {
  pseudoLabel: number;
  confidence: number;
  margin: number;
  entropy: number;
  /** 1 − confidence, without the cancellation. */
  doubt: number;
}

/** What flipRow leaves behind for one row. */
export interface FlipRow extends Prediction {
  flipCap: number;
  flipAnchor: number;
  flipTo: number;
}

/** When less than this share of ‖g‖² is left after masking, u is summed again over the dimensions that are left. */
const SMALL_REMAINDER = 1e-6;

/** Head and anchors, prepared once for all rows. */
export class FlipTables {
  readonly classes: number;
  readonly dim: number;
  readonly anchorCount: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly anchors: Float32Array;
  /**
   * C×D weight without what all classes share. q sums to zero and only differences of u matter, so g and the flips stay
   * the same, and identical head rows give exactly no gradient.
   */
  readonly centered: Float64Array;
  /** ‖A_k − z‖², filled for each row. */
  readonly distance: Float64Array;
  readonly logits: Float64Array;
  readonly q: Float64Array;
  readonly g: Float64Array;
  /** W g and W (g ⊙ m_k), of the centered weight. */
  readonly u: Float64Array;
  readonly masked: Float64Array;

  constructor(weight: Float32Array, bias: Float32Array, anchors: Float32Array, classes: number, dim: number) {
    this.classes = classes;
    this.dim = dim;
    this.anchorCount = anchors.length / dim;
    this.weight = weight;
    this.bias = bias;
    this.anchors = anchors;
    this.centered = centerWeight(weight, classes, dim);
    this.distance = new Float64Array(this.anchorCount);
    this.logits = new Float64Array(classes);
    this.q = new Float64Array(classes);
    this.g = new Float64Array(dim);
    this.u = new Float64Array(classes);
    this.masked = new Float64Array(classes);
  }
}

/** Weight minus its first row, minus the mean of that: exact zeros where all rows are equal. */
function centerWeight(weight: Float32Array, classes: number, dim: number): Float64Array {
  const centered = new Float64Array(classes * dim);
  for (let j = 0; j < dim; j++) {
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const v = weight[c * dim + j] - weight[j];
      centered[c * dim + j] = v;
      sum += v;
    }
    const mean = sum / classes;
    for (let c = 0; c < classes; c++) centered[c * dim + j] -= mean;
  }
  return centered;
}

/**
 * ALFA-Mix's flip search for one row z = data[offset … offset + D), in double, as flip-search in docs/ derives it: the
 * specification of every other flip search here. Returns false when the row holds NaN or infinity.
 *
 * Parvaneh et al., CVPR 2022, eq. 5 and 6. Cost: D·(3C + K), and D·C more for each anchor that shares values with z.
 */
export function flipRow(t: FlipTables, data: Float32Array, offset: number, out: FlipRow): boolean {
  if (!predictRow(t, data, offset, out)) return false;
  out.flipCap = Number.POSITIVE_INFINITY;
  out.flipAnchor = -1;
  out.flipTo = -1;
  if (t.anchorCount > 0) searchAnchors(t, data, offset, out.pseudoLabel, out);
  return true;
}

/**
 * The prediction of one row; leaves its logits and q = r − e_ŷ in the tables. Returns false when the row holds NaN or
 * infinity.
 */
export function predictRow(t: FlipTables, data: Float32Array, offset: number, out: Prediction): boolean {
  const { classes, dim, logits, q } = t;
  for (let c = 0; c < classes; c++) {
    logits[c] = dot(data, offset, t.weight, c * dim, dim) + t.bias[c];
    if (!Number.isFinite(logits[c])) return false;
  }
  let y = 0;
  for (let c = 1; c < classes; c++) if (logits[c] > logits[y]) y = c;
  let second = y === 0 ? 1 : 0;
  for (let c = 0; c < classes; c++) if (c !== y && logits[c] > logits[second]) second = c;

  // q = r − e_y with r the softmax over the other classes: the gradient's direction, without the cancellation of p_y − 1
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    q[c] = c === y ? 0 : Math.exp(logits[c] - logits[second]);
    sum += q[c];
  }
  let spread = 0;
  for (let c = 0; c < classes; c++) {
    q[c] /= sum;
    if (c !== y) spread += q[c] * (logits[second] - logits[c]);
  }
  q[y] = -1;

  const gap = logits[y] - logits[second];
  const second_odds = Math.exp(-gap);
  const odds = sum * second_odds;
  out.pseudoLabel = y;
  out.confidence = 1 / (1 + odds);
  out.margin = -Math.expm1(-gap) / (1 + odds);
  out.doubt = odds / (1 + odds);
  out.entropy = Math.log1p(odds) + out.doubt * (gap + spread);
  return true;
}

/** After predictRow: Wᵀq into the tables' g, the direction of the pseudo-label's gradient. Returns its squared norm. */
export function gradientRow(t: FlipTables, y: number): number {
  const { classes, dim, q, g, centered } = t;
  // Class by class against y's own row: where a likely class shares it, Σ q_c w_c would lose the unlikely ones to rounding.
  g.fill(0);
  for (let c = 0; c < classes; c++) {
    const weight = q[c];
    if (c === y || weight === 0) continue;
    for (let j = 0, p = c * dim, own = y * dim; j < dim; j++)
      g[j] += weight * (centered[p + j] - centered[own + j]);
  }
  return dot(g, 0, g, 0, dim);
}

function searchAnchors(t: FlipTables, data: Float32Array, offset: number, y: number, out: FlipRow): void {
  const { classes, dim, g, u, centered, anchors } = t;
  const norm2 = gradientRow(t, y);
  if (norm2 === 0) return;
  const norm = Math.sqrt(norm2);
  for (let c = 0; c < classes; c++) u[c] = dot(centered, c * dim, g, 0, dim);
  const free = firstFlip(t.logits, u, y, classes);

  for (let k = 0; k < t.anchorCount; k++) {
    const distance2 = squaredDistance(anchors, k * dim, data, offset, dim);
    if (distance2 === 0) continue;
    const flip = maskedBy(t, data, offset, k, norm2) ? firstFlip(t.logits, t.masked, y, classes) : free;
    const cap = Math.fround((Math.sqrt(dim) * flip.at * norm) / Math.sqrt(distance2));
    if (cap < out.flipCap) {
      out.flipCap = cap;
      out.flipAnchor = k;
      out.flipTo = flip.to;
    }
  }
}

/** The smallest step along the ray at which another class overtakes y, and that class: flip-search's t* (times 1/‖g‖). */
function firstFlip(logits: Float64Array, u: Float64Array, y: number, classes: number) {
  let at = Number.POSITIVE_INFINITY;
  let to = -1;
  for (let c = 0; c < classes; c++) {
    const gain = u[c] - u[y];
    if (!(gain > 0)) continue;
    const step = (logits[y] - logits[c]) / gain;
    if (step < at) {
      at = step;
      to = c;
    }
  }
  return { at, to };
}

/** Fills t.masked with W (g ⊙ m_k) when z shares a value with anchor k (0 and −0 are the same); else returns false. */
function maskedBy(t: FlipTables, data: Float32Array, offset: number, k: number, norm2: number): boolean {
  const { classes, dim, g, u, masked, centered, anchors } = t;
  let shared = 0;
  let sharedNorm2 = 0;
  for (let j = 0, p = k * dim; j < dim; j++) {
    if (data[offset + j] !== anchors[p + j]) continue;
    if (shared++ === 0) masked.set(u);
    sharedNorm2 += g[j] * g[j];
    for (let c = 0; c < classes; c++) masked[c] -= centered[c * dim + j] * g[j];
  }
  if (shared === 0) return false;
  if (norm2 - sharedNorm2 > SMALL_REMAINDER * norm2) return true;
  masked.fill(0);
  for (let j = 0, p = k * dim; j < dim; j++) {
    if (data[offset + j] === anchors[p + j]) continue;
    for (let c = 0; c < classes; c++) masked[c] += centered[c * dim + j] * g[j];
  }
  return true;
}
