// The rows of a k-means on the device: gathered by index and scaled once, D values padded with zeros to whole
// 16 bytes. In double the rows are used as they are; products in float32 take `shift`, about their mean, off
// both sides, so that they round relative to the spread of the data and not to its distance from the origin.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/device.h"
#include "cuda/kmeans_pace.h"
#include "kernels/kmeans.h"
#include "kernels/status.h"

namespace alfamix::cuda {

class KMeansDeviceRows {
 public:
  KMeansDeviceRows(const KMeansParams& params, const JobOptions& options, const Stream& stream,
                   KMeansPace& pace);

  // Brings the rows to the device; shift and norms. kNonFinite names the lowest bad row.
  Status Upload();

  std::uint32_t size() const { return size_; }
  std::uint32_t dim() const { return dim_; }
  std::uint32_t stride() const { return stride_; }
  const float* data() const { return data_.get(); }    // M x stride
  const float* shift() const { return shift_.get(); }  // D, then zeros for a whole tile of the product
  const float* norms() const { return norms_.get(); }  // M, |x - shift|
  // Of K x stride values from K x D of the host's, and back.
  void CopyCentersIn(const float* centers, std::uint32_t count, const DeviceBuffer<float>& to) const;
  void CopyCentersOut(const DeviceBuffer<float>& from, std::uint32_t count, float* centers) const;
  // Rows `which` of the device, one after the other.
  void Gather(const std::uint32_t* which, std::uint32_t count, float* to) const;
  // |x_i - c|^2 in double with c row labels[i] of `points`, or the only one without labels.
  void MeasureDistances(const float* points, const std::int32_t* labels, double* out) const;

  // 4 * (D rounded up to 4).
  static std::uint64_t BytesARow(std::uint32_t dim) { return (dim + 3) / 4 * std::uint64_t{16}; }

 private:
  void FillPinned(std::uint64_t first, std::uint64_t n, float* to) const;
  void TakeShift();
  std::uint32_t shift_count() const { return (dim_ + 31) / 32 * 32; }

  const KMeansParams& params_;
  const JobOptions& options_;
  const Stream& stream_;
  KMeansPace& pace_;
  const std::uint32_t size_;
  const std::uint32_t dim_;
  const std::uint32_t stride_;
  DeviceBuffer<float> data_;
  DeviceBuffer<float> shift_;
  DeviceBuffer<float> norms_;
};

}  // namespace alfamix::cuda
