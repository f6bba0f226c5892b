// The uncertainty scores alone: pseudo-label, confidence, margin and entropy of every row, in one read of the
// pool. Cost: N * D * C multiply-adds.
#pragma once

#include "kernels/job.h"
#include "kernels/row_source.h"
#include "kernels/status.h"

namespace alfamix {

struct ScoreUncertaintyParams {
  RowSource pool;                 // N x D, finite
  const float* weight = nullptr;  // C x D
  const float* bias = nullptr;    // C
  std::uint32_t classes = 0;      // C >= 2
};

// N values each.
struct UncertaintyScores {
  std::int32_t* pseudo_label = nullptr;
  float* confidence = nullptr;
  float* margin = nullptr;
  float* entropy = nullptr;  // nats
};

// Errors: those of FlipSearch.
Status ScoreUncertainty(const ScoreUncertaintyParams& params, const UncertaintyScores& output,
                        const JobOptions& options);

}  // namespace alfamix
