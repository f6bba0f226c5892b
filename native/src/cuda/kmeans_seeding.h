// Batched greedy k-means++ on the device: the draws, gains and ties of cpu/kmeans_seeding.h, and so its
// seeds.
//
// A batch: block sums of D^2 go to the host, which draws the candidates; one tile product over the rows
// marks, for each row, the candidates that may be nearer than its nearest seed; their distances are computed
// in double, and seeds taken by them (cuda/kmeans_gains.h). Cost: 3 * 8 * M * K * D multiply-adds in TF32, as
// the rows are read once for each 8 seeds; some 70 distances a row in double; memory: 16 bytes a row, and 10
// for each distance kept.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/rng.h"
#include "cuda/kmeans_columns.cuh"
#include "cuda/kmeans_gains.h"

namespace alfamix::cuda {

class KMeansDeviceSeeding {
 public:
  // `closest`: M values of scratch.
  KMeansDeviceSeeding(const KMeansDeviceRows& rows, std::uint32_t clusters, double* closest,
                      const Stream& stream, KMeansPace& pace);

  // K rows into `centers` (K x stride).
  void Run(Rng& rng, const DeviceBuffer<float>& centers);
  // Memory it holds beside the rows, but for the distances.
  static std::uint64_t Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters);

 private:
  void GatherPoints(const std::vector<std::uint32_t>& which, float* to);
  void SumWeights();
  std::vector<std::uint32_t> Draw(std::uint32_t count, Rng& rng);
  std::uint32_t DrawnRow(std::uint64_t block, double target, const double* values) const;
  void Capture(const std::vector<std::uint32_t>& candidates);

  const KMeansDeviceRows& rows_;
  const std::uint32_t clusters_;
  double* const closest_;  // D^2
  const Stream& stream_;
  KMeansPace& pace_;
  const std::uint64_t blocks_;  // of rows whose weights are summed together
  std::vector<double> before_;  // blocks + 1: the weights before each block, then all
  KMeansDeviceColumns columns_;
  KMeansDeviceGains gains_;
  DeviceBuffer<double> sums_;             // of blocks
  DeviceBuffer<std::uint64_t> captured_;  // M, bit t: candidate t may be nearer
  DeviceBuffer<float> points_;            // the candidates
  DeviceBuffer<std::uint32_t> drawn_;
  DeviceBuffer<double> drawn_values_;  // D^2 of the blocks drawn from
  PinnedBuffer<double> host_sums_;
  PinnedBuffer<std::uint32_t> host_drawn_;
  PinnedBuffer<double> host_values_;
};

}  // namespace alfamix::cuda
