#include "cpu/kmeans_assign.h"

#include <algorithm>
#include <cmath>

#include "cpu/reduce.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Several standard deviations of the rounding of a float32 product in chunks of 256, and of c' itself.
constexpr float kScoreError = 8 * 5.9604645e-8f;

}  // namespace

KMeansAssign::KMeansAssign(const KMeansParams& params, const LevelTable& level, const float* norms2,
                           int threads)
    : params_(params),
      level_(level),
      norms2_(norms2),
      threads_(threads),
      panels_(level, params.dim, params.clusters),
      half_norms_(panels_.panels().padded),
      mean_(params.dim),
      shifted_(params.dim),
      slot_floats_(kBlockRows * (level.panel_width + 3 * level.lanes) + panels_.panels().padded),
      scratch_(slot_floats_ * static_cast<std::size_t>(threads)) {}

void KMeansAssign::Pack(const float* centers) {
  const std::size_t dim = params_.dim;
  const std::uint32_t clusters = params_.clusters;
  std::fill(mean_.begin(), mean_.end(), 0.0);
  for (std::uint32_t k = 0; k < clusters; ++k) {
    for (std::size_t j = 0; j < dim; ++j) mean_[j] += static_cast<double>(centers[k * dim + j]);
  }
  for (double& x : mean_) x /= clusters;

  double longest2 = 0;
  double largest = 0;
  std::fill_n(half_norms_.get(), panels_.panels().padded, HUGE_VALF);
  for (std::uint32_t k = 0; k < clusters; ++k) {
    double norm2 = 0;
    double half_norm = 0;
    for (std::size_t j = 0; j < dim; ++j) {
      const double x = static_cast<double>(centers[k * dim + j]);
      const double shifted = x - mean_[j];
      shifted_[j] = static_cast<float>(shifted);
      norm2 += shifted * shifted;
      half_norm += shifted * (x + mean_[j]);
    }
    panels_.Set(k, shifted_.data());
    half_norms_[k] = static_cast<float>(half_norm / 2);
    longest2 = std::max(longest2, norm2);
    largest = std::max(largest, std::fabs(half_norm / 2));
  }
  error_[0] = kScoreError * static_cast<float>(std::sqrt(longest2));
  error_[1] = kScoreError * static_cast<float>(largest);
}

std::int32_t KMeansAssign::NearestInDouble(const float* row, const float* centers, float close,
                                           float* scores) const {
  const std::size_t dim = params_.dim;
  level_.product(&panels_.panels(), row, 1, scores);
  float best = -HUGE_VALF;
  for (std::uint32_t k = 0; k < params_.clusters; ++k) {
    scores[k] -= half_norms_[k];
    best = std::max(best, scores[k]);
  }
  std::int32_t nearest = 0;
  double smallest = HUGE_VAL;
  for (std::uint32_t k = 0; k < params_.clusters; ++k) {
    if (best - scores[k] > close) continue;  // NaN, from overflow, is compared in double
    const double distance2 = SquaredDistance(row, centers + k * dim, dim);
    if (distance2 < smallest) {
      smallest = distance2;
      nearest = static_cast<std::int32_t>(k);
    }
  }
  return nearest;
}

bool KMeansAssign::Run(const float* centers, std::int32_t* labels, std::atomic<std::uint8_t>* touched,
                       std::uint64_t* changed, Progress& progress) {
  Pack(centers);
  const std::size_t dim = params_.dim;
  const RowBlocks blocks(params_.rows, dim, threads_, panels_.panels().padded);
  std::atomic<std::uint64_t> changes{0};
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int slot) {
    float* scratch = scratch_.get() + slot_floats_ * static_cast<std::size_t>(slot);
    float* scores = scratch + kBlockRows * (level_.panel_width + 3 * level_.lanes);
    std::uint64_t block_changes = 0;
    for (std::uint64_t first = blocks.First(block); first < blocks.End(block); first += kBlockRows) {
      const int n = static_cast<int>(std::min<std::uint64_t>(kBlockRows, blocks.End(block) - first));
      std::int32_t nearest[kBlockRows];
      float best[kBlockRows];
      float second[kBlockRows];
      const TopTwo top = {nearest, best, second};
      level_.assign_block(&panels_.panels(), half_norms_.get(), params_.data + first * dim, n, scratch, &top);
      for (int r = 0; r < n; ++r) {
        const float* row = params_.data + (first + r) * dim;
        const float close = error_[0] * std::sqrt(norms2_[first + r]) + error_[1];
        if (!(best[r] - second[r] > close)) nearest[r] = NearestInDouble(row, centers, close, scores);
        std::int32_t& label = labels[first + r];
        if (nearest[r] == label) continue;
        if (label >= 0) touched[label].store(1, std::memory_order_relaxed);
        touched[nearest[r]].store(1, std::memory_order_relaxed);
        label = nearest[r];
        ++block_changes;
      }
    }
    changes.fetch_add(block_changes, std::memory_order_relaxed);
    return progress.Add(blocks.End(block) - blocks.First(block));
  });
  *changed = changes.load();
  return !progress.aborted();
}

}  // namespace alfamix
