// Gradient of the cross-entropy by the embedding, with the pseudo-label as target: W^T (p - e_y).
//
// Computed as (1 - p_y) W^T (r - e_y), r the softmax over the classes other than y, which doesn't cancel for
// a confident head. Agrees with double within 1e-4 of its norm: rows for which float32 can't vouch for that
// are computed in double. Cost: 2 * N * D * C multiply-adds.
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct PseudoLabelGradientParams {
  const float* data = nullptr;  // N x D, finite
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
  const float* weight = nullptr;  // C x D
  const float* bias = nullptr;    // C
  std::uint32_t classes = 0;      // C >= 2
  bool unit = false;              // divide by the norm; a zero gradient stays zero
};

struct PseudoLabelGradientOutput {
  float* gradient = nullptr;             // N x D
  std::int32_t* pseudo_label = nullptr;  // N
};

// Errors: kInvalidArgument, kNonFinite (row; -1 for the head), kOutOfMemory, kAborted.
Status PseudoLabelGradient(const PseudoLabelGradientParams& params, const PseudoLabelGradientOutput& output,
                           const JobOptions& options);

}  // namespace alfamix
