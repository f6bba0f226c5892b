// What our declarations name (Disposable, NodeJS, node:fs) is there for callers who don’t ask for it.
/// <reference types="node" preserve="true" />

export {
  type CudaReport,
  cudaCouldRun,
  currentTarget,
  explainLoadError,
  findDriver,
  libcOf,
  loadNative,
  type NativeCandidate,
  type NativeLoad,
  nativeCandidates,
  tryCuda,
} from '@alfamix/native';
export { Context, type StageProgress } from './context.js';
export { type Dataset, type LabeledRows, makeDataset, takeRows } from './datasets/dataset.js';
export { holdOut } from './datasets/hold-out.js';
export { type OpenDatasetOptions, openDataset } from './datasets/open-dataset.js';
export { SCALES, type Scale, scaleFeatures } from './datasets/scale.js';
export {
  AlfamixError,
  abortError,
  describe,
  type ErrorCode,
  expected,
  printable,
  throwIfAborted,
} from './errors.js';
export {
  type ExplainArgs,
  type ExplainedPick,
  type Explanation,
  explain,
  type Flip,
  type Neighbour,
} from './explain/explain.js';
export {
  assertWritable,
  discardUnfinishedFiles,
  type WriteChunk,
  type WriteOptions,
  writeFileAtomic,
} from './formats/atomic-file.js';
export { type CsvRecord, csvField, readCsv } from './formats/csv.js';
export { ioError } from './formats/file-io.js';
export { type Ids, readIds } from './formats/ids.js';
export { OutputSet } from './formats/output-set.js';
export { type ParquetColumn, writeParquet } from './formats/parquet-writer.js';
export { type SafetensorsTensor, writeSafetensors } from './formats/safetensors-writer.js';
export { readTable } from './formats/table.js';
export {
  type FileSpec,
  openTensor,
  parseSpec,
  readTensor,
  type TensorData,
  type TensorExpectation,
  type TensorFile,
} from './formats/tensor-file.js';
export type { CrossValidationReport, FitReport, GridPoint } from './head/fit-report.js';
export { type FitHeadArgs, LinearHead, type LinearHeadArgs } from './head/linear-head.js';
export type { BackendUsed } from './inputs.js';
export type { FitSoftmaxArgs, FitSoftmaxResult } from './kernels/fitting.js';
export { type BackendInfo, type BackendName, backendInfo, getKernels } from './kernels/get-kernels.js';
export type {
  Backend,
  EmbeddingDType,
  FileRows,
  FileSegment,
  FlipSearchArgs,
  FlipSearchResult,
  JobOptions,
  Kernels,
  KMeansArgs,
  KMeansResult,
  NearestMembersArgs,
  NormalizeRowsArgs,
  RowSource,
  ScoreUncertaintyArgs,
  StoredRows,
  UncertaintyScores,
} from './kernels/kernels.js';
export type {
  ClosedFormAlphaArgs,
  InterpolateArgs,
  InterpolateResult,
  PseudoLabelGradientArgs,
  PseudoLabelGradientResult,
} from './kernels/mixing.js';
export type { KCenterGreedyArgs, KMeansPlusPlusArgs, PickedRows } from './kernels/sampling.js';
export { computeAnchors } from './labels/anchors.js';
export { distinctLabels } from './labels/class-names.js';
export { LabeledSet, type LabeledSetArgs, type PoolLabelsArgs } from './labels/labeled-set.js';
export { type CapCount, Ladder } from './ladder.js';
export {
  createTrainer,
  type TrainerName,
  type TrainerOptions,
  trainerNames,
} from './models/create-trainer.js';
export { type FromTfOptions, fromTf } from './models/from-tf.js';
export { type LoadedTf, type LoadTfOptions, loadTf, type TfBackend } from './models/load-tf.js';
export type { Model, TrainArgs, TrainedModel, Trainer } from './models/model.js';
export type { TfLayersModel, TfNamespace } from './models/tf-types.js';
export type { PoolArray } from './pool/check-array.js';
export type { PoolFile } from './pool/open-shards.js';
export { Pool, type PoolArrayOptions, type PoolOpenOptions } from './pool/pool.js';
export { Rng } from './random/xoshiro.js';
export { type ScoreArgs, type ScoreResult, score } from './score.js';
export { type SelectArgs, type SelectResult, select } from './select.js';
export type { Pick, SelectStats } from './select-result.js';
export { holm } from './simulation/holm.js';
export {
  CORRECTED_ALPHA,
  PAPER_CRITICAL_T,
  type PairedTest,
  type PenaltyMatrix,
  type PenaltyMode,
  penaltyMatrix,
  type RoundResult,
} from './simulation/pairwise.js';
export { compareWithPublished, type PublishedComparison, type Summary } from './simulation/published.js';
export { type Run, readRun, readRunSettings } from './simulation/read-run.js';
export type { QueryRecord, RoundLine } from './simulation/round-line.js';
export { seriesName } from './simulation/series-name.js';
export { hashData, type RunSettings } from './simulation/settings.js';
export { type SimulateArgs, type SimulateResult, simulate } from './simulation/simulate.js';
export { mean, quantile, type Spread, std, variance } from './simulation/statistics.js';
export { studentTwoSided } from './simulation/student-t.js';
export { defaultAlphaCap, getStrategy, hasLadder, strategyNames } from './strategies/index.js';
export type {
  Clusters,
  Strategy,
  StrategyFunction,
  StrategyNeeds,
  StrategyPick,
  StrategyResult,
} from './strategies/strategy.js';
