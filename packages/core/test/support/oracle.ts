/** The paper's mathematics, slowly and in double: what the kernels are held against. Uses nothing of src. */

export interface OracleInput {
  dim: number;
  classes: number;
  weight: Float32Array;
  bias: Float32Array;
  anchors: Float32Array;
}

export interface OracleRow {
  label: number;
  /** Difference of the two largest logits, relative to the largest magnitude. */
  gap: number;
  confidence: number;
  margin: number;
  entropy: number;
  /** ‖g‖, relative to the largest difference of a head row from the label's. */
  gradient: number;
  flipCap: number;
  /** The flip cap of each anchor alone. */
  caps: number[];
}

function logitsOf({ dim, classes, weight, bias }: OracleInput, z: ArrayLike<number>): number[] {
  return Array.from({ length: classes }, (_, c) => {
    let sum = bias[c];
    for (let j = 0; j < dim; j++) sum += weight[c * dim + j] * z[j];
    return sum;
  });
}

const argmax = (values: number[]) => values.indexOf(Math.max(...values));

/**
 * g = Wᵀ(r − e_y), written as Σ r_c (w_c − w_y) since r sums to one: equal head rows then give exactly nothing.
 */
function gradient({ dim, classes, weight }: OracleInput, logits: number[], y: number): Float64Array {
  const most = Math.max(...logits.filter((_, c) => c !== y));
  const odds = logits.map((l, c) => (c === y ? 0 : Math.exp(l - most)));
  const sum = odds.reduce((a, b) => a + b);
  const g = new Float64Array(dim);
  for (let j = 0; j < dim; j++) {
    for (let c = 0; c < classes; c++) g[j] += (odds[c] / sum) * (weight[c * dim + j] - weight[y * dim + j]);
  }
  return g;
}

const norm = (values: ArrayLike<number>) => {
  let sum = 0;
  for (let j = 0; j < values.length; j++) sum += values[j] ** 2;
  return Math.sqrt(sum);
};

function delta({ dim, anchors }: OracleInput, z: ArrayLike<number>, k: number): number[] {
  return Array.from({ length: dim }, (_, j) => anchors[k * dim + j] - z[j]);
}

/** Everything about one row: walks the ray of every anchor to its first flip. */
export function oracleRow(input: OracleInput, z: ArrayLike<number>): OracleRow {
  const { dim, classes, weight, anchors } = input;
  const logits = logitsOf(input, z);
  const label = argmax(logits);
  const [first, second] = [...logits].sort((a, b) => b - a);
  const scale = Math.max(1e-300, ...logits.map(Math.abs));
  const total = logits.reduce((sum, l) => sum + Math.exp(l - first), 0);
  const probabilities = logits.map((l) => Math.exp(l - first) / total);
  const entropy = -probabilities.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
  const g = gradient(input, logits, label);
  const length = norm(g);
  const spread = Array.from({ length: classes }, (_, c) =>
    norm(Array.from(g, (_, j) => weight[c * dim + j] - weight[label * dim + j])),
  );
  const caps = Array.from({ length: anchors.length / dim }, (_, k) => {
    const d = delta(input, z, k);
    const distance = norm(d);
    let least = Number.POSITIVE_INFINITY;
    if (length === 0 || distance === 0) return least;
    for (let c = 0; c < classes; c++) {
      let gain = 0;
      for (let j = 0; j < dim; j++) {
        if (d[j] !== 0) gain += ((weight[c * dim + j] - weight[label * dim + j]) * g[j]) / length;
      }
      if (gain > 0) least = Math.min(least, (logits[label] - logits[c]) / gain);
    }
    return (Math.sqrt(dim) * least) / distance;
  });
  return {
    label,
    gap: (first - second) / scale,
    confidence: probabilities[label],
    margin: (1 - Math.exp(second - first)) / total,
    entropy,
    gradient: length / Math.max(1e-300, ...spread),
    flipCap: Math.min(Number.POSITIVE_INFINITY, ...caps),
    caps,
  };
}

/** Mixes z with anchor k at a cap, element by element as the paper does: α = ε ‖δ‖ g / (‖g‖ δ), 0 where δ_j = 0. */
export function mix(input: OracleInput, z: ArrayLike<number>, k: number, cap: number): number[] {
  const logits = logitsOf(input, z);
  const g = gradient(input, logits, argmax(logits));
  const d = delta(input, z, k);
  const step = (cap / Math.sqrt(input.dim)) * norm(d);
  return d.map((dj, j) => {
    const alpha = dj === 0 ? 0 : (step * g[j]) / (norm(g) * dj);
    return z[j] + alpha * dj;
  });
}

export const predict = (input: OracleInput, z: ArrayLike<number>): number => argmax(logitsOf(input, z));

/** Probabilities of the classes. */
export function softmax(input: OracleInput, z: ArrayLike<number>): number[] {
  const logits = logitsOf(input, z);
  const odds = logits.map((l) => Math.exp(l - Math.max(...logits)));
  const sum = odds.reduce((a, b) => a + b);
  return odds.map((o) => o / sum);
}

const largestOf = new WeakMap<Float32Array, Float64Array>();

/** The largest |w| of each column; found once a head, of which a row asks for every anchor. */
function largestWeights({ dim, weight }: OracleInput): Float64Array {
  let largest = largestOf.get(weight);
  if (!largest) {
    largest = new Float64Array(dim);
    weight.forEach((w, i) => {
      largest![i % dim] = Math.max(largest![i % dim], Math.abs(w));
    });
    largestOf.set(weight, largest);
  }
  return largest;
}

/**
 * Says by how much the best other class's logit is above the label's after mixing, relative to the largest logit met on
 * the way.
 */
export function mixLead(input: OracleInput, z: ArrayLike<number>, k: number, cap: number): number {
  const y = predict(input, z);
  const mixed = mix(input, z, k, cap);
  const after = logitsOf(input, mixed);
  const largest = largestWeights(input);
  let scale = 1e-300;
  for (let j = 0; j < input.dim; j++)
    scale = Math.max(scale, largest[j] * Math.abs(mixed[j]), largest[j] * Math.abs(z[j]));
  return (Math.max(...after.filter((_, c) => c !== y)) - after[y]) / scale;
}

export function distance2(
  a: ArrayLike<number>,
  i: number,
  b: ArrayLike<number>,
  k: number,
  dim: number,
): number {
  let sum = 0;
  for (let j = 0; j < dim; j++) sum += (a[i * dim + j] - b[k * dim + j]) ** 2;
  return sum;
}
