// The head's logits of every row, in one read of the pool. Cost: N * D * C multiply-adds, and N * C floats of
// output: for strategies that need more of a prediction than scores (score_uncertainty.h).
#pragma once

#include "kernels/job.h"
#include "kernels/row_source.h"
#include "kernels/status.h"

namespace alfamix {

struct LogitsParams {
  RowSource pool;                 // N x D, finite
  const float* weight = nullptr;  // C x D, finite
  const float* bias = nullptr;    // C, finite
  std::uint32_t classes = 0;      // C >= 1
};

// logits: N x C. Errors: those of FlipSearch. Finite rows whose logits leave float32's range give infinities.
Status Logits(const LogitsParams& params, float* logits, const JobOptions& options);

}  // namespace alfamix
