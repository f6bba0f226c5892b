import { getKernels, type KMeansResult } from '@alfamix/core';
import { gaussian } from './data.js';
import { interleave, time } from './harness.js';
import { mlKmeans } from './ml-kmeans.js';
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
  const js = await getKernels('js');
  const expected = await js.kmeans({ ...args, maxIterations: few });
  assertSame(expected, (await mlKmeans({ ...args, maxIterations: few })).labels);

  const perPass: { name: string; repeats: number; run: () => Promise<number> }[] = [
    {
      name: 'ml-kmeans',
      repeats: 1,
      run: async () => (await time(() => mlKmeans({ ...args, maxIterations: few }))) / (few + 1),
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
