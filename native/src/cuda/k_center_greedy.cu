// Farthest-first traversal on the device; see kernels/k_center_greedy.h and, for the lazy idea,
// cpu/k_center_greedy.cc: distances only fall as centers are added, so one that is behind is an upper bound.
//
// A pick takes one or more rounds of three kernels, without the host:
//   Sample  brings each block's best row up to date: the largest of these bounds the farthest from below;
//   Pass    brings up to date every row whose bound isn't below that, in blocks that have one, against all
//           centers it missed, while it could still be the farthest;
//   Choose  picks the largest distance, the lowest row of equals, unless a row was left behind because a
//           launch may not take long: then the next round goes on.
// The host queues rounds ahead and asks now and then how many picks there are.
//
// Exact: a row's distance is the double one of the twin's order. A center is passed over only where float32
// says for certain that it is farther than those before: the sum of n squares of differences is within
// (n / 8 + 12) 2^-24 of the true one, relatively, because no term is negative; twice that is kept as margin.
// So double is needed about ln(centers) times a row, which suits devices that are slow at it.
//
// Cost: the rows once over the bus, and resident: 4 D + 12 bytes a row. A pick reads at least the list of
// blocks (N / 256) and at most all rows: 4 N D bytes, by count 0.6 ms for 1,000,000 x 512 on an H100 where
// nothing can be left out, and three launches where most can. Given centers aren't passed one by one: a row
// meets as many as it must, out of the cache, in one visit, at 2 D float32 operations each.
//
// Not for a handful of picks: rows cross the bus once, and the CPU reads them a few times in as long.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "cuda/double_rows.cuh"
#include "cuda/k_center_greedy.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/resident_rows.h"
#include "cuda/setup.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kWarpsOfBlock = kThreads / kWarp;
constexpr unsigned kRowsPerBlock = kThreads;
// Centers that a row meets in one reading.
constexpr unsigned kMeetings = 4;
// Values of centers that a row meets in a launch, one after the other: milliseconds for the 32 rows of a
// warp, and for the one row of a group in Sample.
constexpr double kMostValues = 4e6;
constexpr double kMostSampleValues = 3e7;
// What the rounds queued ahead may take at most where every round reads all rows, and how fast it reads.
constexpr double kSecondsAhead = 0.02;
constexpr double kReadRate = 1e12;
constexpr unsigned kMostRounds = 64;

// Written by the device only.
struct State {
  unsigned long long most;  // bits of the largest distance known to be up to date: those of a number >= 0
  unsigned behind;          // a row was left behind that may be the farthest
  std::uint32_t picks;
};

struct Traversal {
  const float* data;     // N x stride
  const float* centers;  // given x stride
  std::uint32_t rows;
  std::uint32_t given;
  std::uint32_t dim;
  std::uint32_t stride;  // in floats, a multiple of 4
  std::uint32_t budget;
  double certain;           // 1 - the margin of the float32 sum
  double* distance2;        // N: to the nearest of the first `seen` centers; -1 for a picked row
  std::uint32_t* seen;      // N
  double* best;             // a block's largest distance2 when it was last visited
  std::uint32_t* best_row;  // its lowest row
  State* state;
  std::int32_t* picked;      // budget
  double* picked_distance2;  // budget
};

__device__ __forceinline__ const float* CenterOf(const Traversal& of, std::uint32_t k) {
  return k < of.given ? of.centers + std::size_t{k} * of.stride
                      : of.data + static_cast<std::size_t>(of.picked[k - of.given]) * of.stride;
}

// The largest distance known, as of now; the same for all lanes.
__device__ __forceinline__ double MostOf(const Traversal& of) {
  const unsigned long long bits = *static_cast<volatile unsigned long long*>(&of.state->most);
  return __longlong_as_double(static_cast<long long>(__shfl_sync(kAll, bits, 0)));
}

// Whether a float32 sum says that the distance in double is above `distance2`.
__device__ __forceinline__ bool CertainlyAbove(float sum, double certain, double distance2) {
  // Below this products may have lost bits; beyond float32 a sum is at least float32's most.
  if (!(sum > 1e-30f)) return false;
  return static_cast<double>(sum < 3.4028234e38f ? sum : 3.4028234e38f) * certain > distance2;
}

// One row a group.
struct Row {
  std::uint32_t row;
  std::uint32_t seen;
  double distance2;
};

// The row meets its next `left` (0 ... kCount) centers.
template <unsigned kCount>
__device__ __forceinline__ void Meet(const Traversal& of, unsigned left, Row& row) {
  const float* z = of.data + std::size_t{row.row} * of.stride;
  const float* center[kCount];
  float sum[kCount];
  ALFAMIX_UNROLLED
  for (unsigned k = 0; k < kCount; ++k) {
    center[k] = k < left ? CenterOf(of, row.seen + k) : z;
    sum[k] = 0;
  }
  const std::uint32_t end = left > 0 ? of.stride : 0;
#pragma unroll 2
  for (std::uint32_t j = GroupLane() * 4; j < end; j += kGroup * 4) {
    const float4 x = *reinterpret_cast<const float4*>(z + j);
    ALFAMIX_UNROLLED
    for (unsigned k = 0; k < kCount; ++k) {
      const float4 y = *reinterpret_cast<const float4*>(center[k] + j);
      const float d0 = x.x - y.x, d1 = x.y - y.y, d2 = x.z - y.z, d3 = x.w - y.w;
      sum[k] = fmaf(d3, d3, fmaf(d2, d2, fmaf(d1, d1, fmaf(d0, d0, sum[k]))));
    }
  }
  ALFAMIX_UNROLLED
  for (unsigned k = 0; k < kCount; ++k) {
    for (int offset = kGroup / 2; offset > 0; offset /= 2) sum[k] += __shfl_xor_sync(kAll, sum[k], offset);
    const bool unsure = k < left && !CertainlyAbove(sum[k], of.certain, row.distance2);
    if (!__any_sync(kAll, unsure)) continue;
    const double exact = SquaredDistance(z, center[k], unsure ? of.dim : 0);
    if (unsure && exact < row.distance2) row.distance2 = exact;
  }
  row.seen += left;
}

// Brings the groups' rows up to date while they may be the farthest, at most `limit` centers of each, and
// offers those that are. True for a group whose row was left behind.
__device__ __forceinline__ bool Refresh(const Traversal& of, bool mine, std::uint32_t count,
                                        std::uint32_t limit, Row& row) {
  const std::uint32_t until = mine && count - row.seen > limit ? row.seen + limit : count;
  double most;
  for (;;) {
    most = MostOf(of);
    const bool active = mine && row.seen < until && !(row.distance2 < most);
    const unsigned left = active ? min(until - row.seen, kMeetings) : 0;
    if (!__any_sync(kAll, active)) break;
    if (__any_sync(kAll, left > 1)) {
      Meet<kMeetings>(of, left, row);
    } else {
      Meet<1>(of, left, row);
    }
  }
  if (!mine) return false;
  if (row.seen < count) return !(row.distance2 < most);
  if (GroupLane() == 0 && row.distance2 > most)
    atomicMax(&of.state->most, static_cast<unsigned long long>(__double_as_longlong(row.distance2)));
  return false;
}

__device__ __forceinline__ void Keep(const Traversal& of, bool mine, const Row& row) {
  if (!mine || GroupLane() != 0) return;
  of.distance2[row.row] = row.distance2;
  of.seen[row.row] = row.seen;
}

__global__ void Begin(Traversal of, std::uint32_t blocks) {
  const std::uint32_t step = gridDim.x * blockDim.x;
  const std::uint32_t thread = blockIdx.x * blockDim.x + threadIdx.x;
  for (std::uint64_t i = thread; i < of.rows; i += step) {
    of.distance2[i] = HUGE_VAL;
    of.seen[i] = 0;
  }
  for (std::uint32_t block = thread; block < blocks; block += step) {
    of.best[block] = HUGE_VAL;
    of.best_row[block] = block * kRowsPerBlock;
  }
  if (thread == 0) *of.state = {0, 0, 0};
}

// A group brings the best row of a block up to date.
__global__ void __launch_bounds__(kThreads, 4)
    Sample(Traversal of, std::uint32_t blocks, std::uint32_t limit) {
  const std::uint32_t picks = of.state->picks;
  const std::uint32_t block = (blockIdx.x * kThreads + threadIdx.x) / kGroup;
  Row row{0, 0, -1};
  if (block < blocks && picks < of.budget) {
    const std::uint32_t i = of.best_row[block];
    row = {i, of.seen[i], of.distance2[i]};
  }
  const bool mine = row.distance2 >= 0;
  Refresh(of, mine, of.given + picks, limit, row);
  Keep(of, mine, row);
}

__device__ __forceinline__ bool Beats(double a, std::uint32_t a_row, double b, std::uint32_t b_row) {
  return a > b || (a == b && a_row < b_row);
}

// The largest value of a block, the lowest row of equals, in thread 0.
template <unsigned kWarps>
__device__ __forceinline__ void BestOfBlock(double& value, std::uint32_t& row) {
  __shared__ double values[kWarps];
  __shared__ std::uint32_t rows[kWarps];
  for (int offset = 16; offset > 0; offset /= 2) {
    const double other = __shfl_xor_sync(kAll, value, offset);
    const std::uint32_t other_row = __shfl_xor_sync(kAll, row, offset);
    if (!Beats(other, other_row, value, row)) continue;
    value = other;
    row = other_row;
  }
  if (Lane() == 0) {
    values[threadIdx.x / kWarp] = value;
    rows[threadIdx.x / kWarp] = row;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (unsigned warp = 1; warp < kWarps; ++warp) {
    if (!Beats(values[warp], rows[warp], value, row)) continue;
    value = values[warp];
    row = rows[warp];
  }
}

// A block of threads has kRowsPerBlock rows, a warp 32 of them, four at a time.
__global__ void __launch_bounds__(kThreads, 4) Pass(Traversal of, std::uint32_t limit) {
  __shared__ double bound;
  const std::uint32_t picks = of.state->picks;
  if (picks == of.budget) return;
  if (threadIdx.x == 0)
    bound = __longlong_as_double(
        static_cast<long long>(*static_cast<volatile unsigned long long*>(&of.state->most)));
  __syncthreads();
  if (of.best[blockIdx.x] < bound) return;
  const std::uint32_t first = blockIdx.x * kRowsPerBlock + threadIdx.x / kWarp * kWarp;
  const std::uint32_t own = first + Lane();
  double distance2 = own < of.rows ? of.distance2[own] : -1;
  unsigned candidates = __ballot_sync(kAll, distance2 >= bound);
  while (candidates != 0) {
    // The group's row is the candidate of its number; -1 when there are fewer.
    int lane = -1;
    unsigned taken = candidates;
    for (unsigned group = 0; group < kGroupsOfWarp; ++group) {
      if (group == Lane() / kGroup) lane = __ffs(static_cast<int>(taken)) - 1;
      taken &= taken - 1;  // 0 stays 0
    }
    const bool mine = lane >= 0;
    Row row{first + static_cast<unsigned>(mine ? lane : 0), 0, __shfl_sync(kAll, distance2, mine ? lane : 0)};
    if (mine) row.seen = of.seen[row.row];
    if (Refresh(of, mine, of.given + picks, limit, row) && GroupLane() == 0) atomicOr(&of.state->behind, 1u);
    Keep(of, mine, row);
    for (unsigned group = 0; group < kGroupsOfWarp; ++group) {
      const double now = __shfl_sync(kAll, row.distance2, static_cast<int>(group * kGroup));
      const int at = __shfl_sync(kAll, lane, static_cast<int>(group * kGroup));
      if (at == static_cast<int>(Lane())) distance2 = now;
    }
    candidates = taken;
  }
  std::uint32_t row = own;
  BestOfBlock<kWarpsOfBlock>(distance2, row);
  if (threadIdx.x != 0) return;
  of.best[blockIdx.x] = distance2;
  of.best_row[blockIdx.x] = row;
}

// One block.
template <unsigned kChooseThreads>
__global__ void __launch_bounds__(kChooseThreads) Choose(Traversal of, std::uint32_t blocks) {
  if (of.state->picks == of.budget) return;
  double value = -2;
  std::uint32_t row = 0xffffffffu;
  for (std::uint32_t block = threadIdx.x; block < blocks; block += kChooseThreads) {
    if (!Beats(of.best[block], of.best_row[block], value, row)) continue;
    value = of.best[block];
    row = of.best_row[block];
  }
  BestOfBlock<kChooseThreads / kWarp>(value, row);
  if (threadIdx.x != 0) return;
  if (of.state->behind != 0) {
    of.state->behind = 0;  // what is known of the farthest stays true
    return;
  }
  const std::uint32_t pick = of.state->picks;
  of.picked[pick] = static_cast<std::int32_t>(row);
  of.picked_distance2[pick] = value;
  of.distance2[row] = -1;  // never again
  *of.state = {0, 0, pick + 1};
}

// Queues rounds ahead of what it waits for, until all picks are made.
class Rounds {
 public:
  Rounds(const Traversal& of, double work_of_launch)
      : of_(of), blocks_((of.rows + kRowsPerBlock - 1) / kRowsPerBlock), picks_(2) {
    const double pass = static_cast<double>(of.rows) * of.stride;
    const double limit = work_of_launch * DeviceProperties().multiProcessorCount / pass;
    limit_ = Centers(std::min(limit, kMostValues / of.stride));
    sample_limit_ = Centers(std::min(limit * kRowsPerBlock, kMostSampleValues / of.stride));
    most_rounds_ = static_cast<unsigned>(
        std::clamp(kSecondsAhead / (pass * sizeof(float) / kReadRate), 1.0, double{kMostRounds}));
  }

  void Run(JobProgress& progress, const PickedRows& output) {
    Launch(Begin, "beginning a traversal", {BlocksFor(of_.rows, kThreads), kThreads}, stream_, of_, blocks_);
    Queue(0);
    for (unsigned turn = 0; told_ < of_.budget; turn ^= 1) {
      Queue(turn ^ 1);
      progress.Wait(read_[turn]);
      progress.Add(picks_[turn] - told_);
      told_ = picks_[turn];
      Adapt();
    }
    CopyFromDevice(output.rows, of_.picked, of_.budget, stream_);
    CopyFromDevice(output.distance2, of_.picked_distance2, of_.budget, stream_);
    stream_.Synchronize();
  }

 private:
  static std::uint32_t Centers(double limit) {
    return static_cast<std::uint32_t>(std::max(limit, double{kMeetings}));
  }

  // Rounds take from microseconds to some 20 ms, and an abort waits for what is queued: two turns.
  void Adapt() {
    const auto now = std::chrono::steady_clock::now();
    const auto took = now - turned_;
    turned_ = now;
    if (took > std::chrono::milliseconds(10)) {
      rounds_ = std::max(rounds_ / 4, 1u);
    } else if (took < std::chrono::milliseconds(5)) {
      rounds_ = std::min(rounds_ * 2, most_rounds_);
    }
  }

  void Queue(unsigned turn) {
    // One for each pick that is left will often do.
    const unsigned rounds = std::min(rounds_, of_.budget - told_ + 1);
    for (unsigned i = 0; i < rounds; ++i) {
      Launch(Sample, "sampling rows", {(blocks_ + kThreads / kGroup - 1) / (kThreads / kGroup), kThreads},
             stream_, of_, blocks_, sample_limit_);
      Launch(Pass, "passing rows", {blocks_, kThreads}, stream_, of_, limit_);
      if (blocks_ > 1024) {
        Launch(Choose<1024>, "choosing a row", {1, 1024}, stream_, of_, blocks_);
      } else {
        Launch(Choose<128>, "choosing a row", {1, 128}, stream_, of_, blocks_);
      }
    }
    CopyFromDevice(&picks_[turn], &of_.state->picks, 1, stream_);
    read_[turn].Record(stream_);
  }

  const Traversal of_;
  const std::uint32_t blocks_;
  std::uint32_t limit_;  // centers a row meets in one launch
  std::uint32_t sample_limit_;
  unsigned most_rounds_;
  unsigned rounds_ = 1;
  std::uint32_t told_ = 0;
  std::chrono::steady_clock::time_point turned_ = std::chrono::steady_clock::now();
  PinnedBuffer<std::uint32_t> picks_;
  Stream stream_;  // after the buffer: it waits for what still writes there
  Event read_[2];
};

Status Traverse(const KCenterGreedyParams& params, const PickedRows& output, const JobOptions& options,
                double work_of_launch) {
  JobProgress progress(options, params.budget);
  ResidentRows data(params.data, params.rows, params.dim);
  Status status = data.Load(progress, options, true);
  if (!status.ok()) return status;
  ResidentRows centers(params.centers, params.center_count, params.dim);
  status = centers.Load(progress, options, false);
  if (!status.ok()) return status;

  const auto rows = static_cast<std::uint32_t>(params.rows);
  const std::size_t blocks = (rows + kRowsPerBlock - 1) / kRowsPerBlock;
  const DeviceBuffer<double> distance2(rows), best(blocks), picked_distance2(params.budget);
  const DeviceBuffer<std::uint32_t> seen(rows), best_row(blocks);
  const DeviceBuffer<std::int32_t> picked(params.budget);
  const DeviceBuffer<State> state(1);
  Traversal of;
  of.data = data.get();
  of.centers = centers.get();
  of.rows = rows;
  of.given = params.center_count;
  of.dim = params.dim;
  of.stride = data.stride();
  of.budget = params.budget;
  of.certain = 1 - (static_cast<double>(params.dim) / kGroup + 32) * 0x1.0p-23;
  of.distance2 = distance2.get();
  of.seen = seen.get();
  of.best = best.get();
  of.best_row = best_row.get();
  of.state = state.get();
  of.picked = picked.get();
  of.picked_distance2 = picked_distance2.get();

  Rounds(of, work_of_launch).Run(progress, output);
  return Status::Ok();
}

}  // namespace

Status KCenterGreedyWithin(double work_of_launch, const KCenterGreedyParams& params, const PickedRows& output,
                           const JobOptions& options) {
  if (params.dim == 0 || params.budget == 0 || params.budget > params.rows || params.rows > 0x7fffffff)
    return Status::Error(Code::kInvalidArgument, "expected dimensions, and a budget of 1 to rows");
  return Guarded(options, [&] { return Traverse(params, output, options, work_of_launch); });
}

Status KCenterGreedy(const KCenterGreedyParams& params, const PickedRows& output, const JobOptions& options) {
  return KCenterGreedyWithin(kWorkOfLaunch, params, output, options);
}

}  // namespace alfamix::cuda
