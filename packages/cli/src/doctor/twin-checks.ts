import { getKernels, type Kernels, Rng, type RowSource } from '@alfamix/core';
import { type Allowed, FLIP_BANDS, type Numbers, type NumbersCheck, shareOfNorm } from './check-numbers.js';

/** No multiples of any vector's lanes: whole vectors, their rests, and heads of one, two, three and more vectors. */
const SHAPES = [
  { rows: 1, dim: 1, classes: 2 },
  { rows: 37, dim: 19, classes: 2 },
  { rows: 83, dim: 33, classes: 17 },
  { rows: 131, dim: 7, classes: 5 },
  { rows: 67, dim: 129, classes: 35 },
  { rows: 50, dim: 21, classes: 101 },
] as const;

type Shape = (typeof SHAPES)[number];

/** Features as of a ReLU network, and of one whose features lie far from zero. */
const KINDS = { relu: (x: number) => Math.max(0, x), offset: (x: number) => x + 10 };

/** A call without what it must give: that is what the TypeScript twin gives. */
type Call = Omit<NumbersCheck, 'expected' | 'allowed'> & {
  allowed?: Allowed | ((expected: Numbers) => Allowed);
};

/** Every kernel on awkward sizes, against its TypeScript twin, which is held to the golden numbers. */
export async function twinChecks(): Promise<NumbersCheck[]> {
  const twin = await getKernels('js');
  const checks: NumbersCheck[] = [];
  for (const [s, shape] of SHAPES.entries()) {
    for (const [k, kind] of Object.values(KINDS).entries()) {
      const inputs = makeInputs(shape, kind, 2 * s + k);
      for (const call of [...headCalls(shape, inputs), ...(await distanceCalls(shape, inputs, twin))]) {
        const expected = await call.run(twin);
        const { allowed } = call;
        const name = `${call.name} of ${shape.rows} × ${shape.dim}, ${shape.classes} classes`;
        checks.push({
          name,
          run: call.run,
          expected,
          allowed: typeof allowed === 'function' ? allowed(expected) : (allowed ?? {}),
        });
      }
    }
  }
  return checks;
}

type Inputs = ReturnType<typeof makeInputs>;

function makeInputs({ rows, dim, classes }: Shape, kind: (x: number) => number, seed: number) {
  const rng = new Rng(seed);
  const fill = (length: number, make: (x: number) => number = (x) => x) =>
    Float32Array.from({ length }, () => make(2 * rng.uniform() - 1));
  return {
    data: fill(rows * dim, kind),
    anchors: fill(classes * dim, kind),
    weight: fill(classes * dim, (x) => (4 * x) / Math.sqrt(dim)),
    bias: fill(classes),
    /** Every anchor, and −1 for none. */
    anchorIndex: Int32Array.from({ length: rows }, (_, i) => (i % (classes + 1)) - 1),
    gradient: fill(rows * dim),
    alphaCaps: fill(rows, Math.abs),
    factors: fill(rows * 3),
  };
}

function headCalls({ rows, dim, classes }: Shape, inputs: Inputs): Call[] {
  const { data, anchors, weight, bias, anchorIndex, gradient, alphaCaps } = inputs;
  const head = { weight, bias, classes };
  const args = { data, rows, dim, ...head };
  const mix = { data, rows, dim, anchors, anchorIndex };
  // A sum of D products may be off by so much of the largest.
  const sum = () => 1e-6 * dim * 10;
  return [
    {
      name: 'flipSearch',
      run: async (kernels) => ({ ...(await kernels.flipSearch({ ...args, anchors })) }),
      allowed: FLIP_BANDS,
    },
    ...storedRows(data).map(
      ([dtype, source]): Call => ({
        name: `scoreUncertainty (${dtype})`,
        run: async (kernels) => ({ ...(await kernels.scoreUncertainty({ ...args, data: source })) }),
        allowed: FLIP_BANDS,
      }),
    ),
    {
      name: 'logits',
      run: async (kernels) => ({ logits: await kernels.logits(args) }),
      allowed: { logits: sum },
    },
    {
      name: 'pseudoLabelGradient',
      run: async (kernels) => ({ ...(await kernels.pseudoLabelGradient({ ...args, unit: true })) }),
      allowed: (expected) => ({ gradient: shareOfNorm(expected.gradient, dim, 1e-4) }),
    },
    {
      name: 'closedFormAlpha',
      run: async (kernels) => ({
        alpha: await kernels.closedFormAlpha({ ...mix, gradient, alphaCap: alphaCaps }),
      }),
    },
    {
      name: 'interpolate',
      run: async (kernels) => ({ ...(await kernels.interpolate({ ...mix, alpha: gradient, ...head })) }),
      allowed: { logits: sum },
    },
  ];
}

/** The same rows as every type that a pool may hold. */
function storedRows(data: Float32Array): [string, RowSource][] {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  // Sign, exponent and the first bits of the fraction: halves of another size, as good as any.
  const halves = Uint16Array.from(bits, (b) => ((b >>> 16) & 0x8000) | (0x3000 + ((b >>> 11) & 0x0fff)));
  return [
    ['float32', data],
    ['float16', { dtype: 'float16', values: halves }],
    ['bfloat16', { dtype: 'bfloat16', values: Uint16Array.from(bits, (b) => b >>> 16) }],
    ['float64', { dtype: 'float64', values: Float64Array.from(data, (x) => x * 1.0000001) }],
  ];
}

/** What is exact on every backend: no number may differ. */
async function distanceCalls({ rows, dim }: Shape, inputs: Inputs, twin: Kernels): Promise<Call[]> {
  const { data, factors, anchors } = inputs;
  const clusters = Math.ceil(rows / 5);
  const args = { data, rows, dim, clusters, seed: 3 };
  const { labels, centers } = await twin.kmeans(args);
  return [
    {
      name: 'kmeans',
      run: async (kernels) => {
        const found = await kernels.kmeans(args);
        return {
          ...found,
          inertia: [found.inertia],
          iterations: [found.iterations],
          converged: [Number(found.converged)],
        };
      },
    },
    {
      name: 'nearestMembers',
      run: async (kernels) => ({ members: await kernels.nearestMembers({ ...args, labels, centers }) }),
    },
    {
      name: 'kmeansPlusPlus',
      run: async (kernels) => ({
        ...(await kernels.kmeansPlusPlus({ ...args, factors, factorDim: 3, first: 'largest-norm' })),
      }),
    },
    {
      name: 'kCenterGreedy',
      run: async (kernels) => ({
        ...(await kernels.kCenterGreedy({ data, rows, dim, centers: anchors, budget: clusters })),
      }),
    },
    {
      name: 'normalizeRows',
      run: async (kernels) => ({ unit: await kernels.normalizeRows({ data, rows, dim }) }),
    },
    ...(rows < 2 ? [] : [fitCall(data, rows, dim)]),
  ];
}

/** Sums of one order: bytes of a minimiser's walk, not only where it ends. */
function fitCall(data: Float32Array, rows: number, dim: number): Call {
  const classes = 2 + (rows % 7);
  const args = {
    data: Float64Array.from(data),
    rows,
    dim,
    labels: Int32Array.from({ length: rows }, (_, i) => i % classes),
    classes,
    ridges: Float64Array.of(1, 0.1),
    folds: Int32Array.from({ length: rows }, (_, i) => Math.floor(i / classes) % 2),
    foldCount: 2,
  };
  return {
    name: 'fitSoftmax',
    run: async (kernels) => {
      const { solution, ridge, objective, iterations, right, loss } = await kernels.fitSoftmax(args);
      return { solution, right, loss, chosen: [ridge], objective: [objective], iterations: [iterations] };
    },
  };
}
