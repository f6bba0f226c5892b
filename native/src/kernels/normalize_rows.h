// Rows divided by their Euclidean norm (in double, rounded once); zero rows stay zero.
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct NormalizeRowsParams {
  const float* data = nullptr;  // M x D
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
};

// out: M x D, may be params.data. Errors: kNonFinite (row), kAborted.
Status NormalizeRows(const NormalizeRowsParams& params, float* out, const JobOptions& options);

}  // namespace alfamix
