#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cpu/reduce.h"

namespace alfamix {

// Sums that leave float32 on the way may come back, or end in NaN: what isn't finite is summed again in
// double.
inline void RecheckLogits(const float* row, const float* weight, const float* bias, std::size_t dim,
                          std::uint32_t classes, float* logits) {
  for (std::uint32_t c = 0; c < classes; ++c) {
    if (std::isfinite(logits[c])) continue;
    logits[c] = static_cast<float>(Dot(row, weight + c * dim, dim) + static_cast<double>(bias[c]));
  }
}

}  // namespace alfamix
