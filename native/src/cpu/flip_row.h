// The flip search of one row in double: the same sums in the same order as
// packages/core/src/kernels/js/flip-row.ts. Decides the rows that float32 can't vouch for.
#pragma once

#include <cstdint>

#include "cpu/buffer.h"
#include "kernels/flip_search.h"

namespace alfamix {

// Head and anchors for FlipRow, prepared once a call.
class FlipRowTables {
 public:
  explicit FlipRowTables(const FlipSearchParams& params);

  const FlipSearchParams& params() const { return params_; }
  // C x D weight without what all classes share: its first row, then the mean of the rest. q sums to zero and
  // only differences of u matter, so the flips stay the same, and identical head rows give exactly no
  // gradient.
  const double* centered() const { return centered_.get(); }

 private:
  const FlipSearchParams params_;
  Buffer<double> centered_;
};

// What a flip search asks of its arguments, the pool's rows aside; on every device.
Status CheckFlipSearch(const FlipSearchParams& params);

// One thread's scratch for FlipRow.
struct FlipRowScratch {
  FlipRowScratch() = default;
  FlipRowScratch(std::uint32_t classes, std::uint32_t dim)
      : logits(classes), q(classes), u(classes), masked(classes), g(dim) {}
  Buffer<double> logits, q, u, masked, g;
};

struct FlipRowResult {
  std::int32_t pseudo_label;
  float confidence, margin, entropy;
  double doubt;  // 1 - confidence, without the cancellation
  float flip_cap;
  std::int32_t flip_anchor, flip_to;
};

// The prediction alone: leaves logits and q = r - e_y in the scratch. False when the row holds NaN or
// infinity.
bool PredictRow(const FlipRowTables& tables, const float* z, const FlipRowScratch& scratch,
                FlipRowResult* out);

// After PredictRow: W^T q, the direction of the pseudo-label's gradient, into scratch.g. Returns its squared
// norm.
double GradientRow(const FlipRowTables& tables, std::uint32_t label, const FlipRowScratch& scratch);

// Both, and the flip search. False when the row holds NaN or infinity.
bool FlipRow(const FlipRowTables& tables, const float* z, const FlipRowScratch& scratch, FlipRowResult* out);

}  // namespace alfamix
