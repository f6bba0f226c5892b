#include "kernels/fit_softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "cpu/lbfgs.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/progress.h"
#include "cpu/softmax_objective.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// What a thread needs for one fold: its training rows, its held-out rows, and a minimiser.
struct FoldSpace {
  FoldSpace(const FitSoftmaxParams& params, const LevelTable& level, int threads, Progress& progress)
      : x(params.rows * params.dim),
        labels(params.rows),
        v((std::size_t{params.dim} + 1) * params.classes),
        objective(level, threads, progress, params.rows, params.dim, params.classes),
        minimiser(objective) {}

  Buffer<double> x;
  Buffer<std::int32_t> labels;
  Buffer<double> v;
  SoftmaxObjective objective;
  Lbfgs minimiser;
  TrainingRows training, held_out;
};

// The training rows first, then the held-out ones, each in their order.
void Split(const FitSoftmaxParams& params, std::int32_t fold, FoldSpace* space) {
  std::uint64_t next = 0;
  for (const bool held : {false, true}) {
    const std::uint64_t first = next;
    for (std::uint64_t i = 0; i < params.rows; ++i) {
      if ((params.folds[i] == fold) != held) continue;
      std::memcpy(space->x.get() + next * params.dim, params.data + i * params.dim,
                  params.dim * sizeof(double));
      space->labels[next++] = params.labels[i];
    }
    (held ? space->held_out : space->training) = {space->x.get() + first * params.dim,
                                                  space->labels.get() + first, next - first, params.dim,
                                                  params.classes};
  }
}

// What each fold's fits say of each ridge, F x R; and where the first fold's fits ended, R solutions.
struct Tallies {
  std::vector<std::int32_t> right;
  std::vector<double> loss;
  Buffer<double> starts;
};

bool TryRidges(const FitSoftmaxParams& params, const LevelTable& level, int threads, Progress& progress,
               Tallies* tallies) {
  const int at_once = static_cast<int>(std::min<std::uint64_t>(threads, params.fold_count));
  std::vector<std::unique_ptr<FoldSpace>> spaces;
  for (int i = 0; i < at_once; ++i)
    spaces.push_back(std::make_unique<FoldSpace>(params, level, threads, progress));
  ThreadPool::Instance().ParallelFor(params.fold_count, at_once, [&](std::uint64_t fold, int slot) {
    FoldSpace& space = *spaces[slot];
    Split(params, static_cast<std::int32_t>(fold), &space);
    const std::size_t size = space.objective.size();
    std::fill_n(space.v.get(), size, 0.0);
    space.objective.SetRows(space.training);
    for (std::uint32_t r = 0; r < params.ridge_count; ++r) {
      space.minimiser.Solve(params.ridges[r], Precision::kRough, space.v.get());
      const std::size_t at = fold * params.ridge_count + r;
      tallies->loss[at] = space.objective.Judge(space.held_out, space.v.get(), &tallies->right[at]);
      if (fold == 0) std::copy_n(space.v.get(), size, tallies->starts.get() + r * size);
      if (!progress.Add(1)) return false;
    }
    return true;
  });
  return !progress.aborted();
}

// The most right, then the lower loss, then the larger ridge.
std::uint32_t BestRidge(const FitSoftmaxParams& params, const FitSoftmaxOutput& output) {
  std::uint32_t best = 0;
  for (std::uint32_t r = 1; r < params.ridge_count; ++r) {
    const bool tied = output.right[r] == output.right[best];
    const bool drawn = tied && output.loss[r] == output.loss[best];
    if (output.right[r] > output.right[best] || (tied && output.loss[r] < output.loss[best]) ||
        (drawn && params.ridges[r] > params.ridges[best]))
      best = r;
  }
  return best;
}

Status Check(const FitSoftmaxParams& params, const LevelTable& level) {
  const bool shaped = params.rows >= 2 && params.rows <= 0x7fffffff && params.dim > 0 &&
                      params.classes >= 2 && params.classes <= params.rows && params.ridge_count > 0 &&
                      (params.folds != nullptr ? params.fold_count > 0 : params.ridge_count == 1);
  if (!shaped)
    return Status::Error(Code::kInvalidArgument,
                         "expected rows, dimensions, two classes and a ridge, or folds to choose one by");
  for (std::uint32_t r = 0; r < params.ridge_count; ++r) {
    if (!(params.ridges[r] > 0 && std::isfinite(params.ridges[r])))
      return Status::Error(Code::kInvalidArgument, "expected finite ridges above 0, got %g",
                           params.ridges[r]);
  }
  for (std::uint64_t i = 0; i < params.rows; ++i) {
    const std::int32_t label = params.labels[i];
    if (label < 0 || static_cast<std::uint32_t>(label) >= params.classes)
      return Status::Error(Code::kInvalidArgument, "expected class indices below %u, got %d", params.classes,
                           label);
    const std::int32_t fold = params.folds != nullptr ? params.folds[i] : -1;
    if (fold < -1 || (fold >= 0 && static_cast<std::uint32_t>(fold) >= params.fold_count))
      return Status::Error(Code::kInvalidArgument, "expected folds from -1 to %d, got %d",
                           static_cast<int>(params.fold_count) - 1, fold);
    const double* row = params.data + i * params.dim;
    if (std::isfinite(level.dot_doubles(row, row, params.dim))) continue;
    LowestRow bad;
    bad.Report(i);
    const bool finite = std::all_of(row, row + params.dim, [](double value) { return std::isfinite(value); });
    return finite ? bad.TooLarge() : bad.NonFinite();
  }
  return Status::Ok();
}

Status Fit(const FitSoftmaxParams& params, FitSoftmaxOutput* output, const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  const std::uint32_t folds = params.folds != nullptr ? params.fold_count : 0;
  const std::size_t size = (std::size_t{params.dim} + 1) * params.classes;
  Progress progress(options, std::uint64_t{folds} * params.ridge_count + 1);
  output->ridge = 0;
  std::fill_n(output->solution, size, 0.0);
  std::fill_n(output->right, params.ridge_count, 0);
  std::fill_n(output->loss, params.ridge_count, 0.0);
  if (folds > 0) {
    const std::size_t cells = std::size_t{folds} * params.ridge_count;
    Tallies tallies{std::vector<std::int32_t>(cells), std::vector<double>(cells),
                    Buffer<double>(size * params.ridge_count)};
    if (!TryRidges(params, level, options.threads, progress, &tallies))
      return Status::Error(Code::kAborted, "the operation was aborted");
    for (std::size_t at = 0; at < cells; ++at) {
      output->right[at % params.ridge_count] += tallies.right[at];
      output->loss[at % params.ridge_count] += tallies.loss[at];
    }
    output->ridge = BestRidge(params, *output);
    std::copy_n(tallies.starts.get() + output->ridge * size, size, output->solution);
  }
  SoftmaxObjective objective(level, options.threads, progress, params.rows, params.dim, params.classes);
  Lbfgs minimiser(objective);
  objective.SetRows({params.data, params.labels, params.rows, params.dim, params.classes});
  const Minimum found = minimiser.Solve(params.ridges[output->ridge], Precision::kFull, output->solution);
  if (!progress.Add(1)) return Status::Error(Code::kAborted, "the operation was aborted");
  output->objective = found.value;
  output->iterations = found.iterations;
  return Status::Ok();
}

}  // namespace

Status FitSoftmax(const FitSoftmaxParams& params, FitSoftmaxOutput* output, const JobOptions& options) {
  try {
    const Status status = Check(params, *LevelAt(options.level).table);
    return status.ok() ? Fit(params, output, options) : status;
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory to fit a head");
  }
}

}  // namespace alfamix
