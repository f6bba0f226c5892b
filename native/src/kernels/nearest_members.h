// For each cluster the member nearest its center; among members within `tolerance` of the smallest squared
// distance the lowest row, so that a two-member cluster, always an exact tie, gives the same row at every
// precision.
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct NearestMembersParams {
  // Row i is fl(scale[i] * data[index[i]]), as in kernels/kmeans.h.
  const float* data = nullptr;           // x D
  const std::int32_t* index = nullptr;   // M, rows of data, checked by the caller; null: row i
  const float* scale = nullptr;          // M; null: 1
  std::uint64_t rows = 0;                // M
  std::uint32_t dim = 0;                 // D
  const float* centers = nullptr;        // K x D
  std::uint32_t clusters = 0;            // K
  const std::int32_t* labels = nullptr;  // M, each 0 ... K - 1
  double tolerance = 1e-5;
};

// members: K rows, -1 for an empty cluster. Errors: kInvalidArgument (a label out of range; row), kNonFinite,
// kOutOfMemory, kAborted.
Status NearestMembers(const NearestMembersParams& params, std::int32_t* members, const JobOptions& options);

}  // namespace alfamix
