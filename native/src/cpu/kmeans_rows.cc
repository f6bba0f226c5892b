#include "cpu/kmeans_rows.h"

#include <algorithm>
#include <cmath>

#include "cpu/lowest_row.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Rows whose mean is the shift: any shift is right, a mean is good.
constexpr std::uint64_t kSample = 1024;

}  // namespace

KMeansRows::KMeansRows(const KMeansParams& params, const LevelTable& level, int threads)
    : params_(params), level_(level), threads_(threads), shift_(params.dim), norms_(params.rows) {
  // About 256 KiB: beside a panel of centers in the second-level cache.
  const int most = static_cast<int>(std::min<std::uint32_t>((1 << 16) / params.dim, kMostPacked));
  block_rows_ = std::max(most / level.pack_tile, 2) * level.pack_tile;
}

Status KMeansRows::Measure(KMeansProgress& progress) {
  const std::size_t dim = params_.dim;
  const std::uint64_t sample = std::min(params_.rows, kSample);
  std::vector<double> sum(dim);
  for (std::uint64_t s = 0; s < sample; ++s) AddTo(s * params_.rows / sample, sum.data());
  for (std::size_t j = 0; j < dim; ++j) {
    const float mean = static_cast<float>(sum[j] / static_cast<double>(sample));
    shift_[j] = std::isfinite(mean) ? mean : 0;  // the bad row is named below
  }

  LowestRow bad_row;
  const RowBlocks blocks(params_.rows, dim, threads_);
  std::vector<std::vector<float>> scratch(threads_, std::vector<float>(dim));
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int slot) {
    for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i) {
      const double norm2 = Distance2(i, shift_.data(), scratch[slot].data());
      norms_[i] = static_cast<float>(std::sqrt(norm2));
      if (!std::isfinite(norm2)) {
        bad_row.Report(i);
        return false;
      }
    }
    return progress.GoOn();
  });
  return bad_row.any() ? bad_row.NonFinite() : Status::Ok();
}

void KMeansRows::Pack(std::uint64_t first, const std::uint64_t* which, int n, bool with_norm2,
                      float* out) const {
  const float* rows[kMostPacked];
  float scales[kMostPacked];
  float norms2[kMostPacked];
  for (int r = 0; r < n; ++r) {
    const std::uint64_t i = which == nullptr ? first + r : which[r];
    rows[r] = SourceRow(params_, i);
    scales[r] = params_.scale == nullptr ? 1.0f : params_.scale[i];
    norms2[r] = norm2(i);
  }
  const PackSource source = {rows, params_.scale == nullptr ? nullptr : scales, shift_.data(),
                             with_norm2 ? norms2 : nullptr};
  level_.pack_rows(&source, n, params_.dim, out);
}

void KMeansRows::PackBf16(const Bf16Table& table, std::uint64_t first, int n, std::uint16_t* out,
                          float* error2) const {
  const float* rows[kMostPacked];
  for (int r = 0; r < n; ++r) rows[r] = SourceRow(params_, first + r);
  const PackSource source = {rows, params_.scale == nullptr ? nullptr : params_.scale + first, shift_.data(),
                             nullptr};
  table.pack_rows(&source, n, params_.dim, out, error2);
}

AheadRows KMeansRows::Ahead(std::uint64_t first, std::uint64_t count, const std::vector<std::uint64_t>* which,
                            const float** rows) const {
  const std::uint64_t end = std::min(first + static_cast<std::uint64_t>(block_rows_), count);
  int n = 0;
  for (std::uint64_t i = first; i < end; ++i)
    rows[n++] = SourceRow(params_, which == nullptr ? i : (*which)[i]);
  return {rows, n, params_.dim};
}

void KMeansRows::Shifted(std::uint64_t i, float* out) const {
  const float* row = Row(i, out);
  for (std::uint32_t j = 0; j < params_.dim; ++j) out[j] = row[j] - shift_[j];
  out[params_.dim] = norm2(i);
}

}  // namespace alfamix
