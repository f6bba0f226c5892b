// The rows of a pool as they are stored, on their way to the device: they are widened to float32 there, so
// that 16-bit pools cross the bus in half the time.
#pragma once

#include "cpu/row_reader.h"
#include "cuda/device.h"

namespace alfamix::cuda {

class PoolRows {
 public:
  explicit PoolRows(const RowSource& pool);
  Status Open() { return reader_.Open(); }

  std::size_t row_bytes() const { return std::size_t{pool_.dim} * BytesOf(dtype_); }
  // Rows as stored, `count` from `first`, to page-locked memory. Any thread may call.
  Status Fill(std::uint64_t first, std::uint64_t count, unsigned char* to) const;

  // float32 rows of at least `rows` stored rows on the device: those themselves, or copies in a buffer that
  // the next call uses again.
  const float* Widened(const void* stored, std::uint64_t rows, const Stream& stream);

 private:
  const RowSource pool_;
  const DType dtype_;  // of all rows on their way: float32 where files differ
  RowReader reader_;
  DeviceBuffer<float> widened_;
};

}  // namespace alfamix::cuda
