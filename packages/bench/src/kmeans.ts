import { getKernels, type KMeansResult } from '@alfamix/core';
import { kmeans as mlKmeans } from 'ml-kmeans';
import { gaussian } from './data.js';
import { interleave, time } from './harness.js';
import type { Row } from './report.js';

const dim = 512;

/**
 * One Lloyd iteration from the same centers: every maker and ml-kmeans. The whole run to convergence is timed and divided
 * for the addon; the slow ones make a few iterations. Labels are compared after the same number of updates first.
 */
export async function benchKMeans(
  rows: number,
  clusters: number,
  levels: readonly string[],
  repeats: number,
): Promise<Row[]> {
  const data = gaussian(rows * dim, 3);
  const initialCenters = data.slice(0, clusters * dim);
  const few = 2;
  const args = { data, rows, dim, clusters, initialCenters };
  const nested = Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * dim, (i + 1) * dim)));
  const centers = nested.slice(0, clusters);
  const js = await getKernels('js');
  const expected = await js.kmeans({ ...args, maxIterations: few });
  assertSame(
    expected,
    mlKmeans(nested, clusters, { initialization: centers, maxIterations: few + 1 }).clusters,
  );

  const perPass: { name: string; repeats: number; run: () => Promise<number> }[] = [
    {
      name: 'ml-kmeans',
      repeats: 1,
      run: async () =>
        (await time(async () =>
          mlKmeans(nested, clusters, { initialization: centers, maxIterations: few }),
        )) / few,
    },
    {
      name: 'js',
      repeats: 1,
      run: async () => (await time(() => js.kmeans({ ...args, maxIterations: few }))) / (few + 1),
    },
  ];
  for (const level of levels) {
    const kernels = await getKernels('cpu', { level });
    assertSame(expected, (await kernels.kmeans({ ...args, maxIterations: few })).labels);
    const slow = level === 'scalar';
    perPass.push({
      name: `cpu ${level}`,
      repeats: slow ? 1 : repeats,
      run: async () => {
        const start = performance.now();
        const { iterations } = await kernels.kmeans(slow ? { ...args, maxIterations: few } : args);
        return (performance.now() - start) / (iterations + 1);
      },
    });
  }
  const timings = await interleave(perPass);
  return timings.map((t) => ({
    bench: `k-means pass, ${rows} × ${dim}, K = ${clusters}`,
    contender: t.name,
    value: t.median,
    unit: 'ms',
    low: t.low,
    high: t.high,
    repeats: t.repeats,
    ratio: timings[0].median / t.median,
    reference: 'ml-kmeans',
  }));
}

function assertSame(expected: KMeansResult, labels: ArrayLike<number>): void {
  const differ = expected.labels.findIndex((label, i) => label !== labels[i]);
  if (differ >= 0)
    throw new Error(
      `k-means: row ${differ} is in cluster ${labels[differ]}, expected ${expected.labels[differ]}`,
    );
}
