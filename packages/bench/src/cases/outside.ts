/** The cases of `npm run bench:peers`: our default level beside what people use elsewhere, at the results page's sizes. */
import { honestClustering } from '../agreement-kmeans.js';
import type { SharedFolder, Values } from '../problem.js';
import { type Case, type Peer, thousands } from './case.js';
import { kCenterGreedy, kmeansPlusPlus, kmeansPlusPlusFactorised } from './sampling.js';
import { flipSearch, scoreUncertainty } from './scan.js';

/** Unit rows to cluster, from outside this package. */
export interface GivenRows {
  name: string;
  rows: number;
  dim: number;
  read(): Values;
}

const LOOPS: Peer = { name: 'PyTorch loops', few: 10_000 };
const PRODUCT: Peer = { name: 'OpenBLAS product', bare: true };

const beside = (one: Case, peers: readonly Peer[]): Case => ({ ...one, kinds: ['cpu'], peers });

/** @param given `syn`, and MNIST's pixels where there are some */
export function outsideCases(given: readonly GivenRows[]): Case[] {
  const base = { rows: 50_000, dim: 512, classes: 10 };
  const many = { rows: 20_000, dim: 768, classes: 100 };
  return [
    beside(flipSearch('gaussian', base, 0), [
      LOOPS,
      { name: 'PyTorch vectorised' },
      { name: 'NumPy vectorised' },
      PRODUCT,
    ]),
    beside(flipSearch('bfloat16', { ...base, type: 'bfloat16' }, 0), [LOOPS, PRODUCT]),
    beside(flipSearch('relu', { ...base, kind: 'ReLU' }, 0), [LOOPS, PRODUCT]),
    beside(flipSearch('classes', many, 0), [
      { ...LOOPS, few: 2000 },
      { name: 'PyTorch vectorised' },
      PRODUCT,
    ]),
    beside(scoreUncertainty(base, 0), [{ name: 'PyTorch scores' }]),
    ...given.flatMap((data) => kmeansOn(data)),
    beside(kmeansPlusPlus(base, 1000), [
      { name: 'NumPy D2 sampling' },
      { name: 'scikit-learn seeds', slow: true },
    ]),
    beside(kCenterGreedy(base, 300), [{ name: 'NumPy farthest-first' }]),
    beside(kmeansPlusPlusFactorised({ rows: 20_000, dim: 768 }, 100, 1000), [{ name: 'NumPy BADGE' }]),
  ];
}

function kmeansOn({ name, rows, dim, read }: GivenRows): Case[] {
  const large = rows > 20_000;
  const peers: Peer[] = [
    { name: 'scikit-learn Lloyd', slow: large },
    { name: 'scikit-learn Elkan', slow: large },
    { name: 'faiss Kmeans' },
    { name: 'faiss SuperKMeans' },
  ];
  const share = (folder: SharedFolder) => folder.share(`given-${name}`, read, dim);
  const clusters = 1000;
  return (['lloyd', 'hartigan'] as const).map(
    (algorithm): Case => ({
      id: `kmeans/${name}-${algorithm}`,
      title: `kmeans (${algorithm}), own seeds to the end, ${name} ${thousands(rows)} × ${dim}, K = 1,000`,
      problem: (folder) => ({
        kernel: 'kmeans',
        args: { rows, dim, clusters, seed: 1, algorithm },
        arrays: { data: share(folder) },
      }),
      compare: (folder) => honestClustering(() => folder.read(`given-${name}`) as Float32Array),
      metric: 'time',
      kinds: ['cpu'],
      // Once is enough for those that take long.
      peers: algorithm === 'lloyd' ? peers : peers.filter(({ name }) => name.startsWith('faiss')),
    }),
  );
}
