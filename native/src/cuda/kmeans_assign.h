// Each row to its nearest center, as double precision would have it, the lowest on a tie.
//
// A tile product (cuda/tile_product.cuh) scores 128 rows against 128 centers at a time; a thread keeps the
// best two scores of its rows over all panels of centers in registers. Where they are closer than the scores
// may be off (cuda/kmeans_columns.cuh), some rows in a thousand, the row is listed and compared with every
// center again, in double. Nothing of size M x K is stored.
//
// Cost: 3 * M * K * D multiply-adds in TF32; rows come from device memory once, 4 * M * D bytes, and from the
// second-level cache for each 128 centers; 4 bytes a row are written.
#pragma once

#include <cstdint>

#include "cuda/kmeans_columns.cuh"

namespace alfamix::cuda {

class KMeansDeviceAssign {
 public:
  KMeansDeviceAssign(const KMeansDeviceRows& rows, std::uint32_t clusters, const Stream& stream,
                     KMeansPace& pace);

  // The nearest of K centers (K x stride) for each row.
  void Run(const float* centers, std::int32_t* to);
  // Memory it holds, beside the rows.
  static std::uint64_t Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters);

 private:
  void FindBest(std::int32_t* to);
  void DecideInDouble(const float* centers, std::int32_t* to);

  const KMeansDeviceRows& rows_;
  const std::uint32_t clusters_;
  const Stream& stream_;
  KMeansPace& pace_;
  KMeansDeviceColumns columns_;
  DeviceBuffer<std::uint32_t> close_;        // M, rows to decide in double
  DeviceBuffer<std::uint32_t> close_count_;  // 1
  PinnedBuffer<std::uint32_t> host_count_;
};

}  // namespace alfamix::cuda
