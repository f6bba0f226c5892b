// k-means++ seeds (D^2 sampling): different rows, each drawn with probability proportional to the squared
// distance to those drawn before. Arthur and Vassilvitskii, 2007. With factors a the points are the outer
// products a_i x z_i, whose inner products are (a_i . a_j)(z_i . z_j): BADGE's gradient embeddings, never
// formed.
//
// Exactly the D^2 law without a pass over the rows for each: weights only fall, so a row drawn by its stale
// weight is brought up to date, accepted with probability fresh / stale, and else keeps the fresh weight. In
// double, the same rows as the TypeScript twin. Not for k-means itself, which seeds greedily (kmeans.h).
#pragma once

#include "kernels/job.h"
#include "kernels/k_center_greedy.h"
#include "kernels/status.h"

namespace alfamix {

struct KMeansPlusPlusParams {
  const float* data = nullptr;  // N x D, finite
  std::uint64_t rows = 0;       // N < 2^31
  std::uint32_t dim = 0;
  const float* factors = nullptr;   // N x F, finite; may be null
  std::uint32_t factor_dim = 0;     // F
  std::uint32_t clusters = 0;       // rows to draw, 1 ... N
  bool first_largest_norm = false;  // else the first is drawn uniformly
  std::uint64_t seed = 0;
};

// Errors: kInvalidArgument, kNonFinite (row), kOutOfMemory, kAborted.
Status KMeansPlusPlus(const KMeansPlusPlusParams& params, const PickedRows& output,
                      const JobOptions& options);

}  // namespace alfamix
