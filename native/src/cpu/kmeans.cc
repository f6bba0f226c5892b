#include "kernels/kmeans.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kmeans_assign.h"
#include "cpu/kmeans_clusters.h"
#include "cpu/kmeans_hartigan.h"
#include "cpu/kmeans_params.h"
#include "cpu/kmeans_progress.h"
#include "cpu/kmeans_rows.h"
#include "cpu/kmeans_seeding.h"
#include "cpu/levels.h"
#include "cpu/rng.h"

namespace alfamix {

namespace {

class Lloyd {
 public:
  Lloyd(const KMeansRows& rows, const KMeansParams& params, KMeansClusters& clusters)
      : params_(params),
        clusters_(clusters),
        assign_(rows, params.clusters, KMeansRule::kNearest),
        to_(rows.size()) {}

  // From output.centers until no label changes, or one update if `once`; false when aborted.
  bool Run(bool once, KMeansOutput& output, KMeansProgress& progress) {
    std::vector<std::uint32_t> changed;
    std::vector<std::uint32_t> moved(params_.clusters);
    std::iota(moved.begin(), moved.end(), 0u);
    std::vector<std::uint64_t> taken;
    assign_.Reset();
    for (output.iterations = 0;; ++output.iterations) {
      assign_.Move(output.centers, moved, nullptr);
      std::uint64_t moves = 0;
      if (!assign_.Run(output.centers, output.labels, to_.get(), &moves, progress)) return false;
      clusters_.Apply(to_.get());
      output.converged = moves == 0;
      if (output.converged || output.iterations >= params_.max_iterations) return true;
      taken.clear();
      if (!clusters_.FillEmpty(&taken, progress)) return false;
      for (const std::uint64_t row : taken) assign_.Forget(row);
      if (!clusters_.Average(&changed, &moved, nullptr, progress)) return false;
      if (once) return ++output.iterations, true;
    }
  }

 private:
  const KMeansParams& params_;
  KMeansClusters& clusters_;
  KMeansAssign assign_;
  Buffer<std::int32_t> to_;
};

// False when aborted.
bool Start(const KMeansRows& rows, const KMeansParams& params, Rng& rng, float* centers,
           KMeansProgress& progress) {
  const std::size_t dim = params.dim;
  if (params.initial_centers != nullptr) {
    std::memcpy(centers, params.initial_centers, params.clusters * dim * sizeof(float));
    return true;
  }
  const std::vector<std::uint64_t> seeds = SeedRows(rows, params.clusters, rng, progress);
  if (progress.aborted()) return false;
  for (std::size_t k = 0; k < seeds.size(); ++k) {
    const float* row = rows.Row(seeds[k], centers + k * dim);
    if (row != centers + k * dim) std::memcpy(centers + k * dim, row, dim * sizeof(float));
  }
  return true;
}

Status Cluster(const KMeansParams& params, KMeansOutput& output, const JobOptions& options) {
  const Status aborted = Status::Error(Code::kAborted, "the operation was aborted");
  const std::uint32_t tries = params.initial_centers != nullptr ? 1 : params.n_init;
  KMeansProgress progress(options, tries);
  KMeansRows rows(params, *LevelAt(options.level).table, options.threads);
  const Status status = rows.Measure(progress);
  if (!status.ok()) return status;
  if (progress.aborted()) return aborted;

  const std::size_t center_count = std::size_t{params.clusters} * params.dim;
  KMeansClusters clusters(rows, params.clusters);
  Lloyd lloyd(rows, params, clusters);
  Rng rng(params.seed);
  Buffer<float> centers(tries > 1 ? center_count : 0);
  Buffer<std::int32_t> labels(tries > 1 ? params.rows : 0);
  for (std::uint32_t attempt = 0; attempt < tries; ++attempt) {
    KMeansOutput result = output;
    if (attempt > 0) {
      result.centers = centers.get();
      result.labels = labels.get();
    }
    progress.BeginTry();
    if (!Start(rows, params, rng, result.centers, progress)) return aborted;
    clusters.Begin(result.labels, result.centers);
    const bool hartigan = params.algorithm == KMeansAlgorithm::kHartigan;
    if (!lloyd.Run(hartigan, result, progress)) return aborted;
    if (hartigan && !MoveRows(rows, params, clusters, result, progress)) return aborted;
    if (!clusters.Inertia(&result.inertia, progress)) return aborted;
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
    const Status status = CheckKMeansParams(params);
    return status.ok() ? Cluster(params, output, options) : status;
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for k-means");
  }
}

}  // namespace alfamix
