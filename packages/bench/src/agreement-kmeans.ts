/** Whether a clustering is one, and whether ours are the same. */
import { all, type Compare, sameFloats, sameInts, sameNumbers } from './agreement.js';
import type { Outputs, Problem } from './problem.js';

/** Multiply-adds to spend on looking for rows' nearest centers, some tenths of a second: more rows are sampled. */
const MOST_WORK = 5e8;
/** Of a row's squared norm and distance: what float32 products of them may be off by, as other libraries rank centers. */
const ROUNDING = 1e-5;

/** From the same seeds everything is the same, whoever computes it; sums within the rounding of their order. */
export const sameClustering: Compare = all(
  sameInts('labels'),
  sameFloats('centers', 1e-5),
  (expected, found) => {
    const [wanted, got] = [expected.numbers.inertia as number, found.numbers.inertia as number];
    return Math.abs(got - wanted) <= 1e-5 * wanted ? undefined : `expected ${wanted} as inertia, got ${got}`;
  },
  sameNumbers('iterations', 'converged'),
);

/**
 * Whether a clustering is what it says: each row is with its nearest center, hardly a cluster is empty, and the inertia is
 * that of its own labels and centers, counted again in double. Which optimum an outside peer finds is no matter of right
 * and wrong, so the inertias are shown side by side; our own kernels, of the same seed, must find the same.
 *
 * @param read the problem's rows
 */
export function honestClustering(read: () => Float32Array): Compare {
  return (expected, found, problem) => {
    const data = read();
    const wrong =
      outOfRange(found, problem) ??
      wrongInertia(data, found, problem) ??
      farRow(data, found, problem) ??
      emptyClusters(found, problem);
    if (wrong) return wrong;
    return expected.outside || found.outside ? undefined : sameClustering(expected, found, problem);
  };
}

function outOfRange({ arrays: { labels, centers } }: Outputs, { args }: Problem): string | undefined {
  const clusters = args.clusters as number;
  if (labels?.length !== args.rows) return `expected ${args.rows} labels, got ${labels?.length ?? 'none'}`;
  const size = clusters * args.dim;
  if (centers?.length !== size) return `expected ${size} values of centers, got ${centers?.length ?? 'none'}`;
  const row = labels.findIndex((label) => !(label >= 0 && label < clusters));
  return row < 0 ? undefined : `expected 0 to ${clusters - 1} as label ${row}, got ${labels[row]}`;
}

function wrongInertia(
  data: Float32Array,
  { arrays, numbers }: Outputs,
  { args: { dim } }: Problem,
): string | undefined {
  let sum = 0;
  arrays.labels.forEach((label, row) => {
    sum += distance2(data, row, arrays.centers, label, dim);
  });
  const claimed = numbers.inertia as number;
  return Math.abs(sum - claimed) <= 1e-4 * sum ? undefined : `claims inertia ${claimed}, has ${sum}`;
}

/** A row, of all or of some spread over them, that has a center nearer than its own. */
function farRow(data: Float32Array, { arrays }: Outputs, { args }: Problem): string | undefined {
  const { labels, centers } = arrays;
  const { rows, dim } = args;
  const clusters = args.clusters as number;
  const step = Math.ceil((rows * clusters * dim) / MOST_WORK);
  for (let row = 0; row < rows; row += step) {
    const own = distance2(data, row, centers, labels[row], dim);
    let norm2 = 0;
    for (let j = row * dim; j < (row + 1) * dim; j++) norm2 += data[j] ** 2;
    const least = own - ROUNDING * (norm2 + own);
    for (let k = 0; k < clusters; k++) {
      const other = distance2(data, row, centers, k, dim);
      if (other < least)
        return `row ${row} is ${own} from its center ${labels[row]}, and ${other} from center ${k} (squared)`;
    }
  }
  return undefined;
}

/** Centers that no row is near would make any labels honest; a few happen to other libraries. */
function emptyClusters({ arrays }: Outputs, { args }: Problem): string | undefined {
  const clusters = args.clusters as number;
  const used = new Set(arrays.labels).size;
  return used >= 0.9 * clusters ? undefined : `only ${used} of ${clusters} clusters have rows`;
}

function distance2(
  data: ArrayLike<number>,
  row: number,
  centers: ArrayLike<number>,
  center: number,
  dim: number,
) {
  const [a, b] = [row * dim, center * dim];
  let sum = 0;
  for (let j = 0; j < dim; j++) {
    const difference = data[a + j] - centers[b + j];
    sum += difference * difference;
  }
  return sum;
}
