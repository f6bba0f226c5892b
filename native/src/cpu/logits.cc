#include "kernels/logits.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <vector>

#include "cpu/blas.h"
#include "cpu/buffer.h"
#include "cpu/level_table.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/panels.h"
#include "cpu/progress.h"
#include "cpu/recheck_logits.h"
#include "cpu/row_blocks.h"
#include "cpu/row_reader.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

bool AllFinite(const float* values, std::size_t count) {
  return std::all_of(values, values + count, [](float x) { return std::isfinite(x); });
}

// Adds the bias and drops the padding. False at a row with NaN or infinity: its logits can't all be finite.
bool Finish(const LogitsParams& params, const float* rows, const float* product, std::uint32_t stride, int n,
            float* logits, int* bad) {
  const std::uint32_t classes = params.classes;
  const std::size_t dim = params.pool.dim;
  for (int r = 0; r < n; ++r) {
    float* out = logits + std::size_t{classes} * r;
    bool finite = true;
    for (std::uint32_t c = 0; c < classes; ++c) {
      out[c] = product[std::size_t{stride} * r + c] + params.bias[c];
      finite = finite && std::isfinite(out[c]);
    }
    if (finite) continue;
    if (!AllFinite(rows + dim * r, dim)) {
      *bad = r;
      return false;
    }
    RecheckLogits(rows + dim * r, params.weight, params.bias, dim, classes, out);
  }
  return true;
}

struct Slot {
  Slot(std::size_t row_floats, std::size_t product_floats) : rows(row_floats), product(product_floats) {}
  Buffer<float> rows;
  Buffer<float> product;
};

Status Run(const LogitsParams& params, float* logits, const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  RowReader reader(params.pool, level);
  Status status = reader.Open();
  if (!status.ok()) return status;
  const std::size_t dim = params.pool.dim;
  PackedPanels weight(level, params.pool.dim, params.classes);
  for (std::uint32_t c = 0; c < params.classes; ++c) weight.Set(c, params.weight + c * dim);
  const Panels& panels = weight.panels();

  const Blas* blas = FasterBlas(options.level, params.pool.dim, params.classes);

  const RowBlocks blocks(params.pool.rows, dim, options.threads, params.classes);
  const std::uint64_t block_rows = blocks.End(0);
  // BLAS packs the weight in every call, so it gets whole blocks; they don't depend on the threads.
  const std::uint64_t step = blas != nullptr ? block_rows : kBlockRows;
  const std::uint32_t stride = blas != nullptr ? params.classes : panels.padded;
  std::vector<Slot> slots;
  slots.reserve(blocks.threads());
  for (int i = 0; i < blocks.threads(); ++i)
    slots.emplace_back(reader.BufferFloats(block_rows), step * stride);
  Progress progress(options, params.pool.rows);
  LowestRow bad_row;
  std::mutex status_mutex;
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int index) {
    Slot& slot = slots[index];
    const std::uint64_t first = blocks.First(block);
    const std::uint64_t count = blocks.End(block) - first;
    const float* at = nullptr;
    const Status read = reader.Read(first, count, slot.rows.get(), &at);
    if (!read.ok()) {
      const std::lock_guard lock(status_mutex);
      if (status.ok()) status = read;
      return false;
    }
    for (std::uint64_t r = 0; r < count; r += step) {
      const int n = static_cast<int>(std::min<std::uint64_t>(step, count - r));
      const float* z = at + r * dim;
      if (blas != nullptr) {
        blas->Product(z, n, params.pool.dim, params.weight, params.classes, slot.product.get());
      } else {
        level.product(&panels, z, n, slot.product.get());
      }
      int bad = 0;
      if (!Finish(params, z, slot.product.get(), stride, n, logits + (first + r) * params.classes, &bad)) {
        bad_row.Report(first + r + bad);
        return false;
      }
    }
    return progress.Add(count);
  });
  if (bad_row.any()) return bad_row.NonFinite();
  if (!status.ok()) return status;
  if (progress.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
  return Status::Ok();
}

}  // namespace

Status Logits(const LogitsParams& params, float* logits, const JobOptions& options) {
  const std::size_t dim = params.pool.dim;
  if (params.pool.rows == 0 || dim == 0 || params.classes == 0)
    return Status::Error(Code::kInvalidArgument, "expected rows, dimensions and classes");
  if (!AllFinite(params.weight, params.classes * dim) || !AllFinite(params.bias, params.classes))
    return Status::Error(Code::kNonFinite, "expected finite values, found NaN or infinity in the head");
  try {
    return Run(params, logits, options);
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for the logits");
  }
}

}  // namespace alfamix
