// ALFA-Mix's alpha for one anchor a row: N x D, never N x K x D.
//
// Parvaneh et al., "Active Learning by Feature Mixing", CVPR 2022, eq. 6:
//   alpha = eps |d| g / (|g| d), d = A - z, eps = cap / sqrt(D);
// 0 where d is 0, otherwise unclamped (within float32's range). In double, rounded once: the same bytes at
// every level. Cost: one division an element.
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct ClosedFormAlphaParams {
  const float* data = nullptr;  // N x D, finite
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
  const float* anchors = nullptr;  // K x D
  std::uint32_t anchor_count = 0;
  const std::int32_t* anchor_index = nullptr;  // N: 0 ... K - 1, or -1 for a row of zeros
  const float* gradient = nullptr;             // N x D; only the direction counts
  double cap = 0;                              // of all rows
  const float* caps = nullptr;                 // or N, one a row
};

// alpha: N x D. Errors: kInvalidArgument (an anchor index out of range; row), kNonFinite (row), kOutOfMemory,
// kAborted.
Status ClosedFormAlpha(const ClosedFormAlphaParams& params, float* alpha, const JobOptions& options);

}  // namespace alfamix
