#include "kernels/machine_rates.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <new>

#include "cpu/buffer.h"
#include "cpu/level_table.h"
#include "cpu/levels.h"
#include "cpu/progress.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

constexpr std::uint64_t kBlockBytes = 1 << 20;
// About a millisecond a block, so that threads end together.
constexpr std::uint64_t kRounds = 1 << 17;
constexpr std::uint64_t kBlocksOfAThread = 4;

// The shortest of passes that take `least` seconds together; at least two, the first warms up.
double BestPass(double least, const std::function<bool()>& pass) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  double best = INFINITY;
  for (int passes = 0;; ++passes) {
    const Clock::time_point begin = Clock::now();
    if (!pass()) return 0;
    const std::chrono::duration<double> took = Clock::now() - begin;
    if (passes > 0) best = std::min(best, took.count());
    const std::chrono::duration<double> all = Clock::now() - start;
    if (passes > 0 && all.count() >= least) return best;
  }
}

Status Measure(const MachineRatesParams& params, MachineRates& rates, const JobOptions& options) {
  const LevelTable& level = *LevelAt(options.level).table;
  const std::uint64_t blocks = params.bytes / kBlockBytes;
  const Buffer<float> values(blocks * kBlockBytes / sizeof(float));
  const std::uint64_t parts = kBlocksOfAThread * static_cast<std::uint64_t>(options.threads);
  // What the loops sum has a reader, or a compiler could leave them out.
  Buffer<float> sums(std::max(blocks, parts));
  Progress progress(options, 0);
  ThreadPool& pool = ThreadPool::Instance();
  const double read = BestPass(params.seconds, [&] {
    pool.ParallelFor(blocks, options.threads, [&](std::uint64_t block, int) {
      constexpr std::size_t kFloats = kBlockBytes / sizeof(float);
      sums[block] = level.read_all(values.get() + block * kFloats, kFloats);
      return progress.Add(1);
    });
    return !progress.aborted();
  });
  const double multiply = BestPass(params.seconds, [&] {
    pool.ParallelFor(parts, options.threads, [&](std::uint64_t part, int) {
      sums[part] += level.multiply_adds(kRounds);
      return progress.Add(1);
    });
    return !progress.aborted();
  });
  if (progress.aborted()) return Status::Error(Code::kAborted, "the operation was aborted");
  for (std::uint64_t i = 0; i < parts; ++i) {
    if (!std::isfinite(sums[i])) return Status::Error(Code::kInvalidArgument, "the sums are not finite");
  }
  rates.read_bytes = static_cast<double>(blocks * kBlockBytes) / read;
  const double multiply_adds = static_cast<double>(parts * kRounds) * level.multiply_width;
  rates.multiply_flops = 2 * multiply_adds / multiply;
  return Status::Ok();
}

}  // namespace

Status MeasureMachine(const MachineRatesParams& params, MachineRates& rates, const JobOptions& options) {
  if (params.bytes < kBlockBytes || !(params.seconds >= 0 && params.seconds <= 10))
    return Status::Error(Code::kInvalidArgument, "expected at least 1 MiB and at most 10 seconds");
  try {
    return Measure(params, rates, options);
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory to measure the machine");
  }
}

}  // namespace alfamix
