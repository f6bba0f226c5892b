// The pseudo-label's gradient after a tile's predictions, a few rows a warp:
//   W^T (p - e_y) = (1 - p_y) sum over c of r_c (w_c - w_y),  r = softmax over the classes other than y,
// which no confident head cancels.
//
// Cost: C D multiply-adds a row, two of them a word read from the L1 cache; twice for unit gradients.
#pragma once

#include "cuda/flip_kernels.h"
#include "cuda/flip_rows.cuh"

namespace alfamix::cuda {

constexpr std::uint32_t kGradientRows = 4;

__device__ inline void LeaveOpen(const FlipScanArguments& a, std::uint64_t row) {
  a.open[atomicAdd(&a.tally->open, 1u)] = static_cast<std::uint32_t>(row);
}

// Of kGradientRows rows of the tile from r, `row` of the pool's; each lane's part of the squared lengths into
// length2. Written, times `scale`, if kWrite.
template <bool kWrite>
__device__ void DirectionsOf(const FlipScanArguments& a, const FlipWork& w, std::uint32_t r,
                             std::uint64_t row, const float (&scale)[kGradientRows],
                             float (&length2)[kGradientRows]) {
  const FlipView v = a.view;
  std::int32_t label[kGradientRows];
  ALFAMIX_UNROLLED
  for (std::uint32_t i = 0; i < kGradientRows; ++i) {
    label[i] = w.label[r + i];
    length2[i] = 0.0f;
  }
  for (std::uint32_t j = Lane(); j < v.dim; j += kWarp) {
    float sum[kGradientRows] = {};
    float own[kGradientRows];
    ALFAMIX_UNROLLED
    for (std::uint32_t i = 0; i < kGradientRows; ++i)
      own[i] = v.weight[static_cast<std::size_t>(label[i]) * v.dim + j];
    for (std::uint32_t c = 0; c < v.classes; ++c) {
      const float weight = v.weight[static_cast<std::size_t>(c) * v.dim + j];
      const float* q = w.q + c * w.stride + r;
      // The label's own difference is zero.
      ALFAMIX_UNROLLED
      for (std::uint32_t i = 0; i < kGradientRows; ++i) sum[i] = fmaf(q[i], weight - own[i], sum[i]);
    }
    ALFAMIX_UNROLLED
    for (std::uint32_t i = 0; i < kGradientRows; ++i) {
      length2[i] = fmaf(sum[i], sum[i], length2[i]);
      if (kWrite && row + i < a.operands.row_count)
        a.gradient.values[(row + i) * v.dim + j] = scale[i] * sum[i];
    }
  }
}

__device__ inline void GradientOfRows(const FlipScanArguments& a, const FlipWork& w, std::uint32_t r,
                                      std::uint64_t row) {
  const GradientArguments& g = a.gradient;
  float scale[kGradientRows];
  float length2[kGradientRows];
  ALFAMIX_UNROLLED
  for (std::uint32_t i = 0; i < kGradientRows; ++i) scale[i] = w.u[r + i];
  if (g.unit) {
    DirectionsOf<false>(a, w, r, row, scale, length2);
  } else {
    DirectionsOf<true>(a, w, r, row, scale, length2);
  }
  ALFAMIX_UNROLLED
  for (std::uint32_t i = 0; i < kGradientRows; ++i) {
    length2[i] = SumOfWarp(length2[i]);
    scale[i] = 1.0f / sqrtf(length2[i]);
  }
  float again[kGradientRows];
  if (g.unit) DirectionsOf<true>(a, w, r, row, scale, again);
  if (Lane() != 0) return;
  ALFAMIX_UNROLLED
  for (std::uint32_t i = 0; i < kGradientRows; ++i) {
    if (row + i >= a.operands.row_count) continue;
    // Logits off by `error` move r by as much in all, the direction by 2 max|w_c| of that, and 1 - p_y by
    // `error` of itself.
    const float error = w.logit_error[r + i];
    const float length = sqrtf(length2[i]);
    const float least = kGradientLeft * g.weight_norm;
    // Written so that NaN fails.
    const bool sound = length2[i] > least * least && length2[i] > kLeastSquare && length2[i] < INFINITY &&
                       kGradientError > error * (1.0f + 2.0f * g.weight_norm / length);
    if (!sound) LeaveOpen(a, row + i);
  }
}

}  // namespace alfamix::cuda
