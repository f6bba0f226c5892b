// Centers, shifted like the rows, as the columns of a k-means product: score x . c - half_norm, in float32.
// The largest score is the nearest center: |x - c|^2 = |x|^2 - 2 * score.
//
// Weighted by w (Hartigan's moves), a column scores w * (x . c - |c|^2 / 2 - |x|^2 / 2) = -w * |x - c|^2 / 2:
// rows have their squared norm as one more dimension.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kmeans_progress.h"
#include "cpu/kmeans_rows.h"
#include "cpu/level_table.h"

namespace alfamix {

class KMeansColumns {
 public:
  KMeansColumns(const KMeansRows& rows, std::uint32_t most, bool weighted);

  // From now on `columns` of them, in any state; Write each.
  void Resize(std::uint32_t columns);

  // One column to write: a center, half its shifted squared norm, its weight.
  struct Column {
    std::uint32_t at;
    const float* center;
    double half_norm;
    float weight;
  };
  // In increasing order of `at`.
  void Write(const std::vector<Column>& columns);

  // The top two of n packed rows, in parts short enough to hear an abort in between.
  bool FindTopTwo(const float* packed, int n, const std::int32_t* own_columns, const AheadRows* ahead,
                  const TopTwo& out, KMeansProgress& progress) const;

  const Panels& panels() const { return panels_; }
  const float* half_norms() const { return half_norms_.get(); }

 private:
  void WritePanel(const Column* first, const Column* end);

  const KMeansRows& rows_;
  const LevelTable& level_;
  const bool weighted_;
  Buffer<float> data_;
  Buffer<float> half_norms_;
  Panels panels_;
};

// A bound of the rounding of the difference of two scores.
class ScoreError {
 public:
  explicit ScoreError(const KMeansRows& rows, bool weighted) : rows_(rows), weighted_(weighted) {}
  // Takes a center into account, by half its shifted squared norm.
  void Include(double half_norm) { half_norm_ = half_norm > half_norm_ ? half_norm : half_norm_; }
  // Infinite where products may leave float32.
  float Of(std::uint64_t row) const;

 private:
  const KMeansRows& rows_;
  const bool weighted_;
  double half_norm_ = 0;
};

}  // namespace alfamix
