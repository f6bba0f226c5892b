import { beforeAll, describe, expect, test } from 'vitest';
import type { FlipSearchResult, Kernels } from '../src/kernels/kernels.js';
import { computeAnchors } from '../src/labels/anchors.js';
import { LabeledSet } from '../src/labels/labeled-set.js';
import { everyKernels, goldenIndex } from './support/golden-cases.js';
import { goldenFile } from './support/golden-tensors.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

/** The band of docs/flip-search.md. */
const band = (cap: number) => 1e-5 + 1e-4 * cap;
const caps = [0.2, 0.4, 0.6, 0.8, 1.0];
/** Where the float32 reference itself differs from exact arithmetic, per cap (docs/flip-search.md, known defects). */
const referenceErrors: Record<string, number[]> = { 'digits-raw-linear': [0, 0, 1, 2, 5] };

async function search(name: string, kernels: Kernels, threads = 2): Promise<FlipSearchResult> {
  const entry = goldenIndex.find((candidate) => candidate.name === name)!;
  const file = goldenFile(name);
  const labeled = LabeledSet.from({
    embeddings: file.f32('labeled'),
    labels: Array.from(file.ints('labels')),
  });
  const anchors = computeAnchors(labeled, entry.classes);
  return kernels.flipSearch({
    data: file.f32('unlabeled'),
    rows: entry.n,
    dim: entry.d,
    weight: file.f32('weight'),
    bias: file.f32('bias'),
    classes: entry.classes,
    anchors,
    threads,
  });
}

const flipFiles = goldenIndex.filter(({ labeled }) => labeled > 0).map(({ name }) => name);

describe('flipSearch on the golden files', () => {
  test.each(flipFiles)('%s', async (name) => {
    const file = goldenFile(name);
    const labels = Array.from(file.ints('expect_pseudo_label'));
    const flipCap = file.f64('expect_flip_cap');
    const anchor = Array.from(file.ints('expect_flip_anchor'));
    const scores = {
      confidence: file.f64('expect_confidence'),
      margin: file.f64('expect_margin'),
      entropy: file.f64('expect_entropy'),
    };
    for (const kernels of makers) {
      const found = await search(name, kernels);
      expect(Array.from(found.pseudoLabel), kernels.level).toEqual(labels);
      for (let i = 0; i < labels.length; i++) {
        const at = `${kernels.level}, row ${i}`;
        if (flipCap[i] === Number.POSITIVE_INFINITY) {
          expect([found.flipCap[i], found.flipAnchor[i], found.flipTo[i]], at).toEqual([flipCap[i], -1, -1]);
        } else {
          expect(Math.abs(found.flipCap[i] - flipCap[i]), at).toBeLessThanOrEqual(band(flipCap[i]));
          expect(found.flipAnchor[i], at).toBe(anchor[i]);
          expect(found.flipTo[i], at).not.toBe(labels[i]);
          expect(found.flipTo[i], at).toBeGreaterThanOrEqual(0);
        }
        for (const key of ['confidence', 'margin', 'entropy'] as const) {
          expect(Math.abs(found[key][i] - scores[key][i]), `${key}, ${at}`).toBeLessThanOrEqual(2e-5);
        }
      }
    }
  });

  test.each(goldenIndex.filter((entry) => entry.reference_candidates_per_cap).map((entry) => entry.name))(
    'candidates of %s are the reference implementation’s',
    async (name) => {
      const file = goldenFile(name);
      const exact = file.f64('expect_flip_cap');
      const reference = Array.from(file.ints('expect_reference_candidates'));
      for (const kernels of makers) {
        const { flipCap } = await search(name, kernels);
        caps.forEach((cap, c) => {
          let differ = 0;
          for (let i = 0; i < exact.length; i++) {
            const isCandidate = flipCap[i] < cap;
            if (isCandidate !== exact[i] < cap)
              expect(Math.abs(exact[i] - cap), `row ${i}`).toBeLessThanOrEqual(band(cap));
            if (isCandidate !== (reference[c * exact.length + i] === 1)) differ++;
          }
          expect(differ, `${kernels.level}, cap ${cap}`).toBe(referenceErrors[name]?.[c] ?? 0);
        });
      }
    },
  );

  test('threads don’t change a byte', async () => {
    for (const kernels of makers) {
      const one = await search('digits-relu', kernels, 1);
      for (const threads of [2, 5]) expect(await search('digits-relu', kernels, threads)).toEqual(one);
    }
  });
});

describe('k-means on kmeans-digits', () => {
  test('labels, centers, inertia, iterations and nearest members', async () => {
    const file = goldenFile('kmeans-digits');
    const entry = goldenIndex.find(({ name }) => name === 'kmeans-digits')!;
    const data = file.f32('data');
    const { n: rows, d: dim } = entry;
    const clusters = 24;
    const initialCenters = new Float32Array(clusters * dim);
    Array.from(file.ints('initial_rows')).forEach((row, k) => {
      initialCenters.set(data.subarray(row * dim, (row + 1) * dim), k * dim);
    });
    const centers = file.f64('expect_centers');
    const [inertia] = file.f64('expect_inertia');
    for (const kernels of makers) {
      const found = await kernels.kmeans({ data, rows, dim, clusters, initialCenters });
      expect(Array.from(found.labels), kernels.level).toEqual(Array.from(file.ints('expect_labels')));
      expect(found.centers.every((x, i) => Math.abs(x - centers[i]) < 1e-6)).toBe(true);
      expect(Math.abs(found.inertia - inertia) / inertia).toBeLessThan(1e-6);
      expect([found.iterations, found.converged]).toEqual([16, true]);
      const members = await kernels.nearestMembers({
        data,
        rows,
        dim,
        centers: found.centers,
        clusters,
        labels: found.labels,
      });
      expect(Array.from(members)).toEqual(Array.from(file.ints('expect_nearest_member')));
    }
  });

  test('every backend draws the same seeds and ends in the same bytes', async () => {
    const file = goldenFile('kmeans-digits');
    const data = file.f32('data');
    const args = { data, rows: 1450, dim: 64, clusters: 40, seed: 7, nInit: 2 };
    const [first, ...others] = await Promise.all(makers.map((kernels) => kernels.kmeans(args)));
    expect(first.converged).toBe(true);
    for (const other of others) expect(other).toEqual(first);
    for (const threads of [1, 2, 5]) expect(await makers.at(-1)!.kmeans({ ...args, threads })).toEqual(first);
  });
});

describe('normalizeRows', () => {
  test('the same bytes everywhere, zero rows stay zero', async () => {
    const file = goldenFile('digits-raw-linear');
    const data = file.f32('unlabeled');
    data.fill(0, 0, 64);
    const args = { data, rows: 1400, dim: 64 };
    const [first, ...others] = await Promise.all(makers.map((kernels) => kernels.normalizeRows(args)));
    expect(first.subarray(0, 64).every((x) => x === 0)).toBe(true);
    for (let i = 1; i < 1400; i++) {
      const norm = Math.hypot(...first.subarray(i * 64, (i + 1) * 64));
      expect(Math.abs(norm - 1)).toBeLessThan(1e-6);
    }
    for (const other of others) expect(other).toEqual(first);
  });
});
