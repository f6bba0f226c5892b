// How rows in memory are cut into blocks for ParallelFor: about 256 KiB each, whole product blocks, one
// thread when the whole is too small to share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/level_table.h"

namespace alfamix {

class RowBlocks {
 public:
  // `work`: multiply-adds a value, for the choice of one thread or more.
  RowBlocks(std::uint64_t rows, std::uint64_t dim, int threads, std::uint64_t work = 1)
      : rows_(rows),
        size_(std::max<std::uint64_t>((1 << 16) / std::max<std::uint64_t>(dim, 1) / kBlockRows * kBlockRows,
                                      kBlockRows)) {
    // A long block of much work would be deaf to an abort: at level scalar this much takes some 20 ms.
    while (size_ > kBlockRows && size_ * dim * work > (1 << 24))
      size_ = (size_ / 2 + kBlockRows - 1) / kBlockRows * kBlockRows;
    threads_ = rows * dim * work < (1 << 20) ? 1 : threads;
  }

  std::uint64_t count() const { return (rows_ + size_ - 1) / size_; }
  int threads() const { return threads_; }
  std::uint64_t First(std::uint64_t block) const { return block * size_; }
  std::uint64_t End(std::uint64_t block) const { return std::min(rows_, (block + 1) * size_); }

 private:
  std::uint64_t rows_;
  std::uint64_t size_;
  int threads_;
};

}  // namespace alfamix
