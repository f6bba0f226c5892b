// The rows of a k-means: by index and scaled, never copied as a whole; packed a block at a time.
//
// Distances don't change when all is shifted. Packed rows and centers have `shift`, about the mean of the
// rows, taken off, so that float32 rounds relative to the spread of the data, however far it lies from the
// origin.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kmeans_bf16.h"
#include "cpu/kmeans_progress.h"
#include "cpu/level_table.h"
#include "cpu/selected_row.h"
#include "kernels/kmeans.h"
#include "kernels/status.h"

namespace alfamix {

class KMeansRows {
 public:
  KMeansRows(const KMeansParams& params, const LevelTable& level, int threads);

  // Shift and norms; kNonFinite names the lowest bad row.
  Status Measure(KMeansProgress& progress);

  std::uint64_t size() const { return params_.rows; }
  std::uint32_t dim() const { return params_.dim; }
  const LevelTable& level() const { return level_; }
  const float* shift() const { return shift_.data(); }
  // |x - shift|, and its square.
  float norm(std::uint64_t i) const { return norms_[i]; }
  float norm2(std::uint64_t i) const { return norms_[i] * norms_[i]; }

  // Row i as the caller means it; `scratch` has room for D values.
  const float* Row(std::uint64_t i, float* scratch) const { return SelectedRow(params_, i, scratch); }
  void AddTo(std::uint64_t i, double* sum) const {
    level_.add_row(SourceRow(params_, i), params_.scale == nullptr ? 1.0f : params_.scale[i], params_.dim,
                   sum);
  }
  // In double, as the twin.
  double Distance2(std::uint64_t i, const float* center, float* scratch) const {
    return level_.squared_distance(Row(i, scratch), center, params_.dim);
  }

  // Rows first ... first + n - 1, or which[0 ... n - 1]; with their squared norm as one more dimension if
  // `with_norm2`.
  void Pack(std::uint64_t first, const std::uint64_t* which, int n, bool with_norm2, float* out) const;
  void PackBf16(const Bf16Table& table, std::uint64_t first, int n, std::uint16_t* out, float* error2) const;
  // The block that a thread is likely to pack next, of `count` rows, all or those of `which`; `rows` has room
  // for a block.
  AheadRows Ahead(std::uint64_t first, std::uint64_t count, const std::vector<std::uint64_t>* which,
                  const float** rows) const;
  // Row i as it is packed, but in one piece: D values, and its squared norm.
  void Shifted(std::uint64_t i, float* out) const;

  // Blocks of packed rows for ParallelFor.
  int block_rows() const { return block_rows_; }
  std::uint64_t Blocks(std::uint64_t rows) const { return (rows + block_rows_ - 1) / block_rows_; }
  std::size_t block_floats() const { return std::size_t(block_rows_) * PackedStride(params_.dim + 1); }
  // Threads for `rows` rows against `columns` columns.
  int ThreadsFor(std::uint64_t rows, std::uint64_t columns) const {
    return rows * params_.dim * columns < (1 << 20) ? 1 : threads_;
  }
  int threads() const { return threads_; }

 private:
  const KMeansParams& params_;
  const LevelTable& level_;
  const int threads_;
  int block_rows_;
  std::vector<float> shift_;
  Buffer<float> norms_;
};

}  // namespace alfamix
