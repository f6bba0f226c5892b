import { all, sameInts, sameNumbers } from '../agreement.js';
import { gaussian } from '../data.js';
import { type Case, thousands } from './case.js';

const RIDGES = [10, 1, 0.1];
const FOLDS = 5;

/** A head fitted with its cross-validation, classes a little apart. */
export function fitSoftmax(rows: number, dim: number, classes: number): Case {
  const values = () => {
    const centers = gaussian(classes * dim, 11);
    const noise = gaussian(rows * dim, 12);
    return Float64Array.from(noise, (x, i) => {
      const label = Math.floor(i / dim) % classes;
      return x + 0.2 * centers[label * dim + (i % dim)];
    });
  };
  const perRow = (of: (row: number) => number) => () => Int32Array.from({ length: rows }, (_, i) => of(i));
  return {
    id: 'fitSoftmax',
    title: `fitSoftmax, ${thousands(rows)} × ${dim}, C = ${classes}, ${RIDGES.length} ridges, ${FOLDS} folds`,
    problem: (folder) => ({
      kernel: 'fitSoftmax',
      args: { rows, dim, classes, foldCount: FOLDS },
      arrays: {
        data: folder.share(`fit-${rows}x${dim}-${classes}`, values),
        labels: folder.share(
          `fit-labels-${rows}-${classes}`,
          perRow((i) => i % classes),
        ),
        folds: folder.share(
          `fit-folds-${rows}-${classes}`,
          perRow((i) => Math.floor(i / classes) % FOLDS),
        ),
        ridges: folder.share('fit-ridges', () => Float64Array.from(RIDGES)),
      },
    }),
    // The same bytes on every backend.
    compare: () =>
      all(
        sameInts('solution'),
        sameInts('right'),
        sameInts('loss'),
        sameNumbers('ridge', 'objective', 'iterations'),
      ),
    metric: 'time',
    kinds: ['js', 'cpu'],
  };
}
