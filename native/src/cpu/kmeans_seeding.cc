#include "cpu/kmeans_seeding.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu/buffer.h"
#include "cpu/panels.h"
#include "cpu/reduce.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Rows whose weights are summed together, in row order, before the sums are added: the same in TypeScript.
constexpr std::uint64_t kSumBlock = 1024;
// Below this share of |x|^2 + |c|^2 a distance by expansion has lost too many digits; it is computed
// directly.
constexpr float kExpansionLimit = 1e-3f;

class Seeding {
 public:
  Seeding(const KMeansParams& params, const LevelTable& level, const float* norms2, int threads,
          Progress& progress)
      : params_(params),
        level_(level),
        norms2_(norms2),
        threads_(threads),
        progress_(progress),
        trials_(2 + static_cast<std::uint32_t>(std::floor(std::log(static_cast<double>(params.clusters))))),
        closest_(params.rows),
        candidates_(params.rows * trials_),
        panels_(level, params.dim, trials_),
        products_(static_cast<std::size_t>(threads) * kBlockRows * panels_.panels().padded) {
    std::fill_n(closest_.get(), params.rows, HUGE_VALF);
  }

  std::vector<std::uint64_t> Run(Rng& rng) {
    std::vector<std::uint64_t> chosen{rng.Below(params_.rows)};
    if (!Shrink(chosen, closest_.get())) return {};
    std::vector<double> sums(BlockCount());
    while (chosen.size() < params_.clusters) {
      const double total = BlockSums(closest_.get(), sums);
      if (!(total > 0)) {
        chosen.push_back(rng.Below(params_.rows));
        continue;
      }
      std::vector<std::uint64_t> drawn;
      for (std::uint32_t trial = 0; trial < trials_; ++trial)
        drawn.push_back(Draw(sums, rng.Uniform() * total));
      if (!Shrink(drawn, candidates_.get())) return {};
      std::uint32_t best = 0;
      double best_potential = HUGE_VAL;
      for (std::uint32_t trial = 0; trial < trials_; ++trial) {
        const double potential = BlockSums(candidates_.get() + trial * params_.rows, sums);
        if (potential < best_potential) {
          best_potential = potential;
          best = trial;
        }
      }
      chosen.push_back(drawn[best]);
      std::memcpy(closest_.get(), candidates_.get() + best * params_.rows, params_.rows * sizeof(float));
    }
    return chosen;
  }

 private:
  std::uint64_t BlockCount() const { return (params_.rows + kSumBlock - 1) / kSumBlock; }

  // out[t * rows + i] = min(closest[i], |x_i - x_drawn[t]|^2). False when aborted.
  bool Shrink(const std::vector<std::uint64_t>& drawn, float* out) {
    const std::size_t dim = params_.dim;
    for (std::uint32_t t = 0; t < drawn.size(); ++t) panels_.Set(t, params_.data + drawn[t] * dim);
    const Panels& panels = panels_.panels();
    const RowBlocks blocks(params_.rows, dim, threads_, panels.padded);
    ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int slot) {
      float* products = products_.get() + static_cast<std::size_t>(slot) * kBlockRows * panels.padded;
      for (std::uint64_t i = blocks.First(block); i < blocks.End(block); i += kBlockRows) {
        const int n = static_cast<int>(std::min<std::uint64_t>(kBlockRows, blocks.End(block) - i));
        level_.product(&panels, params_.data + i * dim, n, products);
        for (std::uint32_t t = 0; t < drawn.size(); ++t) {
          for (int r = 0; r < n; ++r) {
            const float distance2 = Distance2(i + r, drawn[t], products[r * panels.padded + t]);
            out[t * params_.rows + i + r] = std::min(closest_[i + r], distance2);
          }
        }
      }
      return progress_.Add(0);
    });
    return !progress_.aborted();
  }

  float Distance2(std::uint64_t row, std::uint64_t seed, float product) const {
    const float norms = norms2_[row] + norms2_[seed];
    const float distance2 = norms - 2 * product;
    if (distance2 > kExpansionLimit * norms) return distance2;
    const std::size_t dim = params_.dim;
    return static_cast<float>(SquaredDistance(params_.data + row * dim, params_.data + seed * dim, dim));
  }

  double BlockSums(const float* values, std::vector<double>& sums) const {
    double total = 0;
    for (std::uint64_t block = 0; block < sums.size(); ++block) {
      const std::uint64_t end = std::min((block + 1) * kSumBlock, params_.rows);
      double sum = 0;
      for (std::uint64_t i = block * kSumBlock; i < end; ++i) sum += static_cast<double>(values[i]);
      sums[block] = sum;
      total += sum;
    }
    return total;
  }

  // The first row at which the running sum of the weights exceeds `target`; the last row with weight if
  // rounding hides it.
  std::uint64_t Draw(const std::vector<double>& sums, double target) const {
    double before = 0;
    std::uint64_t last = 0;
    for (std::uint64_t block = 0; block < sums.size(); ++block) {
      if (!(before + sums[block] > target) && block + 1 < sums.size()) {
        before += sums[block];
        continue;
      }
      double running = before;
      const std::uint64_t end = std::min((block + 1) * kSumBlock, params_.rows);
      for (std::uint64_t i = block * kSumBlock; i < end; ++i) {
        running += static_cast<double>(closest_[i]);
        if (closest_[i] > 0) last = i;
        if (running > target) return i;
      }
      before += sums[block];
    }
    return last;
  }

  const KMeansParams& params_;
  const LevelTable& level_;
  const float* norms2_;
  const int threads_;
  Progress& progress_;
  const std::uint32_t trials_;
  Buffer<float> closest_;
  Buffer<float> candidates_;
  PackedPanels panels_;
  Buffer<float> products_;
};

}  // namespace

std::vector<std::uint64_t> SeedRows(const KMeansParams& params, const LevelTable& level, const float* norms2,
                                    int threads, Rng& rng, Progress& progress) {
  return Seeding(params, level, norms2, threads, progress).Run(rng);
}

}  // namespace alfamix
