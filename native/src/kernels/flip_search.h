// ALFA-Mix's search for the smallest mix that changes a prediction, solved in closed form, and the
// uncertainty scores.
//
// Parvaneh et al., "Active Learning by Feature Mixing", CVPR 2022, eq. 5 and 6. With the paper's
// alpha = eps * |A_k - z| * g / (|g| * (A_k - z)) the mixed embedding is z + t * (g * m) / |g|, m_j = [A_kj
// != z_j], t = eps * |A_k - z|, eps = cap / sqrt(D): the logits are linear in t, and
//   flip_cap(z) = min over k of sqrt(D) * t_k / |A_k - z|,  t_k = min over u_c > u_y of (l_y - l_c) / (u_c -
//   u_y), u = W (g * m_k) / |g|,  g = W^T (r - e_y),  r = softmax over the classes other than y.
// Cost: one read of the pool; N * D * (C + K) multiply-adds for the product, N * C^2 for the epilogue.
// Memory: the outputs and a fixed buffer a thread.
#pragma once

#include "kernels/job.h"
#include "kernels/row_source.h"
#include "kernels/status.h"

namespace alfamix {

struct FlipSearchParams {
  RowSource pool;                  // N x D, finite
  const float* weight = nullptr;   // C x D
  const float* bias = nullptr;     // C
  std::uint32_t classes = 0;       // C >= 2
  const float* anchors = nullptr;  // K x D; may be null when K = 0
  std::uint32_t anchor_count = 0;  // K; 0 gives the uncertainty scores alone
};

// N values each, written in full when the call returns ok. The flips may be null, all three.
struct FlipSearchOutput {
  std::int32_t* pseudo_label = nullptr;
  float* confidence = nullptr;
  float* margin = nullptr;
  float* entropy = nullptr;             // nats
  float* flip_cap = nullptr;            // +inf: no flip
  std::int32_t* flip_anchor = nullptr;  // -1: no flip
  std::int32_t* flip_to = nullptr;      // -1: no flip
};

// Errors: kInvalidArgument, kNonFinite (row = the lowest bad row of the pool, -1 for head or anchors), kIo,
// kOutOfMemory, kAborted.
Status FlipSearch(const FlipSearchParams& params, const FlipSearchOutput& output, const JobOptions& options);

}  // namespace alfamix
