#include "bench/check_results.h"

#include <algorithm>
#include <cmath>

#include "cpu/flip_row.h"

namespace alfamix::bench {

namespace {

// The step along the row's ray at which class `to` overtakes the label, as an alpha cap, from the
// definition. After GradientRow.
double CapOf(const FlipSearchParams& params, const FlipRowScratch& scratch, double norm2, const float* row,
             std::int32_t label, std::int32_t anchor, std::int32_t to) {
  const std::uint32_t dim = params.pool.dim;
  const float* target = params.anchors + static_cast<std::size_t>(anchor) * dim;
  const float* ahead = params.weight + static_cast<std::size_t>(label) * dim;
  const float* behind = params.weight + static_cast<std::size_t>(to) * dim;
  double gain = 0, distance2 = 0;
  for (std::uint32_t j = 0; j < dim; ++j) {
    const double delta = static_cast<double>(target[j]) - static_cast<double>(row[j]);
    distance2 += delta * delta;
    if (target[j] != row[j])
      gain += scratch.g[j] * (static_cast<double>(behind[j]) - static_cast<double>(ahead[j]));
  }
  if (!(gain > 0)) return HUGE_VAL;
  return (scratch.logits[label] - scratch.logits[to]) / gain * std::sqrt(dim * norm2 / distance2);
}

bool Near(double a, double b, double tolerance) { return std::fabs(a - b) <= tolerance; }

// What is wrong with a row, or null.
const char* WrongFlip(const FlipRowTables& tables, const FlipRowScratch& scratch, const FoundFlip& found) {
  const FlipSearchParams& params = tables.params();
  FlipRowResult exact;
  if (!FlipRow(tables, found.row.data(), scratch, &exact)) return "a row that isn't finite";
  if (found.pseudo_label != exact.pseudo_label) return "pseudo-label";
  if (!Near(found.confidence, exact.confidence, 2e-5)) return "confidence";
  if (!Near(found.margin, exact.margin, 2e-5)) return "margin";
  if (!Near(found.entropy, exact.entropy, 2e-5)) return "entropy";
  if (params.anchor_count == 0) return nullptr;
  if (std::isinf(exact.flip_cap)) {
    const bool none = found.flip_cap == HUGE_VALF && found.flip_anchor == -1 && found.flip_to == -1;
    return none ? nullptr : "a flip where there is none";
  }
  const double tolerance = 1e-5 + 1e-4 * static_cast<double>(exact.flip_cap);
  if (!Near(found.flip_cap, exact.flip_cap, tolerance)) return "flip cap";
  if (static_cast<std::uint32_t>(found.flip_anchor) >= params.anchor_count) return "flip anchor";
  if (static_cast<std::uint32_t>(found.flip_to) >= params.classes) return "flip class";
  if (found.flip_anchor == exact.flip_anchor && found.flip_to == exact.flip_to) return nullptr;
  // Another anchor or class than FlipRow's only where its cap is as small.
  PredictRow(tables, found.row.data(), scratch, &exact);
  const double norm2 = GradientRow(tables, static_cast<std::uint32_t>(exact.pseudo_label), scratch);
  const double cap =
      CapOf(params, scratch, norm2, found.row.data(), exact.pseudo_label, found.flip_anchor, found.flip_to);
  return Near(cap, found.flip_cap, 2 * tolerance) ? nullptr : "flip anchor or class";
}

double SquaredDistance(const float* a, const float* b, std::uint32_t dim) {
  double sum = 0;
  for (std::uint32_t j = 0; j < dim; ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

std::vector<std::uint64_t> RowsToCheck(std::uint64_t rows, std::uint32_t dim) {
  std::vector<std::uint64_t> chosen;
  const auto around = [&](std::uint64_t row) {
    for (std::uint64_t i = row < 4 ? 0 : row - 4; i < std::min(row + 4, rows); ++i) chosen.push_back(i);
  };
  around(0);
  around(rows);
  around((std::uint64_t{1} << 31) / dim);
  around((std::uint64_t{1} << 32) / dim);
  std::uint64_t state = rows * 1000003 + dim;
  for (int i = 0; i < 200; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    chosen.push_back((state >> 20) % rows);
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

Status CheckFlips(const FlipSearchParams& params, const std::vector<std::uint64_t>& rows,
                  const std::vector<FoundFlip>& found) {
  const FlipRowTables tables(params);
  const FlipRowScratch scratch(params.classes, params.pool.dim);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (const char* const wrong = WrongFlip(tables, scratch, found[i]))
      return Status::Error(Code::kInternal, "WRONG RESULT, row %llu: %s",
                           static_cast<unsigned long long>(rows[i]), wrong);
  }
  return Status::Ok();
}

Status CheckLabels(const float* data, std::uint64_t rows, std::uint32_t dim, const std::int32_t* labels,
                   const float* centers, std::uint32_t clusters) {
  for (const std::uint64_t row : RowsToCheck(rows, dim)) {
    const auto to = [&](std::uint32_t k) {
      return SquaredDistance(data + row * dim, centers + std::size_t{k} * dim, dim);
    };
    const auto label = static_cast<std::uint32_t>(labels[row]);
    double least = HUGE_VAL;
    for (std::uint32_t k = 0; k < clusters; ++k) least = std::min(least, to(k));
    if (label >= clusters || to(label) > least + 1e-9 * (1 + least))
      return Status::Error(Code::kInternal, "WRONG RESULT, row %llu: label %d isn't of the nearest center",
                           static_cast<unsigned long long>(row), labels[row]);
  }
  return Status::Ok();
}

}  // namespace alfamix::bench
