import { AlfamixError } from './errors.js';
import type { LinearHead } from './head/linear-head.js';
import type {
  FlipSearchResult,
  JobOptions,
  Kernels,
  ScoreUncertaintyArgs,
  UncertaintyScores,
} from './kernels/kernels.js';
import { computeAnchors } from './labels/anchors.js';
import type { LabeledSet } from './labels/labeled-set.js';
import type { Model } from './models/model.js';
import type { Pool } from './pool/pool.js';
import type { Rng } from './random/xoshiro.js';
import { yieldToLoop } from './yield.js';

/** Called with the stage under way (`fit`, `score`, `cluster` …) and its work done and total, in its own unit. */
export type StageProgress = (stage: string, done: number, total: number) => void;

export interface ContextParts {
  pool: Pool;
  head: LinearHead | undefined;
  labeled: LabeledSet | undefined;
  model?: Model | undefined;
  inputs?: Pool | undefined;
  kernels: Kernels;
  rng: Rng;
  seed: number;
  budget: number;
  alphaCap: number;
  maxCandidates: number | undefined;
  available: Float64Array;
  threads: number | undefined;
  signal: AbortSignal | undefined;
  onProgress: StageProgress | undefined;
  timings: Record<string, number>;
}

/** Everything a strategy sees: the pool, the head and the labels, the kernels; never files. */
export class Context {
  readonly pool: Pool;
  /** Given or fitted, for a strategy that needs one. */
  readonly head: LinearHead | undefined;
  readonly labeled: LabeledSet | undefined;
  /** The network that made the pool of `inputs`, where the caller gave it. */
  readonly model: Model | undefined;
  /** What the network was given for the pool, row for row. */
  readonly inputs: Pool | undefined;
  readonly kernels: Kernels;
  /** Starts from `seed`; the only source of chance. */
  readonly rng: Rng;
  readonly seed: number;
  /** B, at most the number of available rows. */
  readonly budget: number;
  readonly alphaCap: number;
  readonly maxCandidates: number | undefined;
  /** The rows that may be picked, increasing. */
  readonly available: Float64Array;
  readonly signal: AbortSignal | undefined;
  readonly #parts: ContextParts;
  #flip: FlipSearchResult | undefined;
  #uncertainty: UncertaintyScores | undefined;
  #logits: Float32Array | undefined;

  constructor(parts: ContextParts) {
    this.#parts = parts;
    this.pool = parts.pool;
    this.head = parts.head;
    this.labeled = parts.labeled;
    this.model = parts.model;
    this.inputs = parts.inputs;
    this.kernels = parts.kernels;
    this.rng = parts.rng;
    this.seed = parts.seed;
    this.budget = parts.budget;
    this.alphaCap = parts.alphaCap;
    this.maxCandidates = parts.maxCandidates;
    this.available = parts.available;
    this.signal = parts.signal;
  }

  /**
   * Runs a kernel call as a stage: its time is recorded, its progress reported under the name.
   * @example
   * const unit = await context.stage('normalize', (job) => context.kernels.normalizeRows({ data, rows, dim, ...job }));
   */
  async stage<Result>(
    name: string,
    work: (job: {
      signal?: AbortSignal;
      threads?: number;
      onProgress?: (done: number, total: number) => void;
    }) => Promise<Result>,
  ): Promise<Result> {
    const { signal, threads, onProgress, timings } = this.#parts;
    const start = performance.now();
    try {
      return await work({
        signal,
        threads,
        onProgress: onProgress && ((done, total) => onProgress(name, done, total)),
      });
    } finally {
      timings[name] = (timings[name] ?? 0) + performance.now() - start;
      await yieldToLoop(signal);
    }
  }

  /** Flip search over the whole pool against the labels' anchors, once. */
  async flipScores(): Promise<FlipSearchResult> {
    if (this.#flip) return this.#flip;
    const { labeled, kernels } = this;
    if (!labeled) throw new AlfamixError('INVALID_ARGUMENT', 'expected labels for a flip search, got none');
    const anchors = computeAnchors(labeled, this.#needHead().classes);
    this.#flip = await this.#scan((job) => kernels.flipSearch({ ...job, anchors }));
    return this.#flip;
  }

  /** Pseudo-labels, confidences, margins and entropies of the whole pool, once; without anchors, which is cheaper. */
  async uncertaintyScores(): Promise<UncertaintyScores> {
    this.#uncertainty ??= this.#flip ?? (await this.#scan((job) => this.kernels.scoreUncertainty(job)));
    return this.#uncertainty;
  }

  /** The head's N×C logits of the whole pool, once. */
  async logits(): Promise<Float32Array> {
    this.#logits ??= await this.#scan((job) => this.kernels.logits(job));
    return this.#logits;
  }

  /**
   * Runs a kernel over the rows that may be picked, as the stage `name`; row i is then the pool's `available[i]`.
   * They are copied into one float32 array unless the pool is one and all of it may be picked.
   */
  async overAvailable<Result>(
    name: string,
    kernel: (args: { data: Float32Array; rows: number; dim: number } & JobOptions) => Promise<Result>,
  ): Promise<Result> {
    const { pool, available } = this;
    const { rows, dim, source } = pool;
    const whole = available.length === rows && source instanceof Float32Array;
    const data = whole
      ? source
      : await this.stage('gather', ({ signal }) => pool.gather(available, { signal }));
    try {
      return await this.stage(name, (job) => kernel({ data, rows: available.length, dim, ...job }));
    } catch (error) {
      throw nameRow(error, pool, available);
    }
  }

  /** What has been computed so far; `flip` only after a flip search. */
  get scored(): { scores: UncertaintyScores; flip: FlipSearchResult | undefined } | undefined {
    const scores = this.#flip ?? this.#uncertainty;
    return scores && { scores, flip: this.#flip };
  }

  /** Runs a kernel over the whole pool as the stage `score`. */
  async #scan<Result>(kernel: (args: ScoreUncertaintyArgs) => Promise<Result>): Promise<Result> {
    const { pool } = this;
    const { weight, bias, classes } = this.#needHead();
    try {
      return await this.stage('score', (job) =>
        kernel({ data: pool.source, rows: pool.rows, dim: pool.dim, weight, bias, classes, ...job }),
      );
    } catch (error) {
      throw nameRow(error, pool);
    }
  }

  #needHead(): LinearHead {
    if (this.head) return this.head;
    throw new AlfamixError('INVALID_ARGUMENT', 'expected a head for scoring, got none');
  }
}

/** Kernels know rows by number only: adds the pool's name and the row's id. `rows`: the rows they were given. */
export function nameRow(error: unknown, pool: Pool, rows?: ArrayLike<number>): unknown {
  if (!(error instanceof AlfamixError) || error.code !== 'NON_FINITE') return error;
  const found = error.details.row;
  if (typeof found !== 'number' || 'name' in error.details) return error;
  const row = rows ? rows[found] : found;
  const beyond =
    pool.dtype === 'float64' ? ' (or a number beyond float32, which is what is computed on)' : '';
  const id = pool.ids ? ` (id ${JSON.stringify(pool.idOf(row))})` : '';
  return new AlfamixError(
    'NON_FINITE',
    `expected finite numbers for row ${row}${id} of the pool (${pool.name}), got NaN or infinity${beyond}`,
    { cause: error, details: { row, ...(pool.ids && { id: pool.idOf(row) }), pool: pool.name } },
  );
}
