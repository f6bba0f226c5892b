#include "kernels/normalize_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "cpu/lowest_row.h"
#include "cpu/progress.h"
#include "cpu/reduce.h"
#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

Status NormalizeRows(const NormalizeRowsParams& params, float* out, const JobOptions& options) {
  const std::size_t dim = params.dim;
  Progress progress(options, params.rows);
  LowestRow bad_row;
  const RowBlocks blocks(params.rows, dim, options.threads);
  const auto normalize = [&](std::uint64_t block, int) {
    for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i) {
      const float* row = params.data + i * dim;
      float* to = out + i * dim;
      const double norm = std::sqrt(Dot(row, row, dim));
      if (!std::isfinite(norm)) {
        bad_row.Report(i);
        return false;
      }
      if (norm == 0) {
        std::memset(to, 0, dim * sizeof(float));
      } else {
        for (std::size_t j = 0; j < dim; ++j) to[j] = static_cast<float>(static_cast<double>(row[j]) / norm);
      }
    }
    return progress.Add(blocks.End(block) - blocks.First(block));
  };
  try {
    ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), normalize);
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory to normalize rows");
  }
  if (bad_row.any()) return bad_row.NonFinite();
  if (progress.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
  return Status::Ok();
}

}  // namespace alfamix
