import { readFileSync } from 'node:fs';
import { computeAnchors, LabeledSet } from '@alfamix/core';
import { FLIP_BANDS, type NumbersCheck, shareOfNorm } from './check-numbers.js';

/** data/golden.json: inputs, and what exact arithmetic gives. */
export interface Golden {
  flipSearch: readonly GoldenFlips[];
  mixing: GoldenMixing;
}

interface Shape {
  rows: number;
  dim: number;
  classes: number;
  weight: number[];
  bias: number[];
}

export interface GoldenFlips extends Shape {
  name: string;
  unlabeled: number[];
  labeled: number[];
  labels: number[];
  expectPseudoLabel: number[];
  expectConfidence: number[];
  expectMargin: number[];
  expectEntropy: number[];
  /** Null for infinity. */
  expectFlipCap: (number | null)[];
  expectFlipAnchor: number[];
}

export interface GoldenMixing extends Shape {
  data: number[];
  anchors: number[];
  anchorIndex: number[];
  alphaCap: number;
  expectGradient: number[];
  expectAlpha: number[];
  expectMixed: number[];
  expectMixedLogits: number[];
}

const GOLDEN = new URL('../../data/golden.json', import.meta.url);

/** Every kernel on golden numbers, or on a few that can be worked out by hand. */
export function goldenChecks(): NumbersCheck[] {
  const { flipSearch, mixing }: Golden = JSON.parse(readFileSync(GOLDEN, 'utf8'));
  return [...flipSearch.flatMap(flipChecks), ...mixingChecks(mixing), ...handChecks()];
}

const headOf = ({ weight, bias, classes }: Shape) => ({
  weight: Float32Array.from(weight),
  bias: Float32Array.from(bias),
  classes,
});

function flipChecks(golden: GoldenFlips): NumbersCheck[] {
  const { rows, dim, classes } = golden;
  const labeled = LabeledSet.from({
    embeddings: Float32Array.from(golden.labeled),
    labels: golden.labels,
  });
  const args = { data: Float32Array.from(golden.unlabeled), rows, dim, ...headOf(golden) };
  const anchors = computeAnchors(labeled, classes);
  const scores = {
    pseudoLabel: golden.expectPseudoLabel,
    confidence: golden.expectConfidence,
    margin: golden.expectMargin,
    entropy: golden.expectEntropy,
  };
  const flips = {
    flipCap: golden.expectFlipCap.map((cap) => cap ?? Number.POSITIVE_INFINITY),
    flipAnchor: golden.expectFlipAnchor,
  };
  return [
    {
      name: `flipSearch on ${golden.name}`,
      run: async (kernels) => ({ ...(await kernels.flipSearch({ ...args, anchors })) }),
      expected: { ...scores, ...flips },
      allowed: FLIP_BANDS,
    },
    {
      name: `scoreUncertainty on ${golden.name}`,
      run: async (kernels) => ({ ...(await kernels.scoreUncertainty(args)) }),
      expected: scores,
      allowed: FLIP_BANDS,
    },
  ];
}

function mixingChecks(golden: GoldenMixing): NumbersCheck[] {
  const { rows, dim, alphaCap } = golden;
  const [data, anchors, mixed, gradient] = [
    golden.data,
    golden.anchors,
    golden.expectMixed,
    golden.expectGradient,
  ].map((values) => Float32Array.from(values));
  const head = headOf(golden);
  const mix = { data, rows, dim, anchors, anchorIndex: Int32Array.from(golden.anchorIndex) };
  const alpha = Float32Array.from(golden.expectAlpha);
  return [
    {
      name: 'pseudoLabelGradient on mixing-digits',
      run: async (kernels) => ({ ...(await kernels.pseudoLabelGradient({ data, rows, dim, ...head })) }),
      expected: { gradient: golden.expectGradient },
      allowed: { gradient: shareOfNorm(golden.expectGradient, dim, 1e-5) },
    },
    {
      name: 'closedFormAlpha on mixing-digits',
      run: async (kernels) => ({ alpha: await kernels.closedFormAlpha({ ...mix, gradient, alphaCap }) }),
      expected: { alpha: golden.expectAlpha },
      // α is as uncertain as 1/δ: what it moves the row by is what counts.
      allowed: {
        alpha: (_, i) => {
          const delta = anchors[mix.anchorIndex[Math.floor(i / dim)] * dim + (i % dim)] - data[i];
          return delta === 0 ? 0 : 1e-6 / Math.abs(delta);
        },
      },
    },
    {
      name: 'interpolate on mixing-digits',
      run: async (kernels) => ({ ...(await kernels.interpolate({ ...mix, alpha, ...head })) }),
      expected: { mixed: golden.expectMixed, logits: golden.expectMixedLogits },
      allowed: { mixed: () => 1e-6, logits: () => 1e-5 },
    },
    {
      name: 'logits on mixing-digits',
      run: async (kernels) => ({ logits: await kernels.logits({ data: mixed, rows, dim, ...head }) }),
      expected: { logits: golden.expectMixedLogits },
      allowed: { logits: () => 1e-5 },
    },
  ];
}

/** Four corners in two clusters, points on a line, and 3-4-5. */
function handChecks(): NumbersCheck[] {
  const corners = { data: Float32Array.of(0, 0, 0, 2, 10, 0, 10, 2), rows: 4, dim: 2, clusters: 2 };
  const line = { data: Float32Array.of(0, 1, 5, 10), rows: 4, dim: 1 };
  const centers = Float32Array.of(0, 1, 10, 1);
  const labels = Int32Array.of(0, 0, 1, 1);
  return [
    {
      name: 'kmeans on four corners',
      run: async (kernels) => {
        const found = await kernels.kmeans({ ...corners, initialCenters: Float32Array.of(0, 0, 10, 0) });
        return { labels: found.labels, centers: found.centers, inertia: [found.inertia] };
      },
      expected: { labels, centers, inertia: [4] },
    },
    {
      name: 'nearestMembers on four corners',
      run: async (kernels) => ({ members: await kernels.nearestMembers({ ...corners, centers, labels }) }),
      expected: { members: [0, 2] },
    },
    {
      name: 'kCenterGreedy on a line',
      run: async (kernels) => ({
        ...(await kernels.kCenterGreedy({ ...line, centers: Float32Array.of(0), budget: 3 })),
      }),
      expected: { rows: [3, 2, 1], distance2: [100, 25, 1] },
    },
    {
      name: 'kmeansPlusPlus on two points',
      run: async (kernels) => {
        const data = Float32Array.of(0, 0, 3, 4);
        return {
          ...(await kernels.kmeansPlusPlus({ data, rows: 2, dim: 2, clusters: 2, first: 'largest-norm' })),
        };
      },
      expected: { rows: [1, 0], distance2: [Number.POSITIVE_INFINITY, 25] },
    },
    {
      name: 'normalizeRows on 3, 4',
      run: async (kernels) => ({
        unit: await kernels.normalizeRows({ data: Float32Array.of(3, 4, 0, 0), rows: 2, dim: 2 }),
      }),
      expected: { unit: Float32Array.of(0.6, 0.8, 0, 0) },
    },
  ];
}
