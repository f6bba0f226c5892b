#include "cuda/kmeans_assign.h"

#include <algorithm>
#include <cmath>

#include "cuda/double_rows.cuh"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kRowsABlock = kThreads / kWarp;
// Centers that eight lanes compare a row with at a time.
constexpr unsigned kCentersAtOnce = 4;

// Eight warps of 32 rows x 64 centers; four stages of 32 KB.
using AssignShape = TileShape<4, 2, 2, 8, 4>;
constexpr int kRowsAThread = AssignShape::kRowTiles * 2;
// Multiply-adds of a tile product that take as long as a sum in double.
constexpr std::uint64_t kProductsASum = 32;

// What a thread knows of its rows, of its own columns until they are joined.
struct BestTwo {
  float best;
  float second;
  std::int32_t nearest;

  __device__ __forceinline__ void Look(float score, std::int32_t k) {
    const bool better = score > best;
    second = fmaxf(second, fminf(score, best));
    nearest = better ? k : nearest;
    best = fmaxf(score, best);
  }
  // A tie leaves either as the nearest: it is decided in double.
  __device__ __forceinline__ void Join(const BestTwo& other) {
    second = fmaxf(fminf(best, other.best), fmaxf(second, other.second));
    nearest = other.best > best ? other.nearest : nearest;
    best = fmaxf(best, other.best);
  }
};

struct AssignHook : ShiftElements {
  const float* half_norms;
  std::uint32_t panels;
  std::uint64_t rows;
  std::uint32_t first_row;
  const float* norms;  // of all rows
  ScoreBound bound;
  BestTwo* shared;  // kColumnWarps x kRows
  std::int32_t* to;
  std::uint32_t* close;
  std::uint32_t* close_count;
  BestTwo two[kRowsAThread];

  __device__ __forceinline__ void Forget() {
    ALFAMIX_UNROLLED
    for (BestTwo& row : two) row = {-HUGE_VALF, -HUGE_VALF, 0};
  }

  __device__ __forceinline__ void Panel(const TileCursor& at, TileSums<AssignShape>& sums) {
    const TilePlace<AssignShape> place;
    ALFAMIX_UNROLLED
    for (int n = 0; n < AssignShape::kColumnTiles; ++n) {
      ALFAMIX_UNROLLED
      for (int i = 0; i < 2; ++i) {
        const std::uint32_t k = at.panel * AssignShape::kColumns + place.ColumnOf(n, i);
        const float half_norm = half_norms[k];
        ALFAMIX_UNROLLED
        for (int m = 0; m < AssignShape::kRowTiles; ++m) {
          two[2 * m].Look(sums[m][n][i] - half_norm, static_cast<std::int32_t>(k));
          two[2 * m + 1].Look(sums[m][n][i + 2] - half_norm, static_cast<std::int32_t>(k));
        }
      }
    }
    if (at.panel + 1 == panels) Decide(at, place);
  }

  // Joins what the threads of a row know. What is in `shared` was read before the last stages' barriers.
  __device__ __forceinline__ void Decide(const TileCursor& at, const TilePlace<AssignShape>& place) {
    ALFAMIX_UNROLLED
    for (int r = 0; r < kRowsAThread; ++r) {
      ALFAMIX_UNROLLED
      for (unsigned mask = 1; mask <= 2; mask *= 2) {
        two[r].Join({__shfl_xor_sync(kAll, two[r].best, mask), __shfl_xor_sync(kAll, two[r].second, mask),
                     __shfl_xor_sync(kAll, two[r].nearest, mask)});
      }
      if (place.t == 0)
        shared[place.column_warp * AssignShape::kRows + place.RowOf(r / 2, r % 2 * 2)] = two[r];
    }
    __syncthreads();
    const std::uint64_t row = at.tile * AssignShape::kRows + threadIdx.x;
    if (threadIdx.x < AssignShape::kRows && row < rows) {
      BestTwo all = shared[threadIdx.x];
      for (int warp = 1; warp < AssignShape::kColumnWarps; ++warp)
        all.Join(shared[warp * AssignShape::kRows + threadIdx.x]);
      const std::uint32_t i = first_row + static_cast<std::uint32_t>(row);
      // NaN, from overflow, is not more than an infinite bound.
      if (static_cast<double>(all.best) - static_cast<double>(all.second) >
          bound.Of(static_cast<double>(norms[i])))
        to[i] = all.nearest;
      else
        close[atomicAdd(close_count, 1u)] = i;
    }
    Forget();
  }
};

__global__ void __launch_bounds__(AssignShape::kThreads, 1)
    AssignTiles(TileOperands operands, std::uint32_t first_row, const float* shift, const float* half_norms,
                const float* norms, ScoreBound bound, std::int32_t* to, std::uint32_t* close,
                std::uint32_t* close_count) {
  auto* ring = reinterpret_cast<float*>(SharedMemory());
  AssignHook hook;
  hook.shift = shift;
  hook.half_norms = half_norms;
  hook.panels = operands.panels;
  hook.rows = operands.row_count;
  hook.first_row = first_row;
  hook.norms = norms;
  hook.bound = bound;
  hook.shared = reinterpret_cast<BestTwo*>(SharedMemory() + AssignShape::kRingBytes);
  hook.to = to;
  hook.close = close;
  hook.close_count = close_count;
  hook.Forget();
  ForTiles<AssignShape>(operands, ring, hook);
}

unsigned Blocks(std::uint64_t rows) { return static_cast<unsigned>((rows + kRowsABlock - 1) / kRowsABlock); }

// A warp a row of `which`.
__global__ void FindNearest(const std::uint32_t* which, std::uint32_t first, std::uint32_t n,
                            const float* rows, std::uint32_t dim, std::uint32_t stride, const float* centers,
                            std::uint32_t clusters, std::int32_t* to) {
  const std::uint32_t at = blockIdx.x * kRowsABlock + threadIdx.x / kWarp;
  if (at >= n) return;
  const std::size_t i = which[first + at];
  const float* row = rows + i * stride;
  double least = HUGE_VAL;
  std::uint32_t nearest = 0;
  for (std::uint32_t start = 0; start < clusters; start += kGroups * kCentersAtOnce) {
    const float* compared[kCentersAtOnce];
    ALFAMIX_UNROLLED
    for (unsigned c = 0; c < kCentersAtOnce; ++c) {
      const std::uint32_t k = start + c * kGroups + Lane() / kEight;
      compared[c] = centers + std::size_t{k < clusters ? k : clusters - 1} * stride;
    }
    double distances[kCentersAtOnce];
    SquaredDistances(row, compared, dim, distances);
    ALFAMIX_UNROLLED
    for (unsigned c = 0; c < kCentersAtOnce; ++c) {
      const std::uint32_t k = start + c * kGroups + Lane() / kEight;
      if (!(distances[c] < least) || k >= clusters) continue;
      least = distances[c];
      nearest = k;
    }
  }
  for (unsigned offset = kEight; offset < kWarp; offset *= 2) {
    const double other = __shfl_xor_sync(kAll, least, offset);
    const std::uint32_t other_nearest = __shfl_xor_sync(kAll, nearest, offset);
    if (other < least || (other == least && other_nearest < nearest)) {
      least = other;
      nearest = other_nearest;
    }
  }
  if (Lane() == 0) to[i] = static_cast<std::int32_t>(nearest);
}

}  // namespace

KMeansDeviceAssign::KMeansDeviceAssign(const KMeansDeviceRows& rows, std::uint32_t clusters,
                                       const Stream& stream, KMeansPace& pace)
    : rows_(rows),
      clusters_(clusters),
      stream_(stream),
      pace_(pace),
      columns_(rows, clusters, AssignShape::kColumns, stream),
      close_(rows.size()),
      close_count_(1),
      host_count_(1) {}

std::uint64_t KMeansDeviceAssign::Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters) {
  return rows * sizeof(std::uint32_t) + KMeansDeviceColumns::Bytes(dim, clusters, AssignShape::kColumns);
}

void KMeansDeviceAssign::Run(const float* centers, std::int32_t* to) {
  pace_.progress().BeginPass(1, rows_.size());
  columns_.Set(centers, clusters_);
  FindBest(to);
  DecideInDouble(centers, to);
}

void KMeansDeviceAssign::FindBest(std::int32_t* to) {
  Check(cudaMemsetAsync(close_count_.get(), 0, sizeof(std::uint32_t), stream_.get()), "clearing memory");
  const std::uint64_t work = std::uint64_t{clusters_} * rows_.dim() / kProductsASum;
  const std::size_t shared =
      AssignShape::kRingBytes + sizeof(BestTwo) * AssignShape::kColumnWarps * AssignShape::kRows;
  pace_.InParts(rows_.size(), work, AssignShape::kRows, [&](std::uint64_t first, std::uint64_t n) {
    const std::uint64_t tiles = (n + AssignShape::kRows - 1) / AssignShape::kRows;
    const auto blocks = static_cast<unsigned>(
        std::min<std::uint64_t>(tiles, static_cast<std::uint64_t>(DeviceProperties().multiProcessorCount)));
    Launch(AssignTiles, "scores of centers", {blocks, AssignShape::kThreads, shared}, stream_,
           columns_.Operands(first, n), first, rows_.shift(), columns_.half_norms(), rows_.norms(),
           columns_.bound(), to, close_.get(), close_count_.get());
    pace_.Add(n);
  });
  CopyFromDevice(host_count_.get(), close_count_.get(), 1, stream_);
  pace_.Wait();
}

void KMeansDeviceAssign::DecideInDouble(const float* centers, std::int32_t* to) {
  const std::uint64_t work = std::uint64_t{clusters_} * rows_.dim();
  pace_.InParts(host_count_[0], work, kRowsABlock, [&](std::uint64_t first, std::uint64_t n) {
    Launch(FindNearest, "nearest centers", {Blocks(n), kThreads}, stream_, close_.get(), first, n,
           rows_.data(), rows_.dim(), rows_.stride(), centers, clusters_, to);
  });
}

}  // namespace alfamix::cuda
