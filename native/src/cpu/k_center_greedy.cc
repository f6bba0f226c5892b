#include "kernels/k_center_greedy.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <new>

#include "cpu/buffer.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/progress.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Rows whose largest distance is kept, so that most of them need no look at all.
constexpr std::uint64_t kRowsPerBlock = 1024;
// Multiply-adds between two looks at the abort flag.
constexpr std::uint64_t kWorkPerLook = 1 << 22;

class Traversal {
 public:
  Traversal(const KCenterGreedyParams& params, const LevelTable& level, int threads, Progress& progress)
      : params_(params),
        level_(level),
        threads_(params.rows * params.dim < (1 << 16) ? 1 : threads),
        progress_(progress),
        blocks_((params.rows + kRowsPerBlock - 1) / kRowsPerBlock),
        count_(params.center_count),
        centers_((std::size_t{params.center_count} + params.budget) * params.dim),
        distance2_(params.rows),
        seen_(params.rows),
        largest_(blocks_) {
    const std::size_t given = std::size_t{count_} * params.dim;
    if (given > 0) std::memcpy(centers_.get(), params.centers, given * sizeof(float));
    std::fill_n(distance2_.get(), params.rows, HUGE_VAL);
    std::fill_n(largest_.get(), blocks_, HUGE_VAL);
  }

  // False when aborted.
  bool Run(const PickedRows& output) {
    for (std::uint32_t pick = 0; pick < params_.budget; ++pick) {
      farthest_ = -1;
      most_.store(-1, std::memory_order_relaxed);
      Visit(std::max_element(largest_.get(), largest_.get() + blocks_) - largest_.get());
      ThreadPool::Instance().ParallelFor(
          blocks_, threads_, [&](std::uint64_t block, int) { return Visit(block) && !progress_.aborted(); });
      if (progress_.aborted()) return false;
      output.rows[pick] = static_cast<std::int32_t>(farthest_);
      output.distance2[pick] = distance2_[farthest_];
      distance2_[farthest_] = -1;  // never again
      std::memcpy(centers_.get() + std::size_t{count_} * params_.dim,
                  params_.data + static_cast<std::size_t>(farthest_) * params_.dim,
                  params_.dim * sizeof(float));
      ++count_;
      if (!progress_.Add(1)) return false;
    }
    return true;
  }

 private:
  // Brings the rows of a block up to date that may be the farthest, and offers the best. False when aborted.
  bool Visit(std::uint64_t block) {
    if (largest_[block] < most_.load(std::memory_order_relaxed)) return true;
    const std::uint64_t end = std::min((block + 1) * kRowsPerBlock, params_.rows);
    std::uint64_t work = 0;
    double largest = -1;
    for (std::uint64_t i = block * kRowsPerBlock; i < end; ++i) {
      if (!(distance2_[i] < most_.load(std::memory_order_relaxed))) {
        if (!Refresh(i, &work)) return false;
        if (seen_[i] == count_) Offer(i);
      }
      largest = std::max(largest, distance2_[i]);
    }
    largest_[block] = largest;
    return true;
  }

  // Brings a row up to date while it is not below the farthest known; false when aborted.
  bool Refresh(std::uint64_t i, std::uint64_t* work) {
    const std::size_t dim = params_.dim;
    const float* row = params_.data + i * dim;
    while (seen_[i] < count_ && !(distance2_[i] < most_.load(std::memory_order_relaxed))) {
      const double d = level_.squared_distance(row, centers_.get() + std::size_t{seen_[i]} * dim, dim);
      distance2_[i] = std::min(distance2_[i], d);
      ++seen_[i];
      *work += dim;
      if (*work < kWorkPerLook) continue;
      *work = 0;
      if (!progress_.Add(0)) return false;
    }
    return true;
  }

  // The largest distance wins, the lowest row of equals: the same whatever the order of the offers.
  void Offer(std::uint64_t i) {
    if (distance2_[i] < 0) return;
    const std::lock_guard lock(mutex_);
    const double most = most_.load(std::memory_order_relaxed);
    const auto row = static_cast<std::int64_t>(i);
    if (distance2_[i] < most || (distance2_[i] == most && farthest_ < row)) return;
    farthest_ = row;
    most_.store(distance2_[i], std::memory_order_relaxed);
  }

  const KCenterGreedyParams& params_;
  const LevelTable& level_;
  const int threads_;
  Progress& progress_;
  const std::uint64_t blocks_;
  std::uint32_t count_;       // centers and picks so far
  Buffer<float> centers_;     // count_ x D
  Buffer<double> distance2_;  // to the nearest of the first seen_ centers; -1 for a picked row
  Buffer<std::uint32_t> seen_;
  Buffer<double> largest_;  // of a block's distances, or more
  std::atomic<double> most_{-1};
  std::int64_t farthest_ = -1;  // under the mutex
  std::mutex mutex_;
};

Status CheckRows(const KCenterGreedyParams& params, const LevelTable& level, int threads,
                 Progress& progress) {
  LowestRow bad_row;
  const std::size_t dim = params.dim;
  const RowBlocks blocks(params.rows, dim, threads);
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int) {
    for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i) {
      const float* row = params.data + i * dim;
      if (std::isfinite(level.dot(row, row, dim))) continue;
      bad_row.Report(i);
      return false;
    }
    return progress.Add(0);
  });
  return bad_row.any() ? bad_row.NonFinite() : Status::Ok();
}

}  // namespace

Status KCenterGreedy(const KCenterGreedyParams& params, const PickedRows& output, const JobOptions& options) {
  if (params.dim == 0 || params.budget == 0 || params.budget > params.rows || params.rows > 0x7fffffff)
    return Status::Error(Code::kInvalidArgument, "expected dimensions, and a budget of 1 to rows");
  try {
    const LevelTable& level = *LevelAt(options.level).table;
    Progress progress(options, params.budget);
    const Status status = CheckRows(params, level, options.threads, progress);
    if (!status.ok()) return status;
    Traversal traversal(params, level, options.threads, progress);
    if (!traversal.Run(output)) return Status::Error(Code::kAborted, "the operation was aborted");
    return Status::Ok();
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for k-Center-Greedy");
  }
}

}  // namespace alfamix
