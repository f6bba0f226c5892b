#include "kernels/flip_search.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <vector>

#include "cpu/flip_row.h"
#include "cpu/flip_tables.h"
#include "cpu/levels.h"
#include "cpu/lowest_row.h"
#include "cpu/progress.h"
#include "cpu/row_reader.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

bool AllFinite(const float* values, std::size_t count) {
  return std::all_of(values, values + count, [](float x) { return std::isfinite(x); });
}

}  // namespace

Status CheckFlipSearch(const FlipSearchParams& params) {
  const std::size_t dim = params.pool.dim;
  if (params.pool.rows == 0 || dim == 0 || params.classes < 2) {
    return Status::Error(Code::kInvalidArgument, "expected rows, dimensions and at least two classes");
  }
  if (!AllFinite(params.weight, params.classes * dim) || !AllFinite(params.bias, params.classes)) {
    return Status::Error(Code::kNonFinite, "expected finite values, found NaN or infinity in the head");
  }
  if (!AllFinite(params.anchors, params.anchor_count * dim)) {
    return Status::Error(Code::kNonFinite, "expected finite values, found NaN or infinity in the anchors");
  }
  return Status::Ok();
}

namespace {

// A block is about 1 MiB of rows (a good read from disk, and many blocks a job), and at most some
// milliseconds of work (an abort is seen between blocks).
constexpr std::uint64_t kBlockBytes = 1 << 20;
constexpr std::uint64_t kBlockWork = 1 << 26;  // multiply-adds
// Below this much work a second thread costs more than it brings.
constexpr std::uint64_t kSerialWork = 1 << 22;

std::uint64_t RowsPerBlock(const FlipSearchParams& params) {
  const std::uint64_t dim = params.pool.dim;
  const std::uint64_t columns = std::uint64_t{params.classes} + params.anchor_count;
  const std::uint64_t rows = std::min(kBlockBytes / (4 * dim), kBlockWork / (dim * columns));
  return std::max<std::uint64_t>(rows / kBlockRows * kBlockRows, kBlockRows);
}

FlipBlockOutput At(const FlipSearchOutput& output, std::uint64_t row) {
  FlipBlockOutput block = {output.pseudo_label + row, output.confidence + row, output.margin + row,
                           output.entropy + row};
  if (output.flip_cap != nullptr) {
    block.flip_cap = output.flip_cap + row;
    block.flip_anchor = output.flip_anchor + row;
    block.flip_to = output.flip_to + row;
  }
  return block;
}

// Rows that float32 can't vouch for, again in double. False at a row with NaN or infinity.
bool Recheck(const FlipRowTables& exact, const LevelTable& level, const FlipSlot& slot, const char* rows,
             DType dtype, int n, const std::uint8_t* flags, const FlipBlockOutput& out, int* bad) {
  const std::size_t dim = exact.params().pool.dim;
  for (int r = 0; r < n; ++r) {
    if (!flags[r]) continue;
    const char* stored = rows + r * dim * BytesOf(dtype);
    const float* z = reinterpret_cast<const float*>(stored);
    if (dtype != DType::kFloat32) {
      level.widen(dtype, stored, dim, slot.scratch.gradient);
      z = slot.scratch.gradient;
    }
    FlipRowResult row;
    if (!FlipRow(exact, z, slot.exact, &row)) {
      *bad = r;
      return false;
    }
    out.pseudo_label[r] = row.pseudo_label;
    out.confidence[r] = row.confidence;
    out.margin[r] = row.margin;
    out.entropy[r] = row.entropy;
    if (out.flip_cap == nullptr) continue;
    out.flip_cap[r] = row.flip_cap;
    out.flip_anchor[r] = row.flip_anchor;
    out.flip_to[r] = row.flip_to;
  }
  return true;
}

Status Search(const FlipSearchParams& params, const FlipSearchOutput& output, const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  RowReader reader(params.pool, level);
  Status status = reader.Open();
  if (!status.ok()) return status;
  const FlipRowTables exact(params);
  const PackedFlipTables packed(level, exact, options.threads);
  const std::uint64_t rows = params.pool.rows;
  const std::uint64_t block_rows = RowsPerBlock(params);
  const std::uint64_t blocks = (rows + block_rows - 1) / block_rows;
  const bool small = rows * params.pool.dim * (params.classes + params.anchor_count) < kSerialWork;
  const int threads = small ? 1 : static_cast<int>(std::min<std::uint64_t>(options.threads, blocks));
  std::vector<FlipSlot> slots;
  slots.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    slots.emplace_back(level, packed.tables(), reader.BufferFloats(block_rows));
  }

  Progress progress(options, rows);
  LowestRow bad_row;
  std::mutex status_mutex;
  ThreadPool::Instance().ParallelFor(blocks, threads, [&](std::uint64_t block, int slot) {
    const std::uint64_t first = block * block_rows;
    const std::uint64_t count = std::min(block_rows, rows - first);
    const void* at = nullptr;
    DType dtype = DType::kFloat32;
    const Status read = reader.ReadStored(first, count, slots[slot].rows.get(), &at, &dtype);
    if (!read.ok()) {
      const std::lock_guard lock(status_mutex);
      if (status.ok()) status = read;
      return false;
    }
    for (std::uint64_t r = 0; r < count; r += kBlockRows) {
      const int n = static_cast<int>(std::min<std::uint64_t>(kBlockRows, count - r));
      const char* z = static_cast<const char*>(at) + r * params.pool.dim * BytesOf(dtype);
      const FlipBlockOutput out = At(output, first + r);
      std::uint8_t flags[kBlockRows];
      level.flip_block(&packed.tables(), z, dtype, n, &slots[slot].scratch, &out, flags);
      int bad = 0;
      if (!Recheck(exact, level, slots[slot], z, dtype, n, flags, out, &bad)) {
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

Status FlipSearch(const FlipSearchParams& params, const FlipSearchOutput& output, const JobOptions& options) {
  try {
    const Status status = CheckFlipSearch(params);
    return status.ok() ? Search(params, output, options) : status;
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for the flip search");
  }
}

}  // namespace alfamix
