#include "kernels/nearest_members.h"

#include <cmath>
#include <new>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/lowest_row.h"
#include "cpu/nearest_rule.h"
#include "cpu/progress.h"
#include "cpu/reduce.h"
#include "cpu/row_blocks.h"
#include "cpu/selected_row.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

Status Nearest(const NearestMembersParams& params, std::int32_t* members, const JobOptions& options) {
  const std::size_t dim = params.dim;
  const Buffer<double> distance(params.rows);
  Progress progress(options, params.rows);
  LowestRow bad_row;
  const RowBlocks blocks(params.rows, dim, options.threads);
  std::vector<std::vector<float>> scratch(options.threads, std::vector<float>(dim));
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int slot) {
    for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i) {
      const float* row = SelectedRow(params, i, scratch[slot].data());
      distance[i] = SquaredDistance(row, params.centers + params.labels[i] * dim, dim);
      if (!std::isfinite(distance[i])) {
        bad_row.Report(i);
        return false;
      }
    }
    return progress.Add(blocks.End(block) - blocks.First(block));
  });
  if (bad_row.any()) return bad_row.NonFinite();
  if (progress.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
  PickNearest(params, distance.get(), members);
  return Status::Ok();
}

}  // namespace

Status NearestMembers(const NearestMembersParams& params, std::int32_t* members, const JobOptions& options) {
  try {
    const Status status = CheckLabels(params);
    return status.ok() ? Nearest(params, members, options) : status;
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for the nearest members");
  }
}

}  // namespace alfamix
