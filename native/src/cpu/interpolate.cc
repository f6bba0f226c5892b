#include "kernels/interpolate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "cpu/anchor_index.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/panels.h"
#include "cpu/progress.h"
#include "cpu/recheck_logits.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

Status Mix(const InterpolateParams& params, const InterpolateOutput& output, const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  const std::size_t dim = params.dim;
  const std::uint32_t classes = params.classes;
  PackedPanels packed(level, params.dim, classes);
  for (std::uint32_t c = 0; c < classes; ++c) packed.Set(c, params.weight + c * dim);
  const Panels& panels = packed.panels();
  const RowBlocks blocks(params.rows, dim, options.threads, 4 + std::uint64_t{classes});
  const std::size_t slot_floats = std::size_t{kBlockRows} * panels.padded;
  const Buffer<float> products(slot_floats * static_cast<std::size_t>(blocks.threads()));
  Progress progress(options, params.rows);
  LowestRow bad_row;
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int slot) {
    float* product = products.get() + slot_floats * static_cast<std::size_t>(slot);
    for (std::uint64_t first = blocks.First(block); first < blocks.End(block); first += kBlockRows) {
      const int n = static_cast<int>(std::min<std::uint64_t>(kBlockRows, blocks.End(block) - first));
      float* mixed = output.mixed + first * dim;
      for (int r = 0; r < n; ++r) {
        const std::uint64_t i = first + r;
        const float* z = params.data + i * dim;
        float* out = output.mixed + i * dim;
        if (params.anchor_index[i] < 0) {
          std::memcpy(out, z, dim * sizeof(float));
        } else {
          const float* anchor = params.anchors + static_cast<std::size_t>(params.anchor_index[i]) * dim;
          level.interpolate_row(z, anchor, params.alpha + i * dim, dim, out);
        }
        if (!std::isfinite(level.dot(out, out, dim))) {
          bad_row.Report(i);
          return false;
        }
      }
      if (classes == 0) continue;
      level.product(&panels, mixed, n, product);
      for (int r = 0; r < n; ++r) {
        float* logits = output.logits + (first + r) * classes;
        for (std::uint32_t c = 0; c < classes; ++c)
          logits[c] = product[r * panels.padded + c] + params.bias[c];
        RecheckLogits(mixed + r * dim, params.weight, params.bias, dim, classes, logits);
      }
    }
    return progress.Add(blocks.End(block) - blocks.First(block));
  });
  if (bad_row.any()) return bad_row.NonFinite();
  if (progress.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
  return Status::Ok();
}

}  // namespace

Status Interpolate(const InterpolateParams& params, const InterpolateOutput& output,
                   const JobOptions& options) {
  try {
    const Status status = CheckAnchorIndex(params.anchor_index, params.rows, params.anchor_count);
    return status.ok() ? Mix(params, output, options) : status;
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory to interpolate");
  }
}

}  // namespace alfamix
