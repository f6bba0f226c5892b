// Each row to its nearest center, as double precision would have it, the lowest on a tie, looking at centers
// that moved only: the rule of cpu/kmeans_assign.h.
//
// A tile product (cuda/tile_product.cuh) scores 128 rows against 128 or 64 centers at a time. A pass over all
// centers takes each row's best two. Later passes multiply with the moved centers, and rows that these leave
// undecided, some in a hundred, with all centers; while most centers moved, all rows are. Where the best two
// of all are closer than scores may be off (cuda/kmeans_columns.cuh), some rows in a thousand, every center
// is compared again in double. Nothing of size M x K is stored.
//
// Cost of a full pass: 3 * M * K * D multiply-adds in TF32; rows come from device memory once, 4 * M * D
// bytes, and from the second-level cache for each 128 centers; 12 bytes a row are written. Lloyd's iterations
// take about 7 times that together. Memory: 16 bytes a row, and copies of 65,536 rows.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "cuda/kmeans_best_two.cuh"

namespace alfamix::cuda {

class KMeansDeviceAssign {
 public:
  KMeansDeviceAssign(const KMeansDeviceRows& rows, std::uint32_t clusters, const Stream& stream,
                     KMeansPace& pace);

  // Forgets all that is kept of the rows; all centers moved.
  void Reset();
  // These centers (increasing) moved since the last Run.
  void Move(std::vector<std::uint32_t> moved) { moved_ = std::move(moved); }
  // Bounds on the score of centers but the own: infinity makes a row be looked at.
  float* others() const { return others_.get(); }

  // The nearest of K centers (K x stride) for each row. `labels`: where rows are now, if not all centers
  // moved.
  void Run(const float* centers, const std::int32_t* labels, std::int32_t* to);
  // Memory it holds, beside the rows.
  static std::uint64_t Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters);

 private:
  void LookAtSome(const float* centers, const std::int32_t* labels, std::int32_t* to);
  void LookAtAll(const float* centers, std::int32_t* to, const std::uint32_t* which, std::uint32_t count);
  void DecideInDouble(const float* centers, std::int32_t* to);
  template <typename Shape, typename Rule>
  void Score(const KMeansDeviceColumns& columns, const float* rows, AssignArgs args, std::uint64_t n,
             std::uint32_t compared);
  std::uint32_t TakeCount(int list);

  const KMeansDeviceRows& rows_;
  const std::uint32_t clusters_;
  const Stream& stream_;
  KMeansPace& pace_;
  std::vector<std::uint32_t> moved_;
  KMeansDeviceColumns all_;
  KMeansDeviceColumns some_;
  DeviceBuffer<float> own_;                  // M, score of the own center
  DeviceBuffer<float> others_;               // M
  DeviceBuffer<std::uint32_t> look_;         // M, rows to compare with all centers
  DeviceBuffer<std::uint32_t> close_;        // M, rows to decide in double
  DeviceBuffer<std::uint32_t> counts_;       // of either
  DeviceBuffer<std::uint32_t> moved_list_;   // K
  DeviceBuffer<std::int32_t> own_columns_;   // K, of clusters among the moved, or -1
  DeviceBuffer<float> looked_at_;            // copies of rows
  PinnedBuffer<std::uint32_t> host_moved_;   // K
  PinnedBuffer<std::int32_t> host_columns_;  // K
  PinnedBuffer<std::uint32_t> host_count_;
};

}  // namespace alfamix::cuda
