/** Kernels that cluster rows, or choose some of them. */
import { sameFloats, sameInts, samePicks } from '../agreement.js';
import { honestClustering, sameClustering } from '../agreement-kmeans.js';
import { gaussian, unitRows } from '../data.js';
import { productWork } from '../limits.js';
import type { SharedFolder } from '../problem.js';
import { type Case, thousands } from './case.js';

export interface Points {
  rows: number;
  dim: number;
}

const gaussianRows = (folder: SharedFolder, { rows, dim }: Points) =>
  folder.share(`pool-gaussian-float32-${rows}x${dim}`, () => gaussian(rows * dim, 1), dim);

const size = ({ rows, dim }: Points) => `${thousands(rows)} × ${dim}`;

/** The first updates of Lloyd from the same centers: whoever makes them, the clusters are the same. */
export function kmeansPass(points: Points, clusters: number, updates: number): Case {
  const { rows, dim } = points;
  return {
    id: 'kmeans/pass',
    title: `kmeans, a pass from the same centers, ${size(points)}, K = ${clusters}`,
    problem: (folder) => {
      const data = gaussianRows(folder, points);
      const initialCenters = folder.share(`centers-${rows}x${dim}-${clusters}`, () =>
        (folder.read(`pool-gaussian-float32-${rows}x${dim}`) as Float32Array).slice(0, clusters * dim),
      );
      const args = { rows, dim, clusters, maxIterations: updates };
      return { kernel: 'kmeans', args, arrays: { data, initialCenters } };
    },
    compare: () => sameClustering,
    metric: 'pass',
    work: () => productWork(rows, dim, clusters),
    kinds: ['ml-kmeans', 'js', 'cpu'],
  };
}

export function kmeansRun(points: Points, clusters: number, algorithm: 'lloyd' | 'hartigan' = 'lloyd'): Case {
  const { rows, dim } = points;
  const lloyd = algorithm === 'lloyd';
  return {
    id: lloyd ? 'kmeans/run' : `kmeans/${algorithm}`,
    title: `kmeans (${algorithm}), own seeds to convergence, ${size(points)}, K = ${clusters}`,
    problem: (folder) => ({
      kernel: 'kmeans',
      args: { rows, dim, clusters, seed: 1, algorithm },
      arrays: { data: gaussianRows(folder, points) },
    }),
    compare: (folder) =>
      honestClustering(() => folder.read(`pool-gaussian-float32-${rows}x${dim}`) as Float32Array),
    metric: 'time',
    kinds: lloyd ? ['ml-kmeans', 'js', 'cpu'] : ['js', 'cpu'],
    slow: ['ml-kmeans', 'js'],
  };
}

export function kCenterGreedy(points: Points, budget: number): Case {
  const { rows, dim } = points;
  return {
    id: 'kCenterGreedy',
    title: `kCenterGreedy, ${size(points)}, B = ${budget}`,
    problem: (folder) => ({
      kernel: 'kCenterGreedy',
      args: { rows, dim, budget },
      arrays: { data: gaussianRows(folder, points) },
    }),
    compare: () => samePicks,
    metric: 'time',
    kinds: ['js', 'cpu'],
  };
}

export function kmeansPlusPlus(points: Points, clusters: number): Case {
  const { rows, dim } = points;
  return {
    id: 'kmeansPlusPlus/plain',
    title: `kmeansPlusPlus, ${size(points)}, K = ${thousands(clusters)}`,
    problem: (folder) => ({
      kernel: 'kmeansPlusPlus',
      args: { rows, dim, clusters, seed: 1 },
      arrays: { data: gaussianRows(folder, points) },
    }),
    compare: () => samePicks,
    metric: 'time',
    kinds: ['js', 'cpu'],
  };
}

/** BADGE: probabilities less the pseudo-label's unit vector are the factors. */
export function kmeansPlusPlusFactorised(points: Points, factorDim: number, clusters: number): Case {
  const { rows, dim } = points;
  const factors = () => {
    const values = gaussian(rows * factorDim, 7);
    for (let start = 0; start < values.length; start += factorDim) {
      const row = values.subarray(start, start + factorDim);
      const top = row.indexOf(Math.max(...row));
      row.forEach((x, j) => {
        row[j] = Math.exp(2 * x);
      });
      const sum = row.reduce((total, x) => total + x, 0);
      for (let j = 0; j < factorDim; j++) row[j] = row[j] / sum - (j === top ? 1 : 0);
    }
    return values;
  };
  return {
    id: 'kmeansPlusPlus/factorised',
    title: `kmeansPlusPlus, factorised (BADGE), ${size(points)}, C = ${factorDim}, B = ${thousands(clusters)}`,
    problem: (folder) => ({
      kernel: 'kmeansPlusPlus',
      args: { rows, dim, clusters, factorDim, first: 'largest-norm', seed: 1 },
      arrays: {
        data: gaussianRows(folder, points),
        factors: folder.share(`factors-${rows}x${factorDim}`, factors, factorDim),
      },
    }),
    compare: () => samePicks,
    metric: 'time',
    kinds: ['js', 'cpu'],
    memory: true,
  };
}

/** Of clusters drawn by row number: enough to read every row and its center. */
export function nearestMembers(points: Points, clusters: number): Case {
  const { rows, dim } = points;
  return {
    id: 'nearestMembers',
    title: `nearestMembers, ${size(points)}, K = ${clusters}`,
    problem: (folder) => {
      const data = folder.share(`unit-${rows}x${dim}`, () => unitRows(gaussian(rows * dim, 1), dim), dim);
      const centers = folder.share(`unit-centers-${clusters}x${dim}`, () =>
        unitRows(gaussian(clusters * dim, 9), dim),
      );
      const labels = folder.share(`cluster-labels-${rows}-${clusters}`, () =>
        Int32Array.from({ length: rows }, (_, i) => (i * 7) % clusters),
      );
      return { kernel: 'nearestMembers', args: { rows, dim, clusters }, arrays: { data, centers, labels } };
    },
    compare: () => sameInts('values'),
    metric: 'rate',
    work: (count) => ({ bytes: count * dim * 4, flops: 3 * count * dim }),
    kinds: ['js', 'cpu'],
  };
}

export function normalizeRows(points: Points): Case {
  const { rows, dim } = points;
  return {
    id: 'normalizeRows',
    title: `normalizeRows, ${size(points)}`,
    problem: (folder) => ({
      kernel: 'normalizeRows',
      args: { rows, dim },
      arrays: { data: gaussianRows(folder, points) },
    }),
    compare: () => sameFloats('values', 1e-6),
    metric: 'rate',
    work: (count) => ({ bytes: 2 * count * dim * 4, flops: 3 * count * dim }),
    kinds: ['js', 'cpu'],
  };
}
