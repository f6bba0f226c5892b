import {
  AlfamixError,
  type ArgumentNames,
  describe,
  expected,
  JOB_ARGUMENTS,
  requireArguments,
} from '../errors.js';
import type { WriteOptions } from '../formats/atomic-file.js';
import { type BackendName, resolveKernels } from '../kernels/get-kernels.js';
import type { Kernels } from '../kernels/kernels.js';
import { requireFinite, requireInteger, requireMatrix, validateJob } from '../kernels/validate.js';
import { assertAttachedRows, LabeledSet, type LabeledSetArgs } from '../labels/labeled-set.js';
import { fitHead } from './fit-head.js';
import { type FitReport, parseFitReport } from './fit-report.js';
import { readHeadFile, writeHeadFile } from './head-file.js';

/** More classes than this are taken for a mistake, such as row numbers given as labels. */
const MAX_CLASSES = 65_536;

export interface LinearHeadArgs {
  /** C×D, row-major; 1×D is a binary head (a sigmoid). */
  weight: Float32Array;
  /** C; default zeros. */
  bias?: Float32Array;
  /** C, the number of classes: the rows of the weight. */
  classes: number;
  /** D. */
  dim: number;
  /** C different names; of both classes for a binary head. */
  classNames?: readonly string[];
}

export interface FitHeadArgs {
  /** The labelled rows; or give `embeddings` and `labels`. */
  labeled?: LabeledSet;
  embeddings?: LabeledSetArgs['embeddings'];
  labels?: ArrayLike<number | bigint>;
  /** D; default: the number of embeddings over the number of labels. */
  dim?: number;
  /** C; default: the number of class names, else the largest label + 1. */
  classes?: number;
  classNames?: readonly string[];
  /** The ridge, at least 1e-8; default: chosen by cross-validation over 1e-4, 1e-3 … 10. */
  l2?: number;
  /** Shuffles the rows into folds. Default 0. */
  seed?: number;
  /** Default `auto`. The head is the same, to the last bit, on every backend. */
  backend?: BackendName;
  /** Kernels to use instead of a backend's. */
  kernels?: Kernels;
  /** 1 … 256; default: the cores this process may use. */
  threads?: number;
  signal?: AbortSignal;
  /** Called with the fits done and the fits to do. */
  onProgress?: (done: number, total: number) => void;
}

const HEAD_ARGUMENTS: ArgumentNames<LinearHeadArgs> = {
  weight: true,
  bias: true,
  classes: true,
  dim: true,
  classNames: true,
};

const FIT_ARGUMENTS: ArgumentNames<FitHeadArgs> = {
  labeled: true,
  embeddings: true,
  labels: true,
  dim: true,
  classes: true,
  classNames: true,
  l2: true,
  seed: true,
  ...JOB_ARGUMENTS,
};

/** A linear classifier, logits = weight · z + bias. */
export class LinearHead {
  /** C×D. */
  readonly weight: Float32Array;
  /** C. */
  readonly bias: Float32Array;
  /** C, at least 2. */
  readonly classes: number;
  /** D. */
  readonly dim: number;
  readonly classNames: readonly string[] | undefined;
  /** How it was fitted, when this library did. */
  readonly fitted: FitReport | undefined;

  private constructor(
    parts: Required<Omit<LinearHeadArgs, 'classNames'>>,
    names?: readonly string[],
    fit?: FitReport,
  ) {
    this.weight = parts.weight;
    this.bias = parts.bias;
    this.classes = parts.classes;
    this.dim = parts.dim;
    this.classNames = names;
    this.fitted = fit;
  }

  /**
   * @throws INVALID_ARGUMENT, SHAPE_MISMATCH, NON_FINITE
   * @example
   * const head = LinearHead.from({ weight: new Float32Array([1, 0, 0, 1]), classes: 2, dim: 2 });
   */
  static from(args: LinearHeadArgs): LinearHead {
    requireArguments(args, 'LinearHead.from', HEAD_ARGUMENTS);
    return LinearHead.#checked(args);
  }

  static #checked({ weight, bias, classes, dim, classNames }: LinearHeadArgs, fit?: FitReport): LinearHead {
    requireInteger(classes, 'classes', 1, MAX_CLASSES);
    requireInteger(dim, 'dim', 1, 2 ** 31 - 1);
    requireMatrix(weight, 'weight', classes, dim);
    if (bias !== undefined) requireMatrix(bias, 'bias', classes, 1);
    const offsets = bias ?? new Float32Array(classes);
    requireFinite(weight, 'weight', dim);
    requireFinite(offsets, 'bias', 1);
    const names = checkNames(classNames, Math.max(classes, 2));
    if (classes > 1) return new LinearHead({ weight, bias: offsets, classes, dim }, names, fit);
    // A sigmoid of one logit is a softmax of it and zero.
    const both = new Float32Array(2 * dim);
    both.set(weight, dim);
    return new LinearHead(
      { weight: both, bias: Float32Array.of(0, offsets[0]), classes: 2, dim },
      names,
      fit,
    );
  }

  /**
   * Opens a .safetensors file with `weight` C×D and `bias` C, as in a torch `nn.Linear` state dict. A prefix
   * (`fc.weight`) is found when unique, or named: `model.safetensors#fc`. A missing bias is zero, 1×D is binary, F64
   * is narrowed, other tensors are ignored; the metadata `classes` gives the class names.
   *
   * @throws IO, FORMAT, SHAPE_MISMATCH, NON_FINITE, INVALID_ARGUMENT
   * @example
   * const head = await LinearHead.open('model.safetensors#fc');
   */
  static async open(spec: string): Promise<LinearHead> {
    if (typeof spec !== 'string' || spec === '') throw expected('a path', 'head', spec);
    const { weight, bias, shape, classNames, metadata } = await readHeadFile(spec);
    const [classes, dim] = shape;
    if (classes > MAX_CLASSES)
      throw expected(`at most ${MAX_CLASSES} rows`, `the weight of ${spec}`, classes);
    return LinearHead.#checked({ weight, bias, classes, dim, classNames }, parseFitReport(metadata.fit));
  }

  /**
   * Fits multinomial logistic regression: the minimum of Σ CE + (l2/2)‖W‖², bias free, found in double. Features
   * need no scaling to converge, though the ridge does feel their scale. A class without labels gets weight 0 and a
   * bias too low to be predicted near any labelled row.
   *
   * Without `l2` the ridge is chosen by cross-validation (five stratified folds; leave-one-out up to 50 labels): the
   * best held-out accuracy, then the lower log loss, then the larger ridge. See `fitted.crossValidation`.
   *
   * @throws INVALID_ARGUMENT (no labels, one class, a label outside the classes, a bad l2), SHAPE_MISMATCH,
   * NON_FINITE, ABORTED
   * @example
   * const head = await LinearHead.fit({ embeddings, labels: [0, 1, 0, 1] });
   * head.fitted?.crossValidation?.accuracy;
   */
  static async fit(args: FitHeadArgs): Promise<LinearHead> {
    requireArguments(args, 'LinearHead.fit', FIT_ARGUMENTS);
    const { l2, seed = 0, threads, signal, onProgress } = args;
    validateJob({ signal, onProgress, threads });
    requireInteger(seed, 'seed', 0);
    if (l2 !== undefined && !(typeof l2 === 'number' && l2 >= 1e-8 && l2 <= 1e8)) {
      throw expected('a number from 1e-8 to 1e8', 'l2', l2);
    }
    const labeled = labeledOf(args);
    assertAttachedRows(labeled);
    const names = args.classNames ?? labeled.classNames;
    const classes = classCount(args.classes, names, labeled.labels);
    requireFinite(labeled.embeddings, 'the labelled embeddings', labeled.dim);
    const nameOf = (label: number) => (names ? describe(names[label]) : String(label));
    const { weight, bias, report } = await fitHead(labeled, {
      classes,
      l2,
      seed,
      kernels: args.kernels ?? (await resolveKernels(args.backend, { signal })).kernels,
      threads,
      signal,
      onProgress,
      nameOf,
    });
    return LinearHead.#checked(
      {
        weight: Float32Array.from(weight),
        bias: Float32Array.from(bias),
        classes,
        dim: labeled.dim,
        classNames: names,
      },
      report,
    );
  }

  /**
   * Writes weight, bias, class names and the fit's report as .safetensors, beside the target and then renamed.
   * @throws IO, ABORTED
   */
  async save(path: string, options: WriteOptions = {}): Promise<void> {
    await writeHeadFile(path, this, options);
  }
}

function labeledOf({ labeled, embeddings, labels, dim, classNames }: FitHeadArgs): LabeledSet {
  if (labeled !== undefined) {
    if (!(labeled instanceof LabeledSet)) throw expected('a LabeledSet', 'labeled', labeled);
    if (embeddings !== undefined || labels !== undefined) {
      throw new AlfamixError(
        'INVALID_ARGUMENT',
        'expected either labeled or embeddings and labels, got both',
      );
    }
    if (dim !== undefined && dim !== labeled.dim)
      throw expected(`${labeled.dim}`, 'dim', dim, 'SHAPE_MISMATCH');
    return labeled;
  }
  if (embeddings === undefined) throw expected('a LabeledSet, or embeddings and labels,', 'labeled', labeled);
  if (labels === undefined) throw expected('class indices', 'labels', labels);
  return LabeledSet.from({ embeddings, labels, dim, classNames });
}

function classCount(
  given: number | undefined,
  names: readonly string[] | undefined,
  labels: Int32Array,
): number {
  if (given !== undefined) requireInteger(given, 'classes', 2, MAX_CLASSES);
  if (given !== undefined && names !== undefined && names.length !== given) {
    throw expected(`${given} names`, 'classNames', names, 'SHAPE_MISMATCH');
  }
  const largest = labels.reduce((a, b) => Math.max(a, b));
  const classes = given ?? names?.length ?? largest + 1;
  if (classes > MAX_CLASSES) {
    throw expected(`class indices below ${MAX_CLASSES}`, `labels[${labels.indexOf(largest)}]`, largest);
  }
  const outside = labels.findIndex((label) => label >= classes);
  if (outside >= 0) {
    throw expected(
      `a class index below ${classes}, the number of classes,`,
      `labels[${outside}]`,
      labels[outside],
    );
  }
  // One class more than the largest label when all labels are 0: the fit then says that one class is too few.
  return Math.max(classes, 2);
}

function checkNames(names: readonly string[] | undefined, classes: number): readonly string[] | undefined {
  if (names === undefined) return undefined;
  if (!Array.isArray(names) || names.length !== classes) {
    throw expected(`${classes} names, one a class,`, 'classNames', names, 'SHAPE_MISMATCH');
  }
  const odd = names.find((name, i) => typeof name !== 'string' || names.indexOf(name) !== i);
  if (odd !== undefined) throw expected('different strings', 'classNames', odd);
  return [...names];
}
