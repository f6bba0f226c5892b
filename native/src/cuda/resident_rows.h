// Rows of the host that stay on the device for a whole call, padded with zeros to whole groups of four values
// so that they can be read 16 bytes at a time.
#pragma once

#include <cstdint>

#include "cuda/device.h"

namespace alfamix::cuda {

class ResidentRows {
 public:
  ResidentRows(const float* data, std::uint64_t rows, std::uint32_t dim)
      : data_(data), rows_(rows), dim_(dim), stride_((dim + 3) / 4 * 4) {}

  // Copies the rows to the device at the bus's rate. kOutOfMemory, with how much was needed, when they don't
  // fit; kNonFinite with the lowest row that isn't finite, where `finite` asks for that.
  Status Load(JobProgress& progress, const JobOptions& options, bool finite);

  const float* get() const { return device_.get(); }
  std::uint32_t stride() const { return stride_; }

 private:
  const float* data_;
  std::uint64_t rows_;
  std::uint32_t dim_;
  std::uint32_t stride_;
  DeviceBuffer<float> device_;
};

}  // namespace alfamix::cuda
