// Mixes each row with one anchor and gives the logits of the mix.
//
// Parvaneh et al., "Active Learning by Feature Mixing", CVPR 2022, eq. 1, as z + alpha * (A - z): the form
// (1 - alpha) z + alpha A cancels for large alpha. The mix is computed in double and rounded once, so it is
// the same bytes at every level; the logits are a float32 product. Cost: 16 bytes moved and C multiply-adds
// an element.
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct InterpolateParams {
  const float* data = nullptr;  // N x D, finite
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
  const float* anchors = nullptr;  // K x D
  std::uint32_t anchor_count = 0;
  const std::int32_t* anchor_index = nullptr;  // N: 0 ... K - 1, or -1 to leave the row as it is
  const float* alpha = nullptr;                // N x D
  const float* weight = nullptr;               // C x D
  const float* bias = nullptr;                 // C
  std::uint32_t classes = 0;                   // 0: no logits
};

struct InterpolateOutput {
  float* mixed = nullptr;   // N x D
  float* logits = nullptr;  // N x C
};

// Errors: kInvalidArgument (an anchor index out of range; row), kNonFinite (row: its mix isn't finite),
// kOutOfMemory, kAborted.
Status Interpolate(const InterpolateParams& params, const InterpolateOutput& output,
                   const JobOptions& options);

}  // namespace alfamix
