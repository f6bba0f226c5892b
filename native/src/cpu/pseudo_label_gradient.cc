#include "kernels/pseudo_label_gradient.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <vector>

#include "cpu/flip_row.h"
#include "cpu/flip_tables.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/panels.h"
#include "cpu/progress.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

bool AllFinite(const float* values, std::size_t count) {
  return std::all_of(values, values + count, [](float x) { return std::isfinite(x); });
}

// The row again, in double; false when it holds NaN or infinity.
bool RowInDouble(const FlipRowTables& exact, const FlipRowScratch& scratch, const float* z, bool unit,
                 float* gradient, std::int32_t* pseudo_label) {
  FlipRowResult found;
  if (!PredictRow(exact, z, scratch, &found)) return false;
  *pseudo_label = found.pseudo_label;
  const std::size_t dim = exact.params().pool.dim;
  const double norm2 = GradientRow(exact, static_cast<std::uint32_t>(found.pseudo_label), scratch);
  const double scale = unit ? 1 / std::sqrt(norm2) : found.doubt;
  for (std::size_t j = 0; j < dim; ++j)
    gradient[j] = norm2 > 0 ? static_cast<float>(scratch.g[j] * scale) : 0.0f;
  return true;
}

Status Gradient(const PseudoLabelGradientParams& params, const PseudoLabelGradientOutput& output,
                const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  const std::size_t dim = params.dim;
  FlipSearchParams search;
  search.pool.dim = params.dim;
  search.weight = params.weight;
  search.bias = params.bias;
  search.classes = params.classes;
  const FlipRowTables exact(search);
  const PackedFlipTables packed(level, exact, options.threads);
  const std::uint32_t stride = PackedPanels::RoundUp(params.dim, level.lanes);
  const Buffer<float> padded(std::size_t{params.classes} * stride);
  for (std::uint32_t c = 0; c < params.classes; ++c)
    std::memcpy(padded.get() + std::size_t{c} * stride, params.weight + c * dim, dim * sizeof(float));
  const WeightRows weight = {padded.get(), stride};

  const RowBlocks blocks(params.rows, dim, options.threads, 2 * std::uint64_t{params.classes});
  std::vector<FlipSlot> slots;
  slots.reserve(blocks.threads());
  for (int i = 0; i < blocks.threads(); ++i) slots.emplace_back(level, packed.tables(), 0);
  Progress progress(options, params.rows);
  LowestRow bad_row;
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int slot) {
    for (std::uint64_t first = blocks.First(block); first < blocks.End(block); first += kBlockRows) {
      const int n = static_cast<int>(std::min<std::uint64_t>(kBlockRows, blocks.End(block) - first));
      const float* z = params.data + first * dim;
      const GradientBlockOutput out = {output.pseudo_label + first, output.gradient + first * dim};
      std::uint8_t recheck[kBlockRows];
      level.gradient_block(&packed.tables(), &weight, params.unit, z, n, &slots[slot].scratch, &out, recheck);
      for (int r = 0; r < n; ++r) {
        if (!recheck[r] || RowInDouble(exact, slots[slot].exact, z + r * dim, params.unit,
                                       out.gradient + r * dim, out.pseudo_label + r)) {
          continue;
        }
        bad_row.Report(first + r);
        return false;
      }
    }
    return progress.Add(blocks.End(block) - blocks.First(block));
  });
  if (bad_row.any()) return bad_row.NonFinite();
  if (progress.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
  return Status::Ok();
}

}  // namespace

Status PseudoLabelGradient(const PseudoLabelGradientParams& params, const PseudoLabelGradientOutput& output,
                           const JobOptions& options) {
  if (params.dim == 0 || params.classes < 2)
    return Status::Error(Code::kInvalidArgument, "expected dimensions and at least two classes");
  if (!AllFinite(params.weight, params.classes * std::size_t{params.dim}) ||
      !AllFinite(params.bias, params.classes)) {
    return Status::Error(Code::kNonFinite, "expected finite values, found NaN or infinity in the head");
  }
  try {
    return Gradient(params, output, options);
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for the gradient");
  }
}

}  // namespace alfamix
