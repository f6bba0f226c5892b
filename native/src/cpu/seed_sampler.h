// The draws of k-means++ (kernels/kmeans_plus_plus.h), for every backend: where the distances of a row to
// many seeds are measured is the backend's choice, which rows are drawn is not.
#pragma once

#include <cstdint>

#include "cpu/buffer.h"
#include "cpu/level_table.h"
#include "cpu/progress.h"
#include "cpu/rng.h"
#include "cpu/row_blocks.h"
#include "kernels/kmeans_plus_plus.h"

namespace alfamix {

// Measures many distances of one row at once, elsewhere. Called on the thread of SeedSampler::Run, which lets
// through what it throws.
class FarDistances {
 public:
  virtual ~FarDistances() = default;
  // The least squared distance of a row to the seeds first ... last - 1 (`seeds`: their rows), the same bits
  // as SeedSampler's. norms2: of all rows.
  virtual double Least(std::uint64_t row, const std::int32_t* seeds, std::uint32_t first, std::uint32_t last,
                       const double* norms2) = 0;
  // Multiply-adds from which on it is asked.
  virtual std::uint64_t LeastWork() const = 0;
};

class SeedSampler {
 public:
  SeedSampler(const KMeansPlusPlusParams& params, const LevelTable& level, int threads, Progress& progress,
              const PickedRows& output, FarDistances* far = nullptr);

  Status Run();

 private:
  std::uint64_t BlockCount() const;
  double Product(std::uint64_t i, std::uint64_t j) const;
  double Distance2(std::uint64_t i, std::uint64_t j) const;
  Status MeasureNorms();
  std::uint64_t Largest() const;
  void Pick(std::uint64_t row);
  // Brings a row's weight up to date.
  void Refresh(std::uint64_t row);
  void RefreshHere(std::uint64_t row);
  void RefreshAll();
  void Sum(std::uint64_t block);
  // One draw by the stale weights; it may be turned down.
  void TryOne(Rng& rng);
  void Look(std::uint64_t work);
  // The first row at which the running sum of the weights exceeds `target`; the last with weight if rounding
  // hides it.
  std::uint64_t Draw(double target) const;
  // The n-th row that isn't picked yet.
  std::uint64_t Unpicked(std::uint64_t n) const;

  const KMeansPlusPlusParams& params_;
  const LevelTable& level_;
  Progress& progress_;
  const PickedRows& output_;
  FarDistances* const far_;
  const RowBlocks blocks_;
  std::uint32_t count_ = 0;  // rows picked
  std::uint32_t told_ = 0;
  std::uint64_t work_ = 0;
  Buffer<double> norms2_;
  Buffer<double> weight_;  // squared distance to the nearest of the first seen_ picks; 0 for a picked row
  Buffer<std::uint32_t> seen_;
  Buffer<std::uint8_t> picked_;
  Buffer<double> sums_;
};

}  // namespace alfamix
