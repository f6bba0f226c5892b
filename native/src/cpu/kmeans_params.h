// What every backend's k-means refuses before it begins.
#pragma once

#include <cmath>

#include "kernels/kmeans.h"

namespace alfamix {

inline Status CheckKMeansParams(const KMeansParams& params) {
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

}  // namespace alfamix
