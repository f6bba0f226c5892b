// k-means on the device: the CPU kernel's seeds, labels, centers, inertia and iterations, to the bit but for
// near-ties in double (cpu/kmeans.cc; kernels/kmeans.h says what they are).
//
// The rows are copied to the device once and stay there; the host steers. An iteration is an assignment
// (cuda/kmeans_assign.h) of all rows, and new means of the clusters that changed (cuda/kmeans_clusters.h).
// Hartigan's moves follow one another row by row: seeds and the first iteration are computed here, the moves
// by the CPU's code on the host's rows.
//
// Memory: 4 bytes a value, about 64 a row, and in early batches of the seeding some 70 a row more; where that
// doesn't fit, OUT_OF_MEMORY says how much is needed.
#include <algorithm>
#include <memory>

#include "cpu/kmeans_clusters.h"
#include "cpu/kmeans_hartigan.h"
#include "cpu/kmeans_params.h"
#include "cpu/levels.h"
#include "cuda/kernels.h"
#include "cuda/kmeans_assign.h"
#include "cuda/kmeans_clusters.h"
#include "cuda/kmeans_rows.h"
#include "cuda/kmeans_seeding.h"

namespace alfamix::cuda {

KMeansSizes kmeans_sizes;

namespace {

constexpr std::uint64_t kMostRows = 0x7fffffff;

std::uint64_t NeededBytes(const KMeansParams& params) {
  const std::uint64_t labels = params.rows * sizeof(std::int32_t);
  const std::uint64_t norms = params.rows * sizeof(float);
  return params.rows * KMeansDeviceRows::BytesARow(params.dim) + norms + labels +
         KMeansDeviceClusters::Bytes(params.rows, params.dim, params.clusters) +
         KMeansDeviceAssign::Bytes(params.rows, params.dim, params.clusters) +
         (params.initial_centers != nullptr
              ? 0
              : KMeansDeviceSeeding::Bytes(params.rows, params.dim, params.clusters));
}

Status CheckMemory(const KMeansParams& params) {
  std::size_t free = 0;
  std::size_t total = 0;
  Check(cudaMemGetInfo(&free, &total), "asking for the device's memory");
  const std::uint64_t needed = NeededBytes(params);
  if (params.rows <= kMostRows && needed <= free) return Status::Ok();
  return Status::Error(Code::kOutOfMemory,
                       "k-means of %llu rows of %u values needs %llu MB of the device's memory, %llu MB are "
                       "free",
                       static_cast<unsigned long long>(params.rows), params.dim,
                       static_cast<unsigned long long>((needed >> 20) + 1),
                       static_cast<unsigned long long>(free >> 20));
}

class Run {
 public:
  Run(const KMeansParams& params, const JobOptions& options, std::uint32_t tries)
      : params_(params),
        options_(options),
        tries_(tries),
        pace_(options, tries, stream_),
        rows_(params, options, stream_, pace_),
        clusters_(rows_, params.clusters, stream_, pace_),
        assign_(rows_, params.clusters, stream_, pace_),
        seeding_(rows_, params.clusters, clusters_.distances(), stream_, pace_),
        to_(params.rows) {}

  Status Cluster(KMeansOutput& output) {
    const QuietStream quiet{stream_};
    const Status status = rows_.Upload();
    if (!status.ok()) return status;
    Rng rng(params_.seed);
    for (std::uint32_t attempt = 0; attempt < tries_; ++attempt) {
      pace_.progress().BeginTry();
      if (params_.initial_centers != nullptr)
        rows_.CopyCentersIn(params_.initial_centers, params_.clusters, clusters_.centers());
      else
        seeding_.Run(rng, clusters_.centers());
      Try(attempt, output);
    }
    return Status::Ok();
  }

 private:
  // From the centers; into `output` where it is the best so far.
  void Try(std::uint32_t attempt, KMeansOutput& output) {
    clusters_.Begin();
    KMeansOutput result = output;
    const bool hartigan = params_.algorithm == KMeansAlgorithm::kHartigan;
    Lloyd(hartigan, result);
    if (hartigan) return MoveOnHost(attempt, result, output);
    result.inertia = clusters_.Inertia();
    if (attempt > 0 && !(result.inertia < output.inertia)) return;
    CopyOut(result);
    output = result;
  }

  // Until no label changes, or one update if `once`.
  void Lloyd(bool once, KMeansOutput& result) {
    assign_.Reset();
    for (result.iterations = 0;; ++result.iterations) {
      assign_.Run(clusters_.centers().get(), clusters_.labels(), to_.get());
      result.converged = clusters_.Apply(to_.get()) == 0;
      if (result.converged || result.iterations >= params_.max_iterations) return;
      clusters_.FillEmpty(assign_.others());
      assign_.Move(clusters_.Average());
      if (!once) continue;
      ++result.iterations;
      return;
    }
  }

  void CopyOut(const KMeansOutput& result) {
    const std::uint64_t part = std::min(kmeans_sizes.copied, params_.rows);
    const PinnedBuffer<std::int32_t> pinned(part);
    const QuietStream quiet{stream_};
    for (std::uint64_t first = 0; first < params_.rows; first += part) {
      const std::uint64_t n = std::min(part, params_.rows - first);
      CopyFromDevice(pinned.get(), clusters_.labels() + first, n, stream_);
      pace_.Wait();
      std::copy_n(pinned.get(), n, result.labels + first);
    }
    rows_.CopyCentersOut(clusters_.centers(), params_.clusters, result.centers);
  }

  void MoveOnHost(std::uint32_t attempt, KMeansOutput& result, KMeansOutput& output) {
    KMeansProgress& progress = pace_.progress();
    const std::size_t center_count = std::size_t{params_.clusters} * params_.dim;
    if (host_rows_ == nullptr) {
      host_rows_ = std::make_unique<KMeansRows>(params_, *LevelAt(LevelCount() - 1).table, options_.threads);
      // Their values are finite: the device has looked.
      host_rows_->Measure(progress);
      host_clusters_ = std::make_unique<KMeansClusters>(*host_rows_, params_.clusters);
      host_to_ = Buffer<std::int32_t>(params_.rows);
      if (tries_ > 1) {
        host_labels_ = Buffer<std::int32_t>(params_.rows);
        host_centers_ = Buffer<float>(center_count);
      }
    }
    if (attempt > 0) {
      result.labels = host_labels_.get();
      result.centers = host_centers_.get();
    }
    CopyOut(result);
    std::copy_n(result.labels, params_.rows, host_to_.get());
    host_clusters_->Begin(result.labels, result.centers);
    host_clusters_->Apply(host_to_.get());
    if (progress.aborted() || !MoveRows(*host_rows_, params_, *host_clusters_, result, progress) ||
        !host_clusters_->Inertia(&result.inertia, progress))
      throw JobAborted{};
    if (attempt > 0 && !(result.inertia < output.inertia)) return;
    if (attempt > 0) {
      std::copy_n(result.labels, params_.rows, output.labels);
      std::copy_n(result.centers, center_count, output.centers);
      result.labels = output.labels;
      result.centers = output.centers;
    }
    output = result;
  }

  const KMeansParams& params_;
  const JobOptions& options_;
  const std::uint32_t tries_;
  const Stream stream_;
  KMeansPace pace_;
  KMeansDeviceRows rows_;
  KMeansDeviceClusters clusters_;
  KMeansDeviceAssign assign_;
  KMeansDeviceSeeding seeding_;
  DeviceBuffer<std::int32_t> to_;
  // Of Hartigan's moves.
  std::unique_ptr<KMeansRows> host_rows_;
  std::unique_ptr<KMeansClusters> host_clusters_;
  Buffer<std::int32_t> host_to_;
  Buffer<std::int32_t> host_labels_;
  Buffer<float> host_centers_;
};

}  // namespace

Status KMeans(const KMeansParams& params, KMeansOutput& output, const JobOptions& options) {
  Status status = CheckKMeansParams(params);
  if (!status.ok()) return status;
  return Guarded(options, [&] {
    status = CheckMemory(params);
    if (!status.ok()) return status;
    Run run(params, options, params.initial_centers != nullptr ? 1 : params.n_init);
    return run.Cluster(output);
  });
}

}  // namespace alfamix::cuda
