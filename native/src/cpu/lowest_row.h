// The lowest bad row that any thread met. Blocks are handed out in increasing order and each that was is
// finished, so it is the lowest of all.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernels/status.h"

namespace alfamix {

class LowestRow {
 public:
  void Report(std::uint64_t row) {
    std::uint64_t seen = row_.load(std::memory_order_relaxed);
    while (row < seen && !row_.compare_exchange_weak(seen, row, std::memory_order_relaxed)) {
    }
  }
  bool any() const { return row_.load(std::memory_order_relaxed) != kNone; }
  std::uint64_t row() const { return row_.load(std::memory_order_relaxed); }

  // The same sentences as the TypeScript twin's.
  Status NonFinite() const { return NonFiniteAt(row()); }
  static Status NonFiniteAt(std::uint64_t row) {
    return AtRow(row,
                 Status::Error(Code::kNonFinite, "expected finite values, found NaN or infinity in row %llu",
                               static_cast<unsigned long long>(row)));
  }
  Status TooLarge() const {
    return AtRow(row(),
                 Status::Error(Code::kNonFinite,
                               "expected values whose squares have a finite sum, found too large values in "
                               "row %llu: scale them down",
                               static_cast<unsigned long long>(row())));
  }

 private:
  static Status AtRow(std::uint64_t row, Status status) {
    status.row = static_cast<std::int64_t>(row);
    return status;
  }

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::atomic<std::uint64_t> row_{kNone};
};

}  // namespace alfamix
