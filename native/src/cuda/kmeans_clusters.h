// Labels, members and means of a k-means under way on the device, as cpu/kmeans_clusters.h keeps them: the
// same rows for empty clusters, the same sums in double, in row order, and so the same bits.
//
// Rows are sorted by label, stably: ranks within parts of some hundred rows, sums over the parts, a place for
// each row; then a block of threads for each touched cluster and 128 dimensions walks its rows in order.
// Cost of an update: the rows are read once (4 * M * D bytes), the rest is some 60 bytes a row.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/kmeans_rows.h"

namespace alfamix::cuda {

class KMeansDeviceClusters {
 public:
  KMeansDeviceClusters(const KMeansDeviceRows& rows, std::uint32_t clusters, const Stream& stream,
                       KMeansPace& pace);

  // All labels -1, no rows anywhere; the centers are set by the caller.
  void Begin();
  const DeviceBuffer<float>& centers() const { return centers_; }  // K x stride
  std::int32_t* labels() const { return labels_.get(); }           // M
  double* distances() const { return distances_.get(); }           // M; scratch between calls

  // Each row goes to `to`; how many did not lie there.
  std::uint64_t Apply(const std::int32_t* to);
  // Each cluster without rows, in order, takes the row farthest from its own center; infinity is written to
  // `forget` of these rows.
  void FillEmpty(float* forget);
  // Means of the clusters that rows joined or left since. The clusters, increasing, whose center has other
  // bits now.
  std::vector<std::uint32_t> Average();
  // Sum of squared distances to the own center, in row order.
  double Inertia();
  // Memory it holds, beside the rows.
  static std::uint64_t Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters);

 private:
  void SortMembers();

  const KMeansDeviceRows& rows_;
  const std::uint32_t clusters_;
  const Stream& stream_;
  KMeansPace& pace_;
  const std::uint32_t part_rows_;  // of the sort
  const std::uint32_t parts_;
  DeviceBuffer<float> centers_;
  DeviceBuffer<double> sums_;  // K x stride, of means under way
  DeviceBuffer<std::int32_t> labels_;
  DeviceBuffer<double> distances_;
  DeviceBuffer<std::uint32_t> counts_;    // K, then how many rows moved
  DeviceBuffer<std::uint32_t> touched_;   // K
  DeviceBuffer<std::uint32_t> moved_;     // K, whether the center did
  DeviceBuffer<std::uint32_t> starts_;    // K
  DeviceBuffer<std::uint32_t> ranks_;     // M, within the part
  DeviceBuffer<std::uint32_t> in_parts_;  // K x parts: rows, then where they begin
  DeviceBuffer<std::uint32_t> members_;   // M, rows by cluster
  DeviceBuffer<double> farthest_;         // of blocks of rows
  DeviceBuffer<std::uint32_t> farthest_row_;
  PinnedBuffer<std::uint32_t> host_counts_;  // K + 1
  PinnedBuffer<std::uint32_t> host_moved_;   // K
};

}  // namespace alfamix::cuda
