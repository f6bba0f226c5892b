// One assignment pass of Lloyd: each row to its nearest center, as double precision would have it.
//
// The product x . c' with c' = c - m, m the mean of the centers, ranks the centers in float32: the nearest is
// the largest x . c' - (|c|^2 - |m|^2) / 2. Taking m off keeps the rounding as small as the spread of the
// centers, however far the data lies from the origin. Where the two best are closer than that rounding, the
// row's close centers are compared again by squared distances in double.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/level_table.h"
#include "cpu/panels.h"
#include "cpu/progress.h"
#include "cpu/row_blocks.h"
#include "kernels/kmeans.h"

namespace alfamix {

class KMeansAssign {
 public:
  // norms2: squared norms of the rows.
  KMeansAssign(const KMeansParams& params, const LevelTable& level, const float* norms2, int threads);

  // Updates `labels`, counts the rows that changed, and marks the clusters they left and joined. False when
  // aborted.
  bool Run(const float* centers, std::int32_t* labels, std::atomic<std::uint8_t>* touched,
           std::uint64_t* changed, Progress& progress);

 private:
  void Pack(const float* centers);
  std::int32_t NearestInDouble(const float* row, const float* centers, float close, float* scores) const;

  const KMeansParams& params_;
  const LevelTable& level_;
  const float* norms2_;
  const int threads_;
  PackedPanels panels_;
  Buffer<float> half_norms_;  // +inf in the padding
  std::vector<double> mean_;
  std::vector<float> shifted_;
  // Rounding of the difference of two scores: error_[0] * |x| + error_[1].
  float error_[2] = {0, 0};
  std::size_t slot_floats_;
  Buffer<float> scratch_;
};

}  // namespace alfamix
