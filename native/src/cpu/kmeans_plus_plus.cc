#include "kernels/kmeans_plus_plus.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#include "cpu/buffer.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/progress.h"
#include "cpu/rng.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Rows whose weights are summed together, in row order, before the sums are added: the same in TypeScript.
constexpr std::uint64_t kSumBlock = 1024;
// Multiply-adds between two looks at the abort flag.
constexpr std::uint64_t kWorkPerLook = 1 << 22;

class Sampler {
 public:
  Sampler(const KMeansPlusPlusParams& params, const LevelTable& level, int threads, Progress& progress,
          const PickedRows& output)
      : params_(params),
        level_(level),
        progress_(progress),
        output_(output),
        blocks_(params.rows, params.dim, threads),
        norms2_(params.rows),
        weight_(params.rows),
        seen_(params.rows),
        picked_(params.rows),
        sums_((params.rows + kSumBlock - 1) / kSumBlock) {
    std::fill_n(weight_.get(), params.rows, HUGE_VAL);
  }

  Status Run() {
    const Status status = MeasureNorms();
    if (!status.ok()) return status;
    Rng rng(params_.seed);
    Pick(params_.first_largest_norm ? Largest() : rng.Below(params_.rows));
    RefreshAll();
    for (std::uint64_t block = 0; block < BlockCount(); ++block) Sum(block);
    while (!progress_.aborted() && count_ < params_.clusters) TryOne(rng);
    if (progress_.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
    progress_.Add(params_.clusters);
    return Status::Ok();
  }

 private:
  std::uint64_t BlockCount() const { return (params_.rows + kSumBlock - 1) / kSumBlock; }

  double Product(std::uint64_t i, std::uint64_t j) const {
    const std::size_t dim = params_.dim;
    const std::size_t factor_dim = params_.factor_dim;
    const double product = level_.dot(params_.data + i * dim, params_.data + j * dim, dim);
    if (params_.factors == nullptr) return product;
    return product *
           level_.dot(params_.factors + i * factor_dim, params_.factors + j * factor_dim, factor_dim);
  }

  double Distance2(std::uint64_t i, std::uint64_t j) const {
    const std::size_t dim = params_.dim;
    if (params_.factors == nullptr)
      return level_.squared_distance(params_.data + i * dim, params_.data + j * dim, dim);
    return std::max(0.0, norms2_[i] + norms2_[j] - 2 * Product(i, j));
  }

  Status MeasureNorms() {
    LowestRow bad_row;
    ThreadPool::Instance().ParallelFor(blocks_.count(), blocks_.threads(), [&](std::uint64_t block, int) {
      for (std::uint64_t i = blocks_.First(block); i < blocks_.End(block); ++i) {
        norms2_[i] = Product(i, i);
        if (std::isfinite(norms2_[i])) continue;
        bad_row.Report(i);
        return false;
      }
      return progress_.Add(0);
    });
    return bad_row.any() ? bad_row.NonFinite() : Status::Ok();
  }

  std::uint64_t Largest() const {
    const double* norms2 = norms2_.get();
    return static_cast<std::uint64_t>(std::max_element(norms2, norms2 + params_.rows) - norms2);
  }

  void Pick(std::uint64_t row) {
    output_.rows[count_] = static_cast<std::int32_t>(row);
    output_.distance2[count_] = weight_[row];
    ++count_;
    weight_[row] = 0;
    picked_[row] = 1;
  }

  // Brings a row's weight up to date.
  void Refresh(std::uint64_t row) {
    for (; seen_[row] < count_; ++seen_[row]) {
      if (picked_[row]) continue;
      weight_[row] =
          std::min(weight_[row], Distance2(row, static_cast<std::uint64_t>(output_.rows[seen_[row]])));
    }
  }

  void RefreshAll() {
    ThreadPool::Instance().ParallelFor(blocks_.count(), blocks_.threads(), [&](std::uint64_t block, int) {
      for (std::uint64_t i = blocks_.First(block); i < blocks_.End(block); ++i) Refresh(i);
      return progress_.Add(0);
    });
  }

  void Sum(std::uint64_t block) {
    const std::uint64_t end = std::min((block + 1) * kSumBlock, params_.rows);
    double sum = 0;
    for (std::uint64_t i = block * kSumBlock; i < end; ++i) sum += weight_[i];
    sums_[block] = sum;
  }

  // One draw by the stale weights; it may be turned down.
  void TryOne(Rng& rng) {
    double total = 0;
    for (std::uint64_t block = 0; block < BlockCount(); ++block) total += sums_[block];
    if (!(total > 0)) {
      Pick(Unpicked(rng.Below(params_.rows - count_)));
      Look(kSumBlock);
      return;
    }
    const std::uint64_t row = Draw(rng.Uniform() * total);
    const double stale = weight_[row];
    const bool current = seen_[row] == count_;
    const std::uint64_t behind = count_ - seen_[row];
    Refresh(row);
    if (stale > 0 && (current || rng.Uniform() * stale < weight_[row])) Pick(row);
    Sum(row / kSumBlock);
    Look(behind * (params_.dim + params_.factor_dim) + BlockCount() + kSumBlock);
  }

  void Look(std::uint64_t work) {
    work_ += work;
    if (work_ < kWorkPerLook) return;
    work_ = 0;
    progress_.Add(count_ - told_);
    told_ = count_;
  }

  // The first row at which the running sum of the weights exceeds `target`; the last with weight if rounding
  // hides it.
  std::uint64_t Draw(double target) const {
    double before = 0;
    std::uint64_t last = 0;
    for (std::uint64_t block = 0; block < BlockCount(); ++block) {
      if (!(before + sums_[block] > target) && block + 1 < BlockCount()) {
        before += sums_[block];
        continue;
      }
      double running = before;
      const std::uint64_t end = std::min((block + 1) * kSumBlock, params_.rows);
      for (std::uint64_t i = block * kSumBlock; i < end; ++i) {
        running += weight_[i];
        if (weight_[i] > 0) last = i;
        if (running > target) return i;
      }
      before += sums_[block];
    }
    return last;
  }

  // The n-th row that isn't picked yet.
  std::uint64_t Unpicked(std::uint64_t n) const {
    for (std::uint64_t i = 0;; ++i) {
      if (!picked_[i] && n-- == 0) return i;
    }
  }

  const KMeansPlusPlusParams& params_;
  const LevelTable& level_;
  Progress& progress_;
  const PickedRows& output_;
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

}  // namespace

Status KMeansPlusPlus(const KMeansPlusPlusParams& params, const PickedRows& output,
                      const JobOptions& options) {
  if (params.dim == 0 || params.clusters == 0 || params.clusters > params.rows || params.rows > 0x7fffffff)
    return Status::Error(Code::kInvalidArgument, "expected dimensions, and clusters of 1 to rows");
  try {
    Progress progress(options, params.clusters);
    return Sampler(params, *LevelAt(options.level).table, options.threads, progress, output).Run();
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for k-means++");
  }
}

}  // namespace alfamix
