// Calls every method of the addon with arguments of which some are hostile. Prints how the calls ended; anything but
// a typed error or a settled promise ends the process.
import { createRequire } from 'node:module';
import fc from 'fast-check';

const [path, runs, seed] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(path);
const CODES = [
  'INVALID_ARGUMENT',
  'SHAPE_MISMATCH',
  'NON_FINITE',
  'IO',
  'OUT_OF_MEMORY',
  'QUEUE_FULL',
  'ABORTED',
];
const MINE = new Error('thrown by a getter');

const floats = (count) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
const common = () => ({ threads: 1, level: 'scalar', data: floats(6), rows: 3, dim: 2 });
const good = {
  flipSearch: () => ({
    ...common(),
    weight: floats(4),
    bias: floats(2),
    classes: 2,
    anchors: floats(4),
    anchorCount: 2,
  }),
  kmeans: () => ({ ...common(), clusters: 2, seed: 0, nInit: 1, maxIterations: 5 }),
  nearestMembers: () => ({
    ...common(),
    centers: floats(4),
    clusters: 2,
    labels: Int32Array.of(0, 1, 0),
    tolerance: 0,
  }),
  normalizeRows: common,
};

function detached() {
  const array = new Float32Array(6);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

const number = fc.oneof(
  fc.double(),
  fc.integer({ min: -3, max: 9 }),
  fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 2 ** 64),
);
const segment = fc.record(
  {
    path: fc.constantFrom('/nowhere', '/', path, '', '\0', 7),
    offset: number,
    rows: number,
    stamp: fc.anything(),
  },
  { requiredKeys: [] },
);
const value = fc.oneof(
  number,
  fc.anything({ withBigInt: true, withTypedArray: true, withSparseArray: true, withNullPrototype: true }),
  fc
    .constantFrom(
      () => detached(),
      () => new Float32Array(new ArrayBuffer(24, { maxByteLength: 48 })),
      () => new Float32Array(new ArrayBuffer(40), 8, 6),
      () => new Float32Array(new SharedArrayBuffer(24)),
      () => new Float32Array(6).fill(Number.NaN),
      () => new Int32Array(3).fill(-7),
      () => new Proxy(new Float32Array(6), {}),
      () => new Proxy({}, { get: () => Promise.reject(MINE) === 0 }),
      () => Symbol.iterator,
    )
    .map((make) => make()),
  fc.array(segment, { maxLength: 3 }),
);
const spoils = fc.array(
  fc.record({ field: fc.nat(), how: fc.constantFrom('set', 'set', 'delete', 'throw', 'detach'), value }),
  { minLength: 1, maxLength: 3 },
);

function spoil(args, { field, how, value }) {
  const names = [...Object.keys(args), 'segments', 'onProgress'];
  const name = names[field % names.length];
  const here = { enumerable: true, configurable: true };
  if (how === 'set') {
    const set = typeof value?.make === 'function' ? value.make() : value;
    Object.defineProperty(args, name, { ...here, writable: true, value: set });
  }
  if (how === 'delete') delete args[name];
  if (how === 'throw' || how === 'detach') {
    const before = Object.getOwnPropertyDescriptor(args, name)?.value;
    Object.defineProperty(args, name, {
      ...here,
      get() {
        if (how === 'throw') throw MINE;
        const { buffer } = Object.getOwnPropertyDescriptor(args, 'data')?.value ?? {};
        if (buffer instanceof ArrayBuffer && buffer.byteLength > 0)
          structuredClone(buffer, { transfer: [buffer] });
        return before;
      },
    });
  }
}

const ended = {};
const count = (how) => {
  ended[how] = (ended[how] ?? 0) + 1;
};
process.on('unhandledRejection', (error) => {
  if (error !== MINE) throw error;
});

await fc.assert(
  fc.asyncProperty(fc.constantFrom(...Object.keys(good)), spoils, async (name, steps) => {
    const args = good[name]();
    for (const step of steps) spoil(args, step);
    try {
      const job = addon[name](args);
      // A sound call may be long: 2^31 seedings of k-means.
      const late = setTimeout(() => job.cancel(), 50);
      await job.promise.finally(() => clearTimeout(late));
      count('resolved');
    } catch (error) {
      if (error === MINE) return count('passed on');
      if (!(error instanceof Error) || !CODES.includes(error.code) || /[\n\r]/.test(error.message)) {
        // Said here and now: fast-check can't print the arrays that were detached on the way.
        console.error(
          name,
          steps.map(({ field, how }) => `${how} ${field}`),
          steps.at(-1).value,
          error,
        );
        process.exit(1);
      }
      count(error.code);
    }
  }),
  { numRuns: Number(runs), seed: Number(seed) },
);
console.log(JSON.stringify(ended));
