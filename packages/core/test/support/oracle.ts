/**
 * The paper's step taken literally, in double, anchor by anchor and element by element: no code shared with src. Slow.
 * Parvaneh et al., CVPR 2022, eq. 5 and 6, with the gradient's direction written without cancellation.
 */
export interface Problem {
  data: Float32Array;
  rows: number;
  dim: number;
  weight: Float32Array;
  bias: Float32Array;
  classes: number;
  anchors: Float32Array;
}

export interface OracleRow {
  logits: number[];
  pseudoLabel: number;
  /** Of each anchor. */
  flipCaps: number[];
  flipCap: number;
}

export function oracleRow(p: Problem, row: number): OracleRow {
  const z = Array.from(p.data.subarray(row * p.dim, (row + 1) * p.dim));
  const weight = (c: number, j: number) => p.weight[c * p.dim + j];
  const logits = Array.from({ length: p.classes }, (_, c) =>
    z.reduce((sum, x, j) => sum + x * weight(c, j), p.bias[c]),
  );
  const y = logits.indexOf(Math.max(...logits));
  const others = logits.map((l, c) => (c === y ? Number.NEGATIVE_INFINITY : l));
  const e = others.map((l) => Math.exp(l - Math.max(...others)));
  const total = e.reduce((a, b) => a + b);
  const g = z.map((_, j) => e.reduce((sum, x, c) => sum + (x / total) * (weight(c, j) - weight(y, j)), 0));
  const norm = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0));
  const flipCaps = Array.from({ length: p.anchors.length / p.dim }, (_, k) => {
    const delta = z.map((x, j) => p.anchors[k * p.dim + j] - x);
    const distance = Math.sqrt(delta.reduce((sum, x) => sum + x * x, 0));
    if (distance === 0 || norm === 0) return Number.POSITIVE_INFINITY;
    let first = Number.POSITIVE_INFINITY;
    for (let c = 0; c < p.classes; c++) {
      // how fast class c gains on y along the ray
      const gain =
        g.reduce((sum, x, j) => sum + (delta[j] === 0 ? 0 : (weight(c, j) - weight(y, j)) * x), 0) / norm;
      if (c !== y && gain > 0) first = Math.min(first, (logits[y] - logits[c]) / gain);
    }
    return (Math.sqrt(p.dim) * first) / distance;
  });
  return { logits, pseudoLabel: y, flipCaps, flipCap: Math.min(Number.POSITIVE_INFINITY, ...flipCaps) };
}

/** The class predicted after mixing row with anchor k at this cap: z + α ⊙ δ, α as the paper has it. */
export function predictMixed(p: Problem, row: number, k: number, cap: number): number {
  const { logits, pseudoLabel } = oracleRow(p, row);
  const e = logits.map((l, c) => (c === pseudoLabel ? 0 : Math.exp(l - logits[pseudoLabel])));
  const total = e.reduce((a, b) => a + b);
  const z = p.data.subarray(row * p.dim, (row + 1) * p.dim);
  const g = Array.from(z, (_, j) =>
    e.reduce(
      (sum, x, c) => sum + (x / total) * (p.weight[c * p.dim + j] - p.weight[pseudoLabel * p.dim + j]),
      0,
    ),
  );
  const delta = Array.from(z, (x, j) => p.anchors[k * p.dim + j] - x);
  const size = (v: number[]) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  const epsilon = cap / Math.sqrt(p.dim);
  const alpha = delta.map((d, j) => (d === 0 ? 0 : (epsilon * size(delta) * g[j]) / (size(g) * d)));
  const mixed = Array.from(z, (x, j) => x + alpha[j] * delta[j]);
  const after = logits.map((_, c) =>
    mixed.reduce((sum, x, j) => sum + x * p.weight[c * p.dim + j], p.bias[c]),
  );
  return after.indexOf(Math.max(...after));
}
