// The flip search over rows that are on the device.
#pragma once

#include <cstdint>

#include "cuda/device.h"
#include "cuda/flip_view.h"
#include "kernels/flip_search.h"

namespace alfamix::cuda {

struct FlipKernel;  // cuda/flip_kernels.h
struct FlipScanArguments;

class FlipScan {
 public:
  // Head and anchors of `params` (its pool is not looked at but for dim), prepared and copied to the device;
  // for at most `most_rows` (below 2^32) at once. With anchor_count 0 the uncertainty scores alone. Throws
  // CudaFailure.
  FlipScan(const FlipSearchParams& params, std::uint64_t most_rows, const Stream& stream);

  // Queues the search of `count` rows, 16-byte aligned on the device; `first` of them is their number in the
  // pool. Nothing queued before on another stream may still be at it.
  void Run(const float* rows, std::uint64_t count, std::uint64_t first, const FlipDeviceOutput& out,
           const Stream& stream);

  // The same for the pseudo-label's gradient, count x D, where anchor_count is 0; of `out` only the labels
  // are needed.
  void RunGradient(const float* rows, std::uint64_t count, std::uint64_t first, bool unit, float* gradient,
                   const FlipDeviceOutput& out, const Stream& stream);

  // Of all runs so far, when they are done. Waits for the stream.
  FlipTally Tally(const Stream& stream) const;

 private:
  void UploadHead(const FlipSearchParams& params, const double* centered, const Stream& stream);
  void UploadAnchors(const FlipSearchParams& params, const Stream& stream);
  void MultiplyGram(bool one_values, const Stream& stream);
  void UploadColumns(const FlipSearchParams& params, const Stream& stream);
  void PlaceWork(std::uint64_t most_rows);
  void Start(FlipScanArguments& scan, std::uint64_t first, const Stream& stream);

  FlipView view_ = {};
  float weight_norm_ = 0;  // max |w_c|
  const FlipKernel* kernel_ = nullptr;
  std::uint32_t blocks_ = 0;
  std::uint32_t exact_blocks_ = 0;
  std::size_t shared_bytes_ = 0;
  std::size_t work_offset_ = 0;
  std::size_t matches_offset_ = 0;
  std::uint32_t work_floats_ = 0;
  std::uint32_t panels_ = 0;
  std::uint32_t depth_ = 0;
  DeviceBuffer<float> weight_, bias_, centered_, centered_by_dim_, gram_, whole_gram_;
  DeviceBuffer<float> anchors_, anchors_by_dim_, anchor_norm2_, columns_;
  DeviceBuffer<std::uint32_t> one_value_, one_value_matches_, open_;
  DeviceBuffer<double> exact_centered_, exact_work_;
  DeviceBuffer<float> work_, events_;
  DeviceBuffer<std::uint32_t> matches_;
  DeviceBuffer<FlipTally> tally_;
};

}  // namespace alfamix::cuda
