import { getKernels, type Kernels } from '@alfamix/core';
import { describe, expect, test } from 'vitest';
import { goldenFile } from '../../core/test/support/golden-tensors.js';
import { mlKmeans } from '../src/makers/ml-kmeans.js';

const [rows, dim, clusters] = [1450, 64, 24];
const file = goldenFile('kmeans-digits');
const data = file.f32('data');

async function threeMakers(): Promise<[string, Kernels['kmeans']][]> {
  const [js, best] = [await getKernels('js'), await getKernels()];
  return [
    ['js', (args) => js.kmeans(args)],
    [best.level, (args) => best.kmeans(args)],
    ['ml-kmeans', mlKmeans],
  ];
}

describe('three makers of k-means behind one interface', () => {
  test('the same from the same centers: kmeans-digits', async () => {
    const initialCenters = new Float32Array(clusters * dim);
    Array.from(file.ints('initial_rows')).forEach((row, k) => {
      initialCenters.set(data.subarray(row * dim, (row + 1) * dim), k * dim);
    });
    const [inertia] = file.f64('expect_inertia');
    for (const [name, kmeans] of await threeMakers()) {
      const found = await kmeans({ data, rows, dim, clusters, initialCenters });
      expect(Array.from(found.labels), name).toEqual(Array.from(file.ints('expect_labels')));
      expect(Math.abs(found.inertia - inertia) / inertia, name).toBeLessThan(1e-6);
      expect([found.iterations, found.converged], name).toEqual([16, true]);
      const early = await kmeans({ data, rows, dim, clusters, initialCenters, maxIterations: 3 });
      expect([early.iterations, early.converged], name).toEqual([3, false]);
      expect(early.inertia, name).toBeGreaterThan(found.inertia);
    }
  });

  test('ml-kmeans seeds by itself, equally for equal seeds; it reports, and stops when asked', async () => {
    const few = { data: data.subarray(0, 200 * dim), rows: 200, dim, clusters: 8, seed: 3, nInit: 2 };
    const seen: number[] = [];
    const first = await mlKmeans({ ...few, onProgress: (done, total) => seen.push(done / total) });
    expect(await mlKmeans(few)).toEqual(first);
    expect(seen.at(-1)).toBe(1);
    const controller = new AbortController();
    const running = mlKmeans({ ...few, signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(mlKmeans({ ...few, clusters: 201 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
