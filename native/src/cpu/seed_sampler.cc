#include "cpu/seed_sampler.h"

#include <algorithm>
#include <cmath>

#include "cpu/lowest_row.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Rows whose weights are summed together, in row order, before the sums are added: the same in TypeScript.
constexpr std::uint64_t kSumBlock = 1024;
// Multiply-adds between two looks at the abort flag.
constexpr std::uint64_t kWorkPerLook = 1 << 22;

}  // namespace

SeedSampler::SeedSampler(const KMeansPlusPlusParams& params, const LevelTable& level, int threads,
                         Progress& progress, const PickedRows& output, FarDistances* far)
    : params_(params),
      level_(level),
      progress_(progress),
      output_(output),
      far_(far),
      blocks_(params.rows, params.dim, threads),
      norms2_(params.rows),
      weight_(params.rows),
      seen_(params.rows),
      picked_(params.rows),
      sums_((params.rows + kSumBlock - 1) / kSumBlock) {
  std::fill_n(weight_.get(), params.rows, HUGE_VAL);
}

Status SeedSampler::Run() {
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

std::uint64_t SeedSampler::BlockCount() const { return (params_.rows + kSumBlock - 1) / kSumBlock; }

double SeedSampler::Product(std::uint64_t i, std::uint64_t j) const {
  const std::size_t dim = params_.dim;
  const std::size_t factor_dim = params_.factor_dim;
  const double product = level_.dot(params_.data + i * dim, params_.data + j * dim, dim);
  if (params_.factors == nullptr) return product;
  return product * level_.dot(params_.factors + i * factor_dim, params_.factors + j * factor_dim, factor_dim);
}

double SeedSampler::Distance2(std::uint64_t i, std::uint64_t j) const {
  const std::size_t dim = params_.dim;
  if (params_.factors == nullptr)
    return level_.squared_distance(params_.data + i * dim, params_.data + j * dim, dim);
  return std::max(0.0, norms2_[i] + norms2_[j] - 2 * Product(i, j));
}

Status SeedSampler::MeasureNorms() {
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

std::uint64_t SeedSampler::Largest() const {
  const double* norms2 = norms2_.get();
  return static_cast<std::uint64_t>(std::max_element(norms2, norms2 + params_.rows) - norms2);
}

void SeedSampler::Pick(std::uint64_t row) {
  output_.rows[count_] = static_cast<std::int32_t>(row);
  output_.distance2[count_] = weight_[row];
  ++count_;
  weight_[row] = 0;
  picked_[row] = 1;
}

void SeedSampler::Refresh(std::uint64_t row) {
  const std::uint64_t missed = count_ - seen_[row];
  if (far_ == nullptr || picked_[row] || missed * (params_.dim + params_.factor_dim) < far_->LeastWork()) {
    RefreshHere(row);
    return;
  }
  weight_[row] = std::min(weight_[row], far_->Least(row, output_.rows, seen_[row], count_, norms2_.get()));
  seen_[row] = count_;
}

void SeedSampler::RefreshHere(std::uint64_t row) {
  for (; seen_[row] < count_; ++seen_[row]) {
    if (picked_[row]) continue;
    weight_[row] =
        std::min(weight_[row], Distance2(row, static_cast<std::uint64_t>(output_.rows[seen_[row]])));
  }
}

void SeedSampler::RefreshAll() {
  ThreadPool::Instance().ParallelFor(blocks_.count(), blocks_.threads(), [&](std::uint64_t block, int) {
    for (std::uint64_t i = blocks_.First(block); i < blocks_.End(block); ++i) RefreshHere(i);
    return progress_.Add(0);
  });
}

void SeedSampler::Sum(std::uint64_t block) {
  const std::uint64_t end = std::min((block + 1) * kSumBlock, params_.rows);
  double sum = 0;
  for (std::uint64_t i = block * kSumBlock; i < end; ++i) sum += weight_[i];
  sums_[block] = sum;
}

void SeedSampler::TryOne(Rng& rng) {
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

void SeedSampler::Look(std::uint64_t work) {
  work_ += work;
  if (work_ < kWorkPerLook) return;
  work_ = 0;
  progress_.Add(count_ - told_);
  told_ = count_;
}

std::uint64_t SeedSampler::Draw(double target) const {
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

std::uint64_t SeedSampler::Unpicked(std::uint64_t n) const {
  for (std::uint64_t i = 0;; ++i) {
    if (!picked_[i] && n-- == 0) return i;
  }
}

}  // namespace alfamix
