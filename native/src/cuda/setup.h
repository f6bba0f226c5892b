// What calls put on the device before their rows come, and what they ask it when all have passed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cpu/lowest_row.h"
#include "cuda/device.h"

namespace alfamix::cuda {

template <typename T>
DeviceBuffer<T> Upload(const T* from, std::size_t count, const Stream& stream) {
  DeviceBuffer<T> to(count);
  CopyToDevice(to, from, count, stream);
  return to;
}

// Blocks for `items` of `items_per_block`, where each block goes on in steps of the grid: as many as the
// device can hold, not more.
inline unsigned BlocksFor(std::uint64_t items, std::uint64_t items_per_block) {
  const std::uint64_t blocks = (items + items_per_block - 1) / items_per_block;
  const auto most = static_cast<std::uint64_t>(DeviceProperties().multiProcessorCount) * 16;
  return static_cast<unsigned>(std::clamp<std::uint64_t>(blocks, 1, most));
}

// The lowest row that a kernel can't take, which it reports by atomicMin.
class BadRow {
 public:
  explicit BadRow(const Stream& stream) : row_(1) {
    Check(cudaMemsetAsync(row_.get(), 0xff, sizeof(unsigned long long), stream.get()), "clearing memory");
  }
  unsigned long long* get() const { return row_.get(); }
  // Once everything that may report has been waited for.
  Status Find(const Stream& stream) const {
    unsigned long long row = 0;
    CopyFromDevice(&row, row_.get(), 1, stream);
    stream.Synchronize();
    if (row == ~0ull) return Status::Ok();
    LowestRow lowest;
    lowest.Report(row);
    return lowest.NonFinite();
  }

 private:
  DeviceBuffer<unsigned long long> row_;
};

}  // namespace alfamix::cuda
