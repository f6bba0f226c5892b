#include "cpu/kmeans_columns.h"

#include <algorithm>
#include <cmath>

#include "cpu/panels.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Multiply-adds between two looks at the abort.
constexpr std::uint64_t kPart = 1 << 25;
// Of the difference of two scores, relative to |x| |c|: a bound, which rows of one repeated value come near.
// A product of n dimensions in chains of 256, which are added up, rounds so often, each time by half a unit
// in the last place of what |x| |c| isn't below; 4 more for x' and c.
double RelativeError(std::uint32_t dim) {
  return 2.0 * (std::min(dim, 256u) + (dim + 255) / 256 + 4) * 5.9604644775390625e-8;
}

}  // namespace

KMeansColumns::KMeansColumns(const KMeansRows& rows, std::uint32_t most, bool weighted)
    : rows_(rows),
      level_(rows.level()),
      weighted_(weighted),
      data_(std::size_t{rows.dim() + (weighted ? 1 : 0)} * PackedPanels::RoundUp(most, level_.lanes)),
      half_norms_(PackedPanels::RoundUp(most, level_.lanes)),
      panels_{data_.get(), rows.dim() + (weighted ? 1 : 0), 0, 0} {}

void KMeansColumns::Resize(std::uint32_t columns) {
  panels_.columns = columns;
  panels_.padded = PackedPanels::RoundUp(columns, level_.lanes);
  // Padding keeps whatever is in its columns: finite, and never the best.
  std::fill(half_norms_.get() + columns, half_norms_.get() + panels_.padded, HUGE_VALF);
}

void KMeansColumns::Write(const std::vector<Column>& columns) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i == 0 || columns[i].at / level_.panel_width != columns[i - 1].at / level_.panel_width)
      starts.push_back(i);
  }
  starts.push_back(columns.size());
  const int threads = columns.size() * rows_.dim() < (1 << 16) ? 1 : rows_.threads();
  ThreadPool::Instance().ParallelFor(starts.size() - 1, threads, [&](std::uint64_t panel, int) {
    WritePanel(columns.data() + starts[panel], columns.data() + starts[panel + 1]);
    return true;
  });
}

void KMeansColumns::WritePanel(const Column* first, const Column* end) {
  const std::uint32_t begin = first->at / level_.panel_width * level_.panel_width;
  const std::uint32_t width = std::min(panels_.padded - begin, level_.panel_width);
  float* panel = data_.get() + std::size_t{begin} * panels_.dim;
  const float* shift = rows_.shift();
  const std::uint32_t dim = rows_.dim();
  for (const Column* column = first; column < end; ++column) {
    float* to = panel + (column->at - begin);
    for (std::uint32_t j = 0; j < dim; ++j)
      to[std::size_t{j} * width] = (column->center[j] - shift[j]) * column->weight;
    if (weighted_) to[std::size_t{dim} * width] = -0.5f * column->weight;
    half_norms_[column->at] = static_cast<float>(column->half_norm * static_cast<double>(column->weight));
  }
}

bool KMeansColumns::FindTopTwo(const float* packed, int n, const std::int32_t* own_columns,
                               const AheadRows* ahead, const TopTwo& out, KMeansProgress& progress) const {
  const std::uint64_t width = level_.panel_width;
  const std::uint64_t most = kPart / (static_cast<std::uint64_t>(n) * panels_.dim) / width * width;
  const auto part = static_cast<std::uint32_t>(std::max(most, width));
  if (panels_.padded <= part) {
    level_.top_two(&panels_, half_norms_.get(), packed, n, own_columns, ahead, &out);
    return true;
  }
  std::int32_t own[kMostPacked];
  std::int32_t nearest[kMostPacked];
  float best[kMostPacked];
  float second[kMostPacked];
  float own_score[kMostPacked];
  for (std::uint32_t first = 0; first < panels_.padded; first += part) {
    const Panels panels = {panels_.data + std::size_t{first} * panels_.dim, panels_.dim,
                           std::min(panels_.columns - first, part), std::min(panels_.padded - first, part)};
    for (int r = 0; r < n; ++r) own[r] = own_columns[r] - static_cast<std::int32_t>(first);
    const TopTwo found = {nearest, best, second, own_score};
    level_.top_two(&panels, half_norms_.get() + first, packed, n, own, first == 0 ? ahead : nullptr, &found);
    for (int r = 0; r < n; ++r) {
      if (first == 0) {
        out.nearest[r] = nearest[r];
        out.best[r] = best[r];
        out.second[r] = second[r];
        out.own[r] = own_score[r];
        continue;
      }
      out.own[r] = std::max(out.own[r], own_score[r]);
      if (best[r] > out.best[r]) {
        out.second[r] = std::max(out.best[r], second[r]);
        out.best[r] = best[r];
        out.nearest[r] = nearest[r] + static_cast<std::int32_t>(first);
      } else {
        out.second[r] = std::max(out.second[r], best[r]);
      }
    }
    if (!progress.GoOn()) return false;
  }
  return true;
}

float ScoreError::Of(std::uint64_t row) const {
  const double norm = static_cast<double>(rows_.norm(row));
  const double longest = std::sqrt(2 * half_norm_);
  double size = norm * longest + half_norm_;
  // Own scores are weighted by up to 3, and the row's norm takes part.
  if (weighted_) size = 2 * (size + norm * norm);
  if (!(size < 1e37)) return HUGE_VALF;
  // Products of tiny values round in steps of 2^-149.
  return static_cast<float>(RelativeError(rows_.dim()) * size + 4 * 1.4012984643e-45 * rows_.dim());
}

}  // namespace alfamix
