import { LabeledSet, LinearHead, Pool, type SelectResult, score, select } from '@alfamix/core';
import { resolveStrategy } from '../inputs/strategy.js';
import type { PickOptions } from '../options.js';
import type { Session } from '../session.js';
import { DIGIT_DIM, DIGIT_NAMES, type DigitPart, type Digits } from './digits.js';

/** Seeds of the random picks that the strategy's are compared with. */
const RANDOM_SEEDS = 20;

export type DemoOptions = PickOptions & {
  readonly seed: number;
  readonly backend: 'auto' | 'cuda' | 'cpu' | 'js';
  readonly threads?: number;
  readonly l2?: number;
};

/** Share of the test digits a head gets right. */
export interface Accuracies {
  readonly before: number;
  /** After labelling the picks. */
  readonly after: number;
  /** After labelling as many random rows: mean, lowest and highest of `seeds` draws. */
  readonly random: {
    readonly mean: number;
    readonly low: number;
    readonly high: number;
    readonly seeds: number;
  };
}

export interface Experiment {
  readonly pool: Pool;
  readonly labeled: LabeledSet;
  readonly head: LinearHead;
  readonly selection: SelectResult;
  readonly accuracies: Accuracies;
}

/** What was picked, and from what. */
export type DigitSelection = Pick<Experiment, 'pool' | 'labeled' | 'head' | 'selection'>;

/** Fits a head on the labelled digits and picks rows of the pool. */
export async function selectDigits(
  { pool: poolPart, labelled }: Digits,
  options: DemoOptions,
  session: Session,
): Promise<DigitSelection> {
  const { signal } = session;
  const { backend, threads, seed, l2, budget, strategy, alphaCap, maxCandidates } = options;
  const ids = poolPart.origin.map((row) => `digit-${row}`);
  const pool = Pool.fromArray(poolPart.pixels, { rows: poolPart.rows, dim: DIGIT_DIM, ids });
  const labeled = labeledSet(labelled.pixels, labelled.labels);
  const head = await session.timed('fit', () => fitDigits(labeled, { l2, seed }, signal));
  const selection = await select({
    pool,
    labeled,
    head,
    budget,
    strategy: await resolveStrategy(strategy),
    alphaCap,
    maxCandidates,
    seed,
    backend,
    threads,
    signal,
    onProgress: session.progress,
  });
  session.addTimings(selection.timings);
  return { pool, labeled, head, selection };
}

const fitDigits = (labeled: LabeledSet, { l2, seed }: { l2?: number; seed: number }, signal: AbortSignal) =>
  LinearHead.fit({ labeled, classNames: DIGIT_NAMES, l2, seed, signal });

/**
 * Picks, then looks up the picks' labels, fits a head again and measures both heads on the test digits; the same with
 * rows drawn at random. Every fit chooses its own l2 by cross-validation on its own labels (or takes the one given), so
 * the three accuracies differ in nothing but the rows labelled.
 */
export async function runExperiment(
  digits: Digits,
  options: DemoOptions,
  session: Session,
): Promise<Experiment> {
  const { pool: poolPart, labelled, test } = digits;
  const { signal } = session;
  const { backend, threads, budget } = options;
  const job = { backend, threads, signal };
  const { pool, labeled, head, selection } = await selectDigits(digits, options, session);

  const accuracy = async (labels: LabeledSet, fitted: LinearHead) => {
    const testPool = Pool.fromArray(test.pixels, { rows: test.rows, dim: DIGIT_DIM });
    const { pseudoLabel } = await score({ pool: testPool, labeled: labels, head: fitted, ...job });
    return pseudoLabel.reduce((right, label, i) => right + Number(label === test.labels[i]), 0) / test.rows;
  };
  const afterLabelling = async (rows: readonly number[]) => {
    const more = withRows(labelled, poolPart, rows);
    return accuracy(more, await fitDigits(more, options, signal));
  };
  const accuracies = await session.timed('compare', async () => {
    const before = await accuracy(labeled, head);
    const after = await afterLabelling(selection.picks.map(({ row }) => row));
    const random: number[] = [];
    for (let i = 0; i < RANDOM_SEEDS; i++) {
      session.progress('compare', i, RANDOM_SEEDS);
      const draw = await select({ pool, budget, strategy: 'random', seed: i + 1, ...job });
      random.push(await afterLabelling(draw.picks.map(({ row }) => row)));
    }
    return { before, after, random: spread(random) };
  });
  return { pool, labeled, head, selection, accuracies };
}

const labeledSet = (embeddings: Float32Array, labels: Int32Array): LabeledSet =>
  LabeledSet.from({ embeddings, labels, dim: DIGIT_DIM, classNames: DIGIT_NAMES });

/** The labelled digits and rows of the pool with their true labels. */
function withRows(labelled: DigitPart, pool: DigitPart, rows: readonly number[]): LabeledSet {
  const pixels = new Float32Array((labelled.rows + rows.length) * DIGIT_DIM);
  pixels.set(labelled.pixels);
  rows.forEach((row, i) => {
    const from = row * DIGIT_DIM;
    pixels.set(pool.pixels.subarray(from, from + DIGIT_DIM), (labelled.rows + i) * DIGIT_DIM);
  });
  return labeledSet(pixels, Int32Array.of(...labelled.labels, ...rows.map((row) => pool.labels[row])));
}

const spread = (values: readonly number[]): Accuracies['random'] => ({
  mean: values.reduce((sum, value) => sum + value, 0) / values.length,
  low: Math.min(...values),
  high: Math.max(...values),
  seeds: values.length,
});
