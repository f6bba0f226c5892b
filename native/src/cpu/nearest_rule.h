// What makes a member the nearest, once the distances are known: the same for every backend.
#pragma once

#include <algorithm>
#include <cmath>

#include "cpu/buffer.h"
#include "kernels/nearest_members.h"

namespace alfamix {

inline Status CheckLabels(const NearestMembersParams& params) {
  for (std::uint64_t i = 0; i < params.rows; ++i) {
    const std::int32_t k = params.labels[i];
    if (k >= 0 && static_cast<std::uint32_t>(k) < params.clusters) continue;
    Status status = Status::Error(Code::kInvalidArgument, "expected labels from 0 to %u, got %d in row %llu",
                                  params.clusters - 1, k, static_cast<unsigned long long>(i));
    status.row = static_cast<std::int64_t>(i);
    return status;
  }
  return Status::Ok();
}

// distance2: squared, of each row to its center.
inline void PickNearest(const NearestMembersParams& params, const double* distance2, std::int32_t* members) {
  const Buffer<double> smallest(params.clusters);
  std::fill_n(smallest.get(), params.clusters, HUGE_VAL);
  std::fill_n(members, params.clusters, -1);
  for (std::uint64_t i = 0; i < params.rows; ++i) {
    double& least = smallest[params.labels[i]];
    least = std::min(least, distance2[i]);
  }
  for (std::uint64_t i = 0; i < params.rows; ++i) {
    const std::int32_t k = params.labels[i];
    if (members[k] < 0 && distance2[i] <= smallest[k] + params.tolerance)
      members[k] = static_cast<std::int32_t>(i);
  }
}

}  // namespace alfamix
