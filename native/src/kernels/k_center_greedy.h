// Farthest-first traversal: each pick is the row farthest from all centers and earlier picks, the lowest row
// on a tie. Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach",
// ICLR 2018, "k-Center-Greedy"; Gonzalez, 1985.
//
// Exact, in double. Lazy: distances only fall as centers are added, so a row is brought up to date only while
// it could still be the farthest. Cost: at most N * D * (M + B) multiply-adds, on clustered data far fewer.
// Memory: 12 bytes a row, and a copy of the centers and picks.
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct KCenterGreedyParams {
  const float* data = nullptr;  // N x D, finite
  std::uint64_t rows = 0;       // N < 2^31
  std::uint32_t dim = 0;
  const float* centers = nullptr;  // M x D, finite
  std::uint32_t center_count = 0;  // M; 0: the first pick is row 0
  std::uint32_t budget = 0;        // 1 ... N
};

// In the order of the picks; +inf where there was no center yet.
struct PickedRows {
  std::int32_t* rows = nullptr;
  double* distance2 = nullptr;  // squared, to the nearest center or earlier pick
};

// Errors: kInvalidArgument, kNonFinite (row), kOutOfMemory, kAborted.
Status KCenterGreedy(const KCenterGreedyParams& params, const PickedRows& output, const JobOptions& options);

}  // namespace alfamix
