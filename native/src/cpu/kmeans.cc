#include "kernels/kmeans.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <new>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kmeans_assign.h"
#include "cpu/kmeans_seeding.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/progress.h"
#include "cpu/reduce.h"
#include "cpu/rng.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

class Lloyd {
 public:
  Lloyd(const KMeansParams& params, const LevelTable& level, const float* norms2, int threads,
        Progress& progress)
      : params_(params),
        threads_(threads),
        progress_(progress),
        assign_(params, level, norms2, threads),
        touched_(params.clusters),
        distance_(params.rows),
        sorted_(params.rows),
        starts_(std::size_t{params.clusters} + 1) {}

  // Iterates from output.centers; false when aborted.
  bool Run(KMeansOutput& output) {
    std::fill_n(output.labels, params_.rows, -1);
    for (output.iterations = 0;; ++output.iterations) {
      for (std::uint32_t k = 0; k < params_.clusters; ++k) touched_[k].store(0, std::memory_order_relaxed);
      std::uint64_t changed = 0;
      if (!assign_.Run(output.centers, output.labels, touched_.get(), &changed, progress_)) return false;
      output.converged = changed == 0;
      if (output.converged || output.iterations >= params_.max_iterations) break;
      if (!FillEmptyClusters(output) || !UpdateCenters(output)) return false;
    }
    if (!MeasureDistances(output)) return false;
    output.inertia = 0;
    for (std::uint64_t i = 0; i < params_.rows; ++i) output.inertia += distance_[i];
    return true;
  }

 private:
  bool MeasureDistances(const KMeansOutput& output) {
    const std::size_t dim = params_.dim;
    const RowBlocks blocks(params_.rows, dim, threads_);
    ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int) {
      for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i) {
        distance_[i] = SquaredDistance(params_.data + i * dim, output.centers + output.labels[i] * dim, dim);
      }
      return progress_.Add(0);
    });
    return !progress_.aborted();
  }

  // Each cluster without rows, in order, takes the row farthest from its own center (the lowest on a tie)
  // among rows of clusters with more than one; none is taken that lies on its center, so fewer distinct rows
  // than clusters leave some empty.
  bool FillEmptyClusters(KMeansOutput& output) {
    std::vector<std::uint64_t> counts(params_.clusters);
    for (std::uint64_t i = 0; i < params_.rows; ++i) ++counts[output.labels[i]];
    if (std::find(counts.begin(), counts.end(), 0u) == counts.end()) return true;
    if (!MeasureDistances(output)) return false;
    for (std::uint32_t empty = 0; empty < params_.clusters; ++empty) {
      if (counts[empty] > 0) continue;
      std::int64_t farthest = -1;
      for (std::uint64_t i = 0; i < params_.rows; ++i) {
        if (counts[output.labels[i]] > 1 && distance_[i] > (farthest < 0 ? 0.0 : distance_[farthest])) {
          farthest = static_cast<std::int64_t>(i);
        }
      }
      if (farthest < 0) break;
      const std::int32_t donor = output.labels[farthest];
      --counts[donor];
      touched_[donor] = 1;
      output.labels[farthest] = static_cast<std::int32_t>(empty);
      counts[empty] = 1;
      touched_[empty] = 1;
      distance_[farthest] = 0;
      if (!progress_.Add(0)) return false;
    }
    return true;
  }

  // Means of the touched clusters: sums in double, in row order, one cluster to a thread.
  bool UpdateCenters(KMeansOutput& output) {
    const std::size_t dim = params_.dim;
    std::fill_n(starts_.get(), std::size_t{params_.clusters} + 1, 0u);
    for (std::uint64_t i = 0; i < params_.rows; ++i) ++starts_[output.labels[i] + 1];
    for (std::uint32_t k = 0; k < params_.clusters; ++k) starts_[k + 1] += starts_[k];
    std::vector<std::uint64_t> next(starts_.get(), starts_.get() + params_.clusters);
    for (std::uint64_t i = 0; i < params_.rows; ++i) sorted_[next[output.labels[i]]++] = i;

    const int threads = params_.rows * dim < (1 << 18) ? 1 : threads_;
    std::vector<std::vector<double>> sums(threads, std::vector<double>(dim));
    ThreadPool::Instance().ParallelFor(params_.clusters, threads, [&](std::uint64_t k, int slot) {
      const std::uint64_t count = starts_[k + 1] - starts_[k];
      if (!touched_[k] || count == 0) return true;
      std::vector<double>& sum = sums[slot];
      std::fill(sum.begin(), sum.end(), 0.0);
      for (std::uint64_t at = starts_[k]; at < starts_[k + 1]; ++at) {
        const float* row = params_.data + sorted_[at] * dim;
        for (std::size_t j = 0; j < dim; ++j) sum[j] += static_cast<double>(row[j]);
        if ((at & 1023) == 1023 && !progress_.Add(0)) return false;
      }
      float* center = output.centers + k * dim;
      for (std::size_t j = 0; j < dim; ++j)
        center[j] = static_cast<float>(sum[j] / static_cast<double>(count));
      return progress_.Add(0);
    });
    return !progress_.aborted();
  }

  const KMeansParams& params_;
  const int threads_;
  Progress& progress_;
  KMeansAssign assign_;
  Buffer<std::atomic<std::uint8_t>> touched_;
  Buffer<double> distance_;
  Buffer<std::uint64_t> sorted_;
  Buffer<std::uint64_t> starts_;
};

Status Check(const KMeansParams& params) {
  if (params.rows == 0 || params.dim == 0 || params.clusters == 0 || params.clusters > params.rows) {
    return Status::Error(Code::kInvalidArgument, "expected 1 to %llu clusters, got %u",
                         static_cast<unsigned long long>(params.rows), params.clusters);
  }
  if (params.n_init == 0 || params.max_iterations == 0) {
    return Status::Error(Code::kInvalidArgument, "expected at least one try and one iteration");
  }
  for (std::size_t i = 0; params.initial_centers != nullptr && i < std::size_t{params.clusters} * params.dim;
       ++i) {
    if (!std::isfinite(params.initial_centers[i])) {
      return Status::Error(Code::kNonFinite,
                           "expected finite values, found NaN or infinity in the initial centers");
    }
  }
  return Status::Ok();
}

Status MeasureNorms(const KMeansParams& params, int threads, float* norms2, Progress& progress) {
  LowestRow bad_row;
  const RowBlocks blocks(params.rows, params.dim, threads);
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int) {
    for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i) {
      const float* row = params.data + i * params.dim;
      const double norm2 = Dot(row, row, params.dim);
      norms2[i] = static_cast<float>(norm2);
      if (!std::isfinite(norm2)) {
        bad_row.Report(i);
        return false;
      }
    }
    return progress.Add(0);
  });
  return bad_row.any() ? bad_row.NonFinite() : Status::Ok();
}

Status Cluster(const KMeansParams& params, KMeansOutput& output, const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  const std::uint32_t tries = params.initial_centers != nullptr ? 1 : params.n_init;
  Progress progress(options, std::uint64_t{tries} * params.max_iterations * params.rows);
  const Buffer<float> norms2(params.rows);
  const Status status = MeasureNorms(params, options.threads, norms2.get(), progress);
  if (!status.ok()) return status;
  const Status aborted = Status::Error(Code::kAborted, "the operation was aborted");
  if (progress.aborted()) return aborted;

  const std::size_t center_count = std::size_t{params.clusters} * params.dim;
  Lloyd lloyd(params, level, norms2.get(), options.threads, progress);
  Rng rng(params.seed);
  Buffer<float> centers(tries > 1 ? center_count : 0);
  Buffer<std::int32_t> labels(tries > 1 ? params.rows : 0);
  for (std::uint32_t attempt = 0; attempt < tries; ++attempt) {
    KMeansOutput result = output;
    if (attempt > 0) {
      result.centers = centers.get();
      result.labels = labels.get();
    }
    if (params.initial_centers != nullptr) {
      std::memcpy(result.centers, params.initial_centers, center_count * sizeof(float));
    } else {
      const std::vector<std::uint64_t> seeds =
          SeedRows(params, level, norms2.get(), options.threads, rng, progress);
      if (progress.aborted()) return aborted;
      for (std::size_t k = 0; k < seeds.size(); ++k) {
        std::memcpy(result.centers + k * params.dim, params.data + seeds[k] * params.dim,
                    params.dim * sizeof(float));
      }
    }
    if (!lloyd.Run(result)) return aborted;
    if (attempt > 0) {
      if (!(result.inertia < output.inertia)) continue;
      std::memcpy(output.centers, result.centers, center_count * sizeof(float));
      std::memcpy(output.labels, result.labels, params.rows * sizeof(std::int32_t));
    }
    output.inertia = result.inertia;
    output.iterations = result.iterations;
    output.converged = result.converged;
  }
  return Status::Ok();
}

}  // namespace

Status KMeans(const KMeansParams& params, KMeansOutput& output, const JobOptions& options) {
  try {
    const Status status = Check(params);
    return status.ok() ? Cluster(params, output, options) : status;
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for k-means");
  }
}

}  // namespace alfamix
