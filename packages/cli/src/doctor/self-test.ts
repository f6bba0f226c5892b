import { readFileSync } from 'node:fs';
import { computeAnchors, type Kernels, LabeledSet } from '@alfamix/core';

/** A golden case (data/golden.json): inputs and what exact arithmetic gives. */
interface GoldenCase {
  name: string;
  rows: number;
  dim: number;
  classes: number;
  unlabeled: number[];
  labeled: number[];
  labels: number[];
  weight: number[];
  bias: number[];
  expectPseudoLabel: number[];
  /** Null for infinity. */
  expectFlipCap: (number | null)[];
  expectFlipAnchor: number[];
}

const GOLDEN = new URL('../../data/golden.json', import.meta.url);

/**
 * Runs kernels on golden numbers, within the band of docs/flip-search.md.
 * @returns what is wrong, a sentence; undefined when nothing is
 */
export async function selfTest(kernels: Kernels): Promise<string | undefined> {
  const cases: GoldenCase[] = JSON.parse(readFileSync(GOLDEN, 'utf8'));
  for (const golden of cases) {
    const wrong = await flipSearchWrong(kernels, golden);
    if (wrong !== undefined) return `flipSearch on ${golden.name}: ${wrong}`;
  }
  return (await kmeansWrong(kernels)) ?? (await normalizeWrong(kernels));
}

async function flipSearchWrong(kernels: Kernels, golden: GoldenCase): Promise<string | undefined> {
  const { rows, dim, classes, labels } = golden;
  const labeled = LabeledSet.from({ embeddings: Float32Array.from(golden.labeled), labels });
  const found = await kernels.flipSearch({
    data: Float32Array.from(golden.unlabeled),
    rows,
    dim,
    weight: Float32Array.from(golden.weight),
    bias: Float32Array.from(golden.bias),
    classes,
    anchors: computeAnchors(labeled, classes),
  });
  for (let row = 0; row < rows; row++) {
    const cap = golden.expectFlipCap[row] ?? Number.POSITIVE_INFINITY;
    const close = found.flipCap[row] === cap || Math.abs(found.flipCap[row] - cap) <= 1e-5 + 1e-4 * cap;
    if (!close) return `expected flip cap ${cap} in row ${row}, got ${found.flipCap[row]}`;
    for (const [name, got, expected] of [
      ['pseudo-label', found.pseudoLabel, golden.expectPseudoLabel],
      ['flip anchor', found.flipAnchor, golden.expectFlipAnchor],
    ] as const) {
      if (got[row] !== expected[row])
        return `expected ${name} ${expected[row]} in row ${row}, got ${got[row]}`;
    }
  }
  return undefined;
}

/** Four corners in two clusters, by hand: centers (0, 1) and (10, 1), inertia 4. */
async function kmeansWrong(kernels: Kernels): Promise<string | undefined> {
  const data = Float32Array.of(0, 0, 0, 2, 10, 0, 10, 2);
  const initialCenters = Float32Array.of(0, 0, 10, 0);
  const { labels, centers, inertia } = await kernels.kmeans({
    data,
    rows: 4,
    dim: 2,
    clusters: 2,
    initialCenters,
  });
  const got = `${labels.join()} ${centers.join()} ${inertia}`;
  return got === '0,0,1,1 0,1,10,1 4' ? undefined : `kmeans: expected 0,0,1,1 0,1,10,1 4, got ${got}`;
}

async function normalizeWrong(kernels: Kernels): Promise<string | undefined> {
  const unit = await kernels.normalizeRows({ data: Float32Array.of(3, 4, 0, 0), rows: 2, dim: 2 });
  const expected = Float32Array.of(0.6, 0.8, 0, 0).join();
  return unit.join() === expected ? undefined : `normalizeRows: expected ${expected}, got ${unit.join()}`;
}
