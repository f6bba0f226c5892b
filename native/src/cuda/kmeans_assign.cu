#include "cuda/kmeans_assign.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cuda/double_rows.cuh"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

// Eight warps of 32 rows x 64 (32) centers; three stages of 32 (24) KB: with what is joined less than the 99
// KB of a block's shared memory on the smallest device.
using WideShape = TileShape<4, 2, 2, 8, 3>;
using NarrowShape = TileShape<4, 2, 2, 4, 3>;
static_assert(WideShape::kRingBytes + sizeof(AssignHook<WideShape, SomeCenters>::Joined) <= 99 * 1024);
// Multiply-adds of a tile product that take as long as a sum in double.
constexpr std::uint64_t kProductsASum = 32;
// Above this share of moved centers all are looked at: few rows could keep what is known of them.
constexpr double kMostlyMoved = 0.7;

constexpr unsigned kThreads = 256;
constexpr unsigned kRowsABlock = kThreads / kWarp;
// Centers that eight lanes compare a row with at a time.
constexpr unsigned kCentersAtOnce = 4;

template <typename Shape, typename Rule>
__global__ void __launch_bounds__(Shape::kThreads, 1) ScoreTiles(TileOperands operands, AssignArgs args) {
  using Hook = AssignHook<Shape, Rule>;
  Hook hook(args, operands, reinterpret_cast<typename Hook::Joined*>(SharedMemory() + Shape::kRingBytes));
  ForTiles<Shape>(operands, reinterpret_cast<float*>(SharedMemory()), hook);
}

// The two least distances of a row, and which center has the least, the lowest on a tie.
struct LeastTwo {
  double least;
  double second;
  std::uint32_t nearest;

  __device__ __forceinline__ void Join(const LeastTwo& other) {
    second = fmin(fmax(least, other.least), fmin(second, other.second));
    if (other.least < least || (other.least == least && other.nearest < nearest)) {
      least = other.least;
      nearest = other.nearest;
    }
  }
};

// A warp a row of `which`.
__global__ void FindNearest(const std::uint32_t* which, std::uint32_t first, std::uint32_t n,
                            const float* rows, std::uint32_t dim, std::uint32_t stride, const float* norms,
                            const float* centers, std::uint32_t clusters, std::int32_t* to, float* own,
                            float* others) {
  const std::uint32_t at = blockIdx.x * kRowsABlock + threadIdx.x / kWarp;
  if (at >= n) return;
  const std::size_t i = which[first + at];
  const float* row = rows + i * stride;
  LeastTwo two = {HUGE_VAL, HUGE_VAL, 0xffffffffu};
  for (std::uint32_t start = 0; start < clusters; start += kGroupsOfWarp * kCentersAtOnce) {
    const float* compared[kCentersAtOnce];
    ALFAMIX_UNROLLED
    for (unsigned c = 0; c < kCentersAtOnce; ++c) {
      const std::uint32_t k = start + c * kGroupsOfWarp + Lane() / kGroup;
      compared[c] = centers + std::size_t{k < clusters ? k : clusters - 1} * stride;
    }
    double distances[kCentersAtOnce];
    SquaredDistances(row, compared, dim, distances);
    ALFAMIX_UNROLLED
    for (unsigned c = 0; c < kCentersAtOnce; ++c) {
      const std::uint32_t k = start + c * kGroupsOfWarp + Lane() / kGroup;
      if (k < clusters) two.Join({distances[c], HUGE_VAL, k});
    }
  }
  for (int offset = kGroup; offset < static_cast<int>(kWarp); offset *= 2)
    two.Join({__shfl_xor_sync(kAll, two.least, offset), __shfl_xor_sync(kAll, two.second, offset),
              __shfl_xor_sync(kAll, two.nearest, offset)});
  if (Lane() != 0) return;
  to[i] = static_cast<std::int32_t>(two.nearest);
  // Scores by distances: the norm is rounded to float32, so its own is taken too low and the others' too
  // high.
  const double norm2 = static_cast<double>(norms[i]) * static_cast<double>(norms[i]);
  const double slack = 4e-7 * norm2;
  own[i] = static_cast<float>((norm2 - two.least) / 2 - slack);
  others[i] = static_cast<float>((norm2 - two.second) / 2 + slack);
}

}  // namespace

KMeansDeviceAssign::KMeansDeviceAssign(const KMeansDeviceRows& rows, std::uint32_t clusters,
                                       const Stream& stream, KMeansPace& pace)
    : rows_(rows),
      clusters_(clusters),
      stream_(stream),
      pace_(pace),
      all_(rows, clusters, WideShape::kColumns, stream),
      some_(rows, clusters, WideShape::kColumns, stream),
      own_(rows.size()),
      others_(rows.size()),
      look_(rows.size()),
      close_(rows.size()),
      counts_(2),
      moved_list_(clusters),
      own_columns_(clusters),
      looked_at_(std::size_t{std::min(rows.size(), kmeans_sizes.looked_at)} * rows.stride()),
      host_moved_(clusters),
      host_columns_(clusters),
      host_count_(1) {}

std::uint64_t KMeansDeviceAssign::Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters) {
  return rows * 16 + 2 * KMeansDeviceColumns::Bytes(dim, clusters, WideShape::kColumns) +
         std::uint64_t{clusters} * 8 +
         std::min<std::uint64_t>(rows, kmeans_sizes.looked_at) * KMeansDeviceRows::BytesARow(dim);
}

void KMeansDeviceAssign::Reset() {
  moved_.resize(clusters_);
  for (std::uint32_t k = 0; k < clusters_; ++k) moved_[k] = k;
}

void KMeansDeviceAssign::Run(const float* centers, const std::int32_t* labels, std::int32_t* to) {
  const double share = static_cast<double>(moved_.size()) / clusters_;
  const bool full = share > kMostlyMoved;
  pace_.progress().BeginPass(full ? 1 : share, rows_.size());
  all_.Set(centers, nullptr, clusters_, WideShape::kColumns);
  Check(cudaMemsetAsync(counts_.get(), 0, 2 * sizeof(std::uint32_t), stream_.get()), "clearing memory");
  if (full)
    LookAtAll(centers, to, nullptr, rows_.size());
  else
    LookAtSome(centers, labels, to);
}

void KMeansDeviceAssign::LookAtSome(const float* centers, const std::int32_t* labels, std::int32_t* to) {
  const auto count = static_cast<std::uint32_t>(moved_.size());
  std::fill_n(host_columns_.get(), clusters_, -1);
  for (std::uint32_t at = 0; at < count; ++at) {
    host_moved_[at] = moved_[at];
    host_columns_[moved_[at]] = static_cast<std::int32_t>(at);
  }
  CopyToDevice(moved_list_, host_moved_.get(), count, stream_);
  CopyToDevice(own_columns_, host_columns_.get(), clusters_, stream_);
  const bool narrow = count <= NarrowShape::kColumns;
  some_.Set(centers, moved_list_.get(), count, narrow ? NarrowShape::kColumns : WideShape::kColumns);
  AssignArgs args = {};
  args.half_norms = some_.half_norms();
  args.labels = labels;
  args.clusters = moved_list_.get();
  args.own_columns = own_columns_.get();
  args.to = to;
  args.list = look_.get();
  args.list_count = counts_.get();
  if (narrow)
    Score<NarrowShape, SomeCenters>(some_, rows_.data(), args, rows_.size(), count);
  else
    Score<WideShape, SomeCenters>(some_, rows_.data(), args, rows_.size(), count);
  const std::uint32_t look = TakeCount(0);
  if (look == 0) return;
  pace_.progress().BeginPass(static_cast<double>(look) / rows_.size(), look);
  LookAtAll(centers, to, look_.get(), look);
}

void KMeansDeviceAssign::LookAtAll(const float* centers, std::int32_t* to, const std::uint32_t* which,
                                   std::uint32_t count) {
  AssignArgs args = {};
  args.half_norms = all_.half_norms();
  args.to = to;
  args.list = close_.get();
  args.list_count = counts_.get() + 1;
  if (which == nullptr) {
    Score<WideShape, AllCenters>(all_, rows_.data(), args, count, clusters_);
  } else {
    for (std::uint32_t first = 0; first < count; first += kmeans_sizes.looked_at) {
      const std::uint32_t n = std::min(kmeans_sizes.looked_at, count - first);
      args.which = which + first;
      rows_.Gather(args.which, n, looked_at_.get());
      Score<WideShape, AllCenters>(all_, looked_at_.get(), args, n, clusters_);
    }
  }
  DecideInDouble(centers, to);
}

template <typename Shape, typename Rule>
void KMeansDeviceAssign::Score(const KMeansDeviceColumns& columns, const float* rows, AssignArgs args,
                               std::uint64_t n, std::uint32_t compared) {
  args.shift = rows_.shift();
  args.norms = rows_.norms();
  args.bound = all_.bound();
  args.own = own_.get();
  args.others = others_.get();
  const std::size_t shared = Shape::kRingBytes + sizeof(typename AssignHook<Shape, Rule>::Joined);
  const std::uint64_t work = std::uint64_t{std::max(compared, 1u)} * rows_.dim() / kProductsASum;
  pace_.InParts(n, work, Shape::kRows, [&](std::uint64_t first, std::uint64_t part) {
    args.first_row = static_cast<std::uint32_t>(first);
    const std::uint64_t tiles = (part + Shape::kRows - 1) / Shape::kRows;
    const auto blocks = static_cast<unsigned>(
        std::min<std::uint64_t>(tiles, static_cast<std::uint64_t>(DeviceProperties().multiProcessorCount)));
    Launch(ScoreTiles<Shape, Rule>, "scores of centers", {blocks, Shape::kThreads, shared}, stream_,
           columns.Operands(rows + first * rows_.stride(), part), args);
    pace_.Add(part);
  });
}

// How many rows the lists hold: 0, to look at; 1, close ones.
std::uint32_t KMeansDeviceAssign::TakeCount(int list) {
  CopyFromDevice(host_count_.get(), counts_.get() + list, 1, stream_);
  pace_.Wait();
  return host_count_[0];
}

void KMeansDeviceAssign::DecideInDouble(const float* centers, std::int32_t* to) {
  const std::uint64_t work = std::uint64_t{clusters_} * rows_.dim();
  pace_.InParts(TakeCount(1), work, kRowsABlock, [&](std::uint64_t first, std::uint64_t n) {
    const auto blocks = static_cast<unsigned>((n + kRowsABlock - 1) / kRowsABlock);
    Launch(FindNearest, "nearest centers", {blocks, kThreads}, stream_, close_.get(), first, n, rows_.data(),
           rows_.dim(), rows_.stride(), rows_.norms(), centers, clusters_, to, own_.get(), others_.get());
  });
}

}  // namespace alfamix::cuda
