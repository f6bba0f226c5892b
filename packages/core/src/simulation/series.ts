import type { Dataset } from '../datasets/dataset.js';
import { AlfamixError } from '../errors.js';
import type { Kernels } from '../kernels/kernels.js';
import { LabeledSet } from '../labels/labeled-set.js';
import type { TrainedModel, Trainer } from '../models/model.js';
import { Pool } from '../pool/pool.js';
import { Rng } from '../random/xoshiro.js';
import { type SelectResult, select } from '../select.js';
import type { Strategy } from '../strategies/strategy.js';
import { describeQuery } from './query-record.js';
import type { RoundLine } from './round-line.js';

/** What all series of a run share. */
export interface SeriesJob {
  readonly pool: Dataset;
  readonly test: Dataset;
  readonly init: number;
  readonly budget: number;
  readonly rounds: number;
  readonly alphaCap: number | undefined;
  readonly maxCandidates: number | undefined;
  readonly kernels: Kernels;
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Draws nothing but its seed's own: one for each round, so that a continued run goes on with the same. */
function roundSeed(seed: number, round: number): number {
  const rng = new Rng(seed);
  for (let i = 0; i < round; i++) rng.next();
  return rng.below(2 ** 53);
}

/**
 * One strategy and one seed: trains on what is labelled, measures, queries, and so on. Initial labels and initial
 * weights depend on the seed alone, so strategies differ in nothing but their queries.
 *
 * @param done lines of earlier rounds, to go on after
 */
export async function* runSeries(
  strategy: Strategy,
  seed: number,
  job: SeriesJob,
  trainer: Trainer,
  done: readonly RoundLine[] = [],
): AsyncGenerator<RoundLine, void, undefined> {
  const { pool, test, rounds } = job;
  const inputs = Pool.fromArray(pool.features, { rows: pool.rows, dim: pool.dim });
  const testInputs = Pool.fromArray(test.features, { rows: test.rows, dim: test.dim });
  const labelled = new Rng(seed).sample(pool.rows, job.init);
  for (const { query } of done) labelled.push(...(query?.picks ?? []));
  for (let round = done.length; round <= rounds; round++) {
    const clock = new StageClock();
    const labels = Int32Array.from(labelled, (row) => pool.labels[row]);
    const { signal } = job;
    const model = await clock.time('train', () =>
      trainer.train({ inputs, rows: labelled, labels, classes: pool.classNames.length, seed, signal }),
    );
    try {
      const accuracy = await clock.time('evaluate', () => measure(model, testInputs, test, job));
      const query =
        round < rounds
          ? await makeQuery(strategy, roundSeed(seed, round), job, { model, inputs, labelled, labels }, clock)
          : null;
      yield {
        strategy: strategy.name,
        seed,
        round,
        accuracy,
        labelled: labelled.length,
        seconds: clock.total(),
        stages: clock.stages,
        epochs: model.epochs ?? null,
        query,
      };
      labelled.push(...(query?.picks ?? []));
    } finally {
      model.close();
    }
  }
}

interface Round {
  model: TrainedModel;
  inputs: Pool;
  labelled: readonly number[];
  labels: Int32Array;
}

async function makeQuery(strategy: Strategy, seed: number, job: SeriesJob, round: Round, clock: StageClock) {
  const { model, inputs, labelled, labels } = round;
  const { budget, alphaCap, maxCandidates, kernels, threads, signal } = job;
  const embeddings = await clock.time('embed', () => model.embed(inputs, { signal }));
  const result = await clock.time('select', async (): Promise<SelectResult> => {
    const labeled = await LabeledSet.fromPool(embeddings, { rows: labelled, labels, signal });
    const parts = { pool: embeddings, labeled, head: model.head, model, inputs };
    return select({ ...parts, strategy, budget, alphaCap, maxCandidates, seed, kernels, threads, signal });
  });
  for (const [stage, ms] of Object.entries(result.timings)) {
    if (stage === 'total') continue;
    // A strategy may train something of its own.
    clock.stages[stage in clock.stages ? `query ${stage}` : stage] = seconds(ms);
  }
  return describeQuery(result, embeddings, model.head, job.pool.labels, kernels);
}

/** Share of the test rows that the model gets right. */
async function measure(model: TrainedModel, inputs: Pool, test: Dataset, job: SeriesJob): Promise<number> {
  const { kernels, threads, signal } = job;
  const embeddings = await model.embed(inputs, { signal });
  const { weight, bias, classes } = model.head;
  const { pseudoLabel } = await kernels.scoreUncertainty({
    data: embeddings.source,
    rows: embeddings.rows,
    dim: embeddings.dim,
    weight,
    bias,
    classes,
    threads,
    signal,
  });
  if (pseudoLabel.length !== test.rows) throw new AlfamixError('INTERNAL', 'a test row has no prediction');
  return pseudoLabel.reduce((right, label, i) => right + Number(label === test.labels[i]), 0) / test.rows;
}

/** To the microsecond. */
const seconds = (ms: number): number => Math.round(ms * 1000) / 1e6;

class StageClock {
  readonly stages: Record<string, number> = {};
  readonly #start = performance.now();

  async time<T>(stage: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    this.stages[stage] = seconds(performance.now() - start);
    return result;
  }

  total(): number {
    return seconds(performance.now() - this.#start);
  }
}
