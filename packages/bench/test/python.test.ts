import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getKernels } from '@alfamix/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Compare } from '../src/agreement.js';
import type { Case } from '../src/cases/case.js';
import { kCenterGreedy, kmeansPlusPlus, kmeansRun } from '../src/cases/sampling.js';
import { flipSearch, scoreUncertainty } from '../src/cases/scan.js';
import { PeerProcess } from '../src/peer-process.js';
import { readOutputs, SharedFolder } from '../src/problem.js';
import { ours } from './support/run-problem.js';

/** ALFAMIX_TEST_PYTHON names one that has the peers' packages; they are no part of what the tests need. */
const PYTHON = process.env.ALFAMIX_TEST_PYTHON ?? 'python3';
/** A package, or something in one. */
const has = (name: string) => spawnSync(PYTHON, ['-c', `import ${name.split('.')[0]}; ${name}`]).status === 0;
const PEER = fileURLToPath(new URL('../peers/peer.py', import.meta.url));

describe.skipIf(!has('numpy'))('peers in Python agree with the kernels', () => {
  let folder: SharedFolder;
  beforeAll(() => {
    folder = new SharedFolder();
  });
  afterAll(() => folder.remove());

  const shape = { rows: 300, dim: 32, classes: 5 };
  const points = { rows: 2000, dim: 32 };
  const cases: [string, string, Case][] = [
    ['NumPy vectorised', 'numpy', flipSearch('test', shape, 0)],
    ['PyTorch vectorised', 'torch', flipSearch('test', shape, 0)],
    ['PyTorch loops', 'torch', flipSearch('test', { ...shape, kind: 'ReLU' }, 0)],
    ['PyTorch scores', 'torch', scoreUncertainty(shape, 0)],
    ['NumPy farthest-first', 'numpy', kCenterGreedy(shape, 20)],
    ['NumPy D2 sampling', 'numpy', kmeansPlusPlus(shape, 20)],
    ['scikit-learn Lloyd', 'sklearn', kmeansRun(points, 12)],
    ['scikit-learn Elkan', 'sklearn', kmeansRun(points, 12)],
    ['faiss Kmeans', 'faiss', kmeansRun(points, 12)],
    ['faiss SuperKMeans', 'faiss.SuperKmeans', kmeansRun(points, 12)],
  ];
  for (const [name, needs, one] of cases)
    test.skipIf(!has(needs))(name, async () => {
      const problem = one.problem(folder);
      const { peer } = await PeerProcess.start(name, PYTHON, [PEER, name], 1);
      try {
        await peer.ask({ do: 'prepare', problem, threads: 1 });
        const { ms } = await peer.ask({ do: 'run', atLeast: 0 });
        expect(ms).toBeGreaterThan(0);
        const shared = await peer.ask({ do: 'outputs', prefix: join(folder.path, 'out') });
        const found = { ...readOutputs(shared), outside: true };
        const compare: Compare = one.compare(folder);
        expect(compare(await ours(problem, await getKernels('js')), found, problem)).toBeUndefined();
      } finally {
        await peer.stop();
      }
    });

  test('what goes wrong in Python is told in its words, and the peer lives on', async () => {
    const { peer } = await PeerProcess.start('numpy', PYTHON, [PEER, 'NumPy farthest-first'], 1);
    const problem = kCenterGreedy(shape, 20).problem(folder);
    const bad = { ...problem, arrays: {} };
    await expect(peer.ask({ do: 'prepare', problem: bad, threads: 1 })).rejects.toThrow(
      "numpy: KeyError: 'data'",
    );
    expect(await peer.ask({ do: 'prepare', problem, threads: 1 })).toEqual({});
    await peer.stop();
  });
});
