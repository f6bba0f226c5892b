import type { NativeBinding, NativeJob, NativeRowSelection, NativeRowSource } from '@alfamix/native';
import { onAbort } from '../abort-listeners.js';
import { AlfamixError, abortError, type ErrorCode, expected } from '../errors.js';
import { whyUnreadable } from '../pool/read-blocks.js';
import type { FitSoftmaxArgs, FitSoftmaxResult } from './fitting.js';
import type {
  Backend,
  FlipSearchArgs,
  FlipSearchResult,
  JobOptions,
  Kernels,
  KMeansArgs,
  KMeansResult,
  NearestMembersArgs,
  NormalizeRowsArgs,
  RowSelection,
  RowSource,
  ScoreUncertaintyArgs,
  UncertaintyScores,
} from './kernels.js';
import type {
  ClosedFormAlphaArgs,
  InterpolateArgs,
  InterpolateResult,
  PseudoLabelGradientArgs,
  PseudoLabelGradientResult,
} from './mixing.js';
import type { KCenterGreedyArgs, KMeansPlusPlusArgs, PickedRows } from './sampling.js';
import { validateFlipSearch, validateNormalizeRows, validateScoreUncertainty } from './validate.js';
import { validateFitSoftmax } from './validate-fitting.js';
import { validateKMeans, validateNearestMembers } from './validate-kmeans.js';
import {
  validateClosedFormAlpha,
  validateInterpolate,
  validatePseudoLabelGradient,
} from './validate-mixing.js';
import { validateKCenterGreedy, validateKMeansPlusPlus } from './validate-sampling.js';

/** The codes that the addon's errors carry. */
const NATIVE_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'INVALID_ARGUMENT',
  'SHAPE_MISMATCH',
  'NON_FINITE',
  'IO',
  'OUT_OF_MEMORY',
  'QUEUE_FULL',
  'ABORTED',
  'CUDA_UNAVAILABLE',
]);

const NO_FLOATS = new Float32Array(0);

/** The kernels of the native addon at one instruction-set level, or on a CUDA device. */
export class NativeKernels implements Kernels {
  readonly backend: Backend;
  readonly level: string;
  /** Threads of a call that asks for none. */
  readonly threads: number;
  readonly blas?: string;
  readonly blasReason?: string;
  readonly device?: string;
  readonly #binding: NativeBinding;

  /**
   * @param level one of `binding.levels()`; default the fastest
   * @param device the CUDA device of the plug-in that `binding.cuda` opened: what it has no kernel for runs on the CPU,
   *   at the fastest level
   * @throws INVALID_ARGUMENT for a level that this binary or this CPU doesn't have
   */
  constructor(binding: NativeBinding, level?: string, device?: string) {
    const levels = binding.levels();
    if (level !== undefined && !levels.includes(level)) {
      throw expected(`one of ${levels.join(', ')}`, 'level', level);
    }
    this.#binding = binding;
    this.backend = device === undefined ? 'cpu' : 'cuda';
    this.level = device === undefined ? (level ?? levels[levels.length - 1]) : 'cuda';
    if (device !== undefined) this.device = device;
    this.threads = binding.defaultThreads();
    if (namesBlas(process.env.ALFAMIX_BLAS)) {
      const { name, version, reason } = binding.blas();
      const told = version || name;
      if (told !== undefined) this.blas = told.replace(/\s+/g, ' ').trim();
      if (reason !== undefined) this.blasReason = reason;
    }
  }

  async flipSearch(args: FlipSearchArgs): Promise<FlipSearchResult> {
    validateFlipSearch(args);
    const { rows, dim, weight, bias, classes, anchors } = args;
    const anchorCount = anchors.length / dim;
    const head = { weight, bias, classes, anchors, anchorCount };
    return this.#run(args, (options) =>
      this.#binding.flipSearch({ ...options, ...sourceOf(args.data), rows, dim, ...head }),
    );
  }

  async scoreUncertainty(args: ScoreUncertaintyArgs): Promise<UncertaintyScores> {
    validateScoreUncertainty(args);
    const { rows, dim, weight, bias, classes } = args;
    return this.#run(args, (options) =>
      this.#binding.scoreUncertainty({
        ...options,
        ...sourceOf(args.data),
        rows,
        dim,
        weight,
        bias,
        classes,
      }),
    );
  }

  async logits(args: ScoreUncertaintyArgs): Promise<Float32Array> {
    validateScoreUncertainty(args);
    const { rows, dim, weight, bias, classes } = args;
    const head = { weight, bias, classes };
    return this.#run(args, (options) =>
      this.#binding.logits({ ...options, ...sourceOf(args.data), rows, dim, ...head }),
    );
  }

  async interpolate(args: InterpolateArgs): Promise<InterpolateResult> {
    validateInterpolate(args);
    const { data, rows, dim, anchors, anchorIndex, alpha, classes = 0 } = args;
    const { weight = NO_FLOATS, bias = NO_FLOATS } = args;
    const head = { weight, bias, classes };
    const mix = { anchors, anchorCount: anchors.length / dim, anchorIndex, alpha };
    return this.#run(args, (options) =>
      this.#binding.interpolate({ ...options, data, rows, dim, ...mix, ...head }),
    );
  }

  async pseudoLabelGradient(args: PseudoLabelGradientArgs): Promise<PseudoLabelGradientResult> {
    validatePseudoLabelGradient(args);
    const { data, rows, dim, weight, bias, classes, unit = false } = args;
    return this.#run(args, (options) =>
      this.#binding.pseudoLabelGradient({ ...options, data, rows, dim, weight, bias, classes, unit }),
    );
  }

  async closedFormAlpha(args: ClosedFormAlphaArgs): Promise<Float32Array> {
    validateClosedFormAlpha(args);
    const { data, rows, dim, anchors, anchorIndex, gradient, alphaCap } = args;
    const mix = { anchors, anchorCount: anchors.length / dim, anchorIndex, gradient };
    const cap = typeof alphaCap === 'number' ? { alphaCap } : { alphaCaps: alphaCap };
    return this.#run(args, (options) =>
      this.#binding.closedFormAlpha({ ...options, data, rows, dim, ...mix, ...cap }),
    );
  }

  async kCenterGreedy(args: KCenterGreedyArgs): Promise<PickedRows> {
    validateKCenterGreedy(args);
    const { data, rows, dim, centers = NO_FLOATS, budget } = args;
    const centerCount = centers.length / dim;
    return this.#run(args, (options) =>
      this.#binding.kCenterGreedy({ ...options, data, rows, dim, centers, centerCount, budget }),
    );
  }

  async kmeansPlusPlus(args: KMeansPlusPlusArgs): Promise<PickedRows> {
    validateKMeansPlusPlus(args);
    const { data, rows, dim, factors, factorDim = 0, clusters, first, seed = 0 } = args;
    const firstLargestNorm = first === 'largest-norm';
    const draw = { factors, factorDim, clusters, firstLargestNorm, seed };
    return this.#run(args, (options) =>
      this.#binding.kmeansPlusPlus({ ...options, data, rows, dim, ...draw }),
    );
  }

  async kmeans(args: KMeansArgs): Promise<KMeansResult> {
    validateKMeans(args);
    const { clusters, initialCenters, seed = 0, nInit = 1, maxIterations = 300, algorithm } = args;
    const hartigan = algorithm === 'hartigan';
    const how = { clusters, seed, initialCenters, nInit, maxIterations, hartigan };
    return this.#run(args, (options) => this.#binding.kmeans({ ...options, ...selectionOf(args), ...how }));
  }

  async nearestMembers(args: NearestMembersArgs): Promise<Int32Array> {
    validateNearestMembers(args);
    const { centers, clusters, labels, tolerance = 1e-5 } = args;
    const members = { centers, clusters, labels, tolerance };
    return this.#run(args, (options) =>
      this.#binding.nearestMembers({ ...options, ...selectionOf(args), ...members }),
    );
  }

  async normalizeRows(args: NormalizeRowsArgs): Promise<Float32Array> {
    validateNormalizeRows(args);
    const { data, rows, dim } = args;
    return this.#run(args, (options) => this.#binding.normalizeRows({ ...options, data, rows, dim }));
  }

  async fitSoftmax(args: FitSoftmaxArgs): Promise<FitSoftmaxResult> {
    validateFitSoftmax(args);
    const { data, rows, dim, labels, classes, ridges, folds, foldCount = 0 } = args;
    const choice = { ridges, ridgeCount: ridges.length, folds, foldCount: folds ? foldCount : 0 };
    return this.#run(args, (options) =>
      this.#binding.fitSoftmax({ ...options, data, rows, dim, labels, classes, ...choice }),
    );
  }

  async #run<Result>(
    { data, signal, onProgress, threads = this.threads }: JobOptions & { data?: RowSource | Float64Array },
    start: (options: {
      threads: number;
      level: string;
      onProgress: JobOptions['onProgress'];
    }) => NativeJob<Result>,
  ): Promise<Result> {
    let forget: (() => void) | undefined;
    // What a caller's own function throws is the caller's to see, as it was thrown.
    let thrown: { error: unknown } | undefined;
    const report = (done: number, total: number) => {
      try {
        onProgress?.(done, total);
      } catch (error) {
        thrown ??= { error };
        throw error;
      }
    };
    try {
      const job = start({ threads, level: this.level, onProgress: onProgress && report });
      forget = onAbort(signal, () => job.cancel());
      return await job.promise;
    } catch (error) {
      throw thrown ? thrown.error : await inCommonWords(translate(error, signal), data);
    } finally {
      forget?.();
    }
  }
}

const namesBlas = (variable: string | undefined): boolean => !['', 'off', undefined].includes(variable);

function sourceOf(data: RowSource): NativeRowSource {
  if ('segments' in data) return { segments: data.segments };
  return 'dtype' in data ? { data: data.values, dtype: data.dtype } : { data };
}

function translate(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof Error)) return error;
  const { code, row } = error as Error & { code?: unknown; row?: unknown };
  if (code === 'ABORTED' && signal?.aborted) return abortError(signal);
  const known = typeof code === 'string' && NATIVE_CODES.has(code);
  return new AlfamixError(known ? (code as ErrorCode) : 'INTERNAL', error.message, {
    cause: error,
    details: typeof row === 'number' && row >= 0 ? { row } : {},
  });
}

/** Of a file that can't be read: what every backend says of it, which opening it again tells. */
async function inCommonWords(error: unknown, data: RowSource | Float64Array | undefined): Promise<unknown> {
  if (!(error instanceof AlfamixError && error.code === 'IO' && data && 'segments' in data)) return error;
  return (await whyUnreadable(data)) ?? error;
}

function selectionOf({ data, rows, dim, index, scale }: RowSelection): NativeRowSelection {
  return { data, dataRows: index && data.length / dim, rows, dim, index, scale };
}
