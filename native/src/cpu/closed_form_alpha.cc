#include "kernels/closed_form_alpha.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "cpu/anchor_index.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/progress.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

Status Alpha(const ClosedFormAlphaParams& params, float* alpha, const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  const std::size_t dim = params.dim;
  const double root = std::sqrt(static_cast<double>(dim));
  Progress progress(options, params.rows);
  LowestRow bad_row;
  const RowBlocks blocks(params.rows, dim, options.threads, 4);
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int) {
    for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i) {
      const float* z = params.data + i * dim;
      if (!std::isfinite(level.dot(z, z, dim))) {
        bad_row.Report(i);
        return false;
      }
      float* out = alpha + i * dim;
      if (params.anchor_index[i] < 0) {
        std::fill_n(out, dim, 0.0f);
        continue;
      }
      const float* anchor = params.anchors + static_cast<std::size_t>(params.anchor_index[i]) * dim;
      const float* gradient = params.gradient + i * dim;
      const double cap = params.caps == nullptr ? params.cap : static_cast<double>(params.caps[i]);
      const double distance = std::sqrt(level.squared_distance(anchor, z, dim));
      const double norm = std::sqrt(level.dot(gradient, gradient, dim));
      const double scale = norm > 0 ? ((cap / root) * distance) / norm : 0;
      level.alpha_row(z, anchor, gradient, scale, dim, out);
    }
    return progress.Add(blocks.End(block) - blocks.First(block));
  });
  if (bad_row.any()) return bad_row.NonFinite();
  if (progress.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
  return Status::Ok();
}

}  // namespace

Status ClosedFormAlpha(const ClosedFormAlphaParams& params, float* alpha, const JobOptions& options) {
  try {
    const Status status = CheckAnchorIndex(params.anchor_index, params.rows, params.anchor_count);
    return status.ok() ? Alpha(params, alpha, options) : status;
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for the closed-form alpha");
  }
}

}  // namespace alfamix
