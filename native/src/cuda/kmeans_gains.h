// The gains of a batch of candidates: by how much the sum of D^2 falls where one becomes a seed, in double,
// summed in row order over 1,024 rows at a time and then over these sums, as on the CPU.
//
// Distances that may matter are computed once a batch and kept in lists, one for each 1,024 rows and
// candidate, in row order. A seed then is two launches, without the host: gains and the largest. Cost of a
// batch: the rows that any candidate captured are read once; 26 bytes a distance, and 10 again for each seed.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/kmeans_rows.h"

namespace alfamix::cuda {

// Rows whose weights are summed together before the sums are added: the same on the CPU.
constexpr std::uint32_t kSumRows = 1024;
constexpr std::uint32_t kMostCandidates = 64;

class KMeansDeviceGains {
 public:
  KMeansDeviceGains(const KMeansDeviceRows& rows, const Stream& stream, KMeansPace& pace);

  // Distances of the rows to the candidates whose bit they have set in `captured`; points: candidates x
  // stride.
  void List(const std::uint64_t* captured, const float* points);
  // Up to `seeds` candidates, each time the one with the largest gain, the lowest on a tie, none without a
  // gain; lowers `closest`.
  std::vector<std::int32_t> TakeBest(std::uint32_t seeds, std::uint32_t candidates, double* closest);
  // Memory it holds, but for the lists.
  static std::uint64_t Bytes(std::uint64_t rows);

 private:
  const KMeansDeviceRows& rows_;
  const Stream& stream_;
  KMeansPace& pace_;
  const std::uint32_t blocks_;
  DeviceBuffer<std::uint64_t> starts_;  // of the lists: blocks x kMostCandidates, then the end
  DeviceBuffer<double> gains_;          // blocks x kMostCandidates
  DeviceBuffer<std::int32_t> picks_;    // of a batch; -1: none
  DeviceBuffer<double> list_distances_;
  DeviceBuffer<std::uint16_t> list_rows_;  // within the 1,024
  PinnedBuffer<std::uint64_t> host_total_;
  PinnedBuffer<std::int32_t> host_picks_;
};

}  // namespace alfamix::cuda
