// k-means: seeds by batched greedy k-means++ (cpu/kmeans_seeding.h), then exact Lloyd or, after one update of
// it, Hartigan's moves (cpu/kmeans_hartigan.h).
//
// Labels are those of double-precision distances: close calls of the float32 product are decided again in
// double, in the order of the TypeScript twin, so both give the same labels; a near-tie, within about 1e-9,
// may go either way. Sums are in double, in row order, whatever the threads. An empty cluster takes the row
// farthest from its own center. Use: up to some thousand clusters at any D. Cost: 8 * M * K * D
// multiply-adds for the seeds; about 7 times M * K * D for all of Lloyd's iterations, which look at moved
// centers only (cpu/kmeans_assign.h).
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

enum class KMeansAlgorithm { kLloyd, kHartigan };

struct KMeansParams {
  // Row i is fl(scale[i] * data[index[i]]): clustered as if it were copied, without the copy.
  const float* data = nullptr;          // x D, finite where read
  const std::int32_t* index = nullptr;  // M, rows of data, checked by the caller; null: row i
  const float* scale = nullptr;         // M, finite; null: 1
  std::uint64_t rows = 0;               // M
  std::uint32_t dim = 0;                // D
  std::uint32_t clusters = 0;           // K, 1 ... M
  std::uint64_t seed = 0;
  const float* initial_centers = nullptr;  // K x D, or null: seed with k-means++
  std::uint32_t n_init = 1;                // seedings to try; the lowest inertia wins
  std::uint32_t max_iterations = 300;      // updates of the centers in one try
  KMeansAlgorithm algorithm = KMeansAlgorithm::kLloyd;
};

struct KMeansOutput {
  std::int32_t* labels = nullptr;  // M
  float* centers = nullptr;        // K x D
  double inertia = 0;              // sum of squared distances to the own center
  std::uint32_t iterations = 0;    // updates of the centers; one more assignment pass was made
  bool converged = false;
};

// Errors: kInvalidArgument, kNonFinite (row), kOutOfMemory, kAborted.
Status KMeans(const KMeansParams& params, KMeansOutput& output, const JobOptions& options);

}  // namespace alfamix
