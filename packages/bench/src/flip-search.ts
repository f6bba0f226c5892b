import {
  computeAnchors,
  type FlipSearchResult,
  getKernels,
  type Kernels,
  LabeledSet,
  LinearHead,
  Pool,
  score,
} from '@alfamix/core';
import { gaussian, relu } from './data.js';
import { type Contender, extraMemory, interleave, time } from './harness.js';
import type { Row } from './report.js';

const classes = 10;
const dim = 512;
/** Of the 100 labelled rows, ten a class. */
const labelledRows = 100;

/**
 * flipSearch by every maker, on gaussian rows and on ReLU rows that share values with the anchors; the TypeScript twin on
 * fewer rows. Results are compared before any time is believed.
 */
export async function benchFlipSearch(
  rows: number,
  levels: readonly string[],
  repeats: number,
): Promise<Row[]> {
  const result: Row[] = [];
  for (const kind of ['gaussian', 'ReLU']) {
    const raw = gaussian((rows + labelledRows) * dim, 1);
    const all = kind === 'ReLU' ? relu(raw, dim) : raw;
    const problem = makeProblem(all, rows);
    const makers: Kernels[] = [];
    for (const level of levels) makers.push(await getKernels('cpu', { level }));
    const js = await getKernels('js');
    const few = Math.min(rows, 2000);
    const check = await flip(js, problem, few);
    const contenders: Contender[] = [
      { name: `js (${few} rows)`, repeats: 2, run: () => time(() => flip(js, problem, few)) },
    ];
    for (const kernels of makers) {
      assertAgree(check, await flip(kernels, problem, few), `flipSearch, ${kind}, ${kernels.level}`);
      const slow = kernels.level === 'scalar';
      contenders.push({
        name: `cpu ${kernels.level}`,
        repeats: slow ? Math.min(repeats, 3) : repeats,
        run: () => time(() => flip(kernels, problem, rows)),
      });
    }
    const timings = await interleave(contenders);
    const rates = timings.map((t, i) => (i === 0 ? few : rows) / t.median / 1e3);
    timings.forEach((t, i) => {
      const count = i === 0 ? few : rows;
      result.push({
        bench: `flipSearch, ${kind} ${rows} × ${dim}, C = ${classes}`,
        contender: t.name,
        value: rates[i],
        unit: 'Mrow/s',
        low: count / t.high / 1e3,
        high: count / t.low / 1e3,
        repeats: t.repeats,
        ratio: rates[i] / rates[0],
        reference: 'js',
      });
    });
  }
  return result;
}

/** score() as a user calls it, on an array in memory; and the memory it takes beyond pool and outputs. */
export async function benchScore(rows: number, repeats: number): Promise<{ row: Row; extraBytes: number }> {
  const problem = makeProblem(gaussian((rows + labelledRows) * dim, 1), rows);
  const pool = Pool.fromArray(problem.data, { rows, dim });
  const head = LinearHead.from({ weight: problem.weight, bias: problem.bias, classes, dim });
  const run = () => score({ pool, labeled: problem.labeled, head });
  const extra = (await extraMemory(run)) - rows * 7 * 4 - rows * 8;
  const [t] = await interleave([{ name: 'score', repeats, run: () => time(run) }]);
  const { backend } = await run();
  const value = rows / t.median / 1e3;
  return {
    extraBytes: extra,
    row: {
      bench: `score(), gaussian ${rows} × ${dim}, C = ${classes}, in memory`,
      contender: `${backend.name} ${backend.level}, ${backend.threads} threads`,
      value,
      unit: 'Mrow/s',
      low: rows / t.high / 1e3,
      high: rows / t.low / 1e3,
      repeats: t.repeats,
      ratio: 1,
      reference: 'itself',
    },
  };
}

interface Problem {
  data: Float32Array;
  weight: Float32Array;
  bias: Float32Array;
  anchors: Float32Array;
  labeled: LabeledSet;
}

function makeProblem(all: Float32Array, rows: number): Problem {
  const labels = Array.from({ length: labelledRows }, (_, i) => i % classes);
  const labeled = LabeledSet.from({ embeddings: all.slice(rows * dim), labels });
  return {
    data: all.subarray(0, rows * dim),
    weight: gaussian(classes * dim, 2).map((x) => x * 0.1),
    bias: new Float32Array(classes),
    anchors: computeAnchors(labeled, classes),
    labeled,
  };
}

function flip(
  kernels: Kernels,
  { data, weight, bias, anchors }: Problem,
  rows: number,
): Promise<FlipSearchResult> {
  return kernels.flipSearch({
    data: data.subarray(0, rows * dim),
    rows,
    dim,
    weight,
    bias,
    classes,
    anchors,
  });
}

/** The band of docs/flip-search.md. */
function assertAgree(expected: FlipSearchResult, found: FlipSearchResult, what: string): void {
  for (let i = 0; i < expected.flipCap.length; i++) {
    const cap = expected.flipCap[i];
    const close = cap === found.flipCap[i] || Math.abs(cap - found.flipCap[i]) <= 1e-5 + 1e-4 * cap;
    if (close && expected.pseudoLabel[i] === found.pseudoLabel[i]) continue;
    throw new Error(`${what}: row ${i} has flip cap ${found.flipCap[i]}, expected ${cap}`);
  }
}
