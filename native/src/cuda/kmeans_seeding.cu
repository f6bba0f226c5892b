#include "cuda/kmeans_seeding.h"

#include <algorithm>
#include <cmath>

#include "cuda/kmeans_gains.h"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

// Seeds taken from a batch, and candidates drawn for each: the same on the CPU.
constexpr std::uint32_t kBatchSeeds = 8;
constexpr std::uint32_t kCandidatesASeed = 8;
static_assert(kBatchSeeds * kCandidatesASeed <= kMostCandidates);
constexpr unsigned kSumThreads = 128;
// Multiply-adds of a tile product that take as long as a sum in double.
constexpr std::uint64_t kProductsASum = 32;

// Eight warps of 32 rows x 32 candidates.
using CaptureShape = TileShape<4, 2, 2, 4, 3>;
static_assert(CaptureShape::kColumns == kMostCandidates);

__global__ void SumBlocks(const double* closest, std::uint32_t rows, double* sums) {
  __shared__ double values[kSumRows];
  const std::size_t first = std::size_t{blockIdx.x} * kSumRows;
  const auto n = static_cast<unsigned>(rows - first < kSumRows ? rows - first : kSumRows);
  for (unsigned i = threadIdx.x; i < n; i += kSumThreads) values[i] = closest[first + i];
  __syncthreads();
  if (threadIdx.x != 0) return;
  double sum = 0;
  for (unsigned i = 0; i < n; ++i) sum += values[i];
  sums[blockIdx.x] = sum;
}

// D^2 of whole blocks of rows, one after the other.
__global__ void CopyBlocks(const double* closest, std::uint32_t rows, const std::uint32_t* blocks,
                           double* out) {
  const std::size_t first = std::size_t{blocks[blockIdx.x]} * kSumRows;
  for (std::size_t i = threadIdx.x; i < kSumRows && first + i < rows; i += kSumThreads)
    out[std::size_t{blockIdx.x} * kSumRows + i] = closest[first + i];
}

struct CaptureHook : ShiftElements {
  const float* half_norms;
  std::uint64_t rows;
  std::uint32_t first_row;
  const float* norms;     // of all rows
  const double* closest;  // of all rows
  ScoreBound bound;
  std::uint32_t candidates;
  std::uint32_t* captured;  // two words a row

  // A candidate lowers D^2 where its score exceeds (|x|^2 - D^2) / 2.
  __device__ __forceinline__ float Threshold(std::size_t i) const {
    const auto norm = static_cast<double>(norms[i]);
    const double slack = bound.Of(norm) + 4e-7 * (norm * norm + closest[i]);
    return static_cast<float>((norm * norm - closest[i]) / 2 - 2 * slack);
  }

  __device__ __forceinline__ void Panel(const TileCursor& at, TileSums<CaptureShape>& sums) const {
    const TilePlace<CaptureShape> place;
    const auto row_of = [&](int r) { return at.tile * CaptureShape::kRows + place.RowOf(r / 2, r % 2 * 2); };
    // The four lanes of four rows: each thinks about one.
    static_assert(CaptureShape::kRowTiles * 2 == 4);
    const std::uint64_t own_row = row_of(static_cast<int>(place.t));
    const float own_threshold = own_row < rows ? Threshold(std::size_t{first_row} + own_row) : 0.0f;
    ALFAMIX_UNROLLED
    for (int r = 0; r < 4; ++r) {
      const std::uint64_t row = row_of(r);
      const float threshold = __shfl_sync(kAll, own_threshold, static_cast<int>(Lane() & ~3u) + r);
      std::uint32_t bits = 0;
      ALFAMIX_UNROLLED
      for (int n = 0; n < CaptureShape::kColumnTiles; ++n) {
        ALFAMIX_UNROLLED
        for (int c = 0; c < 2; ++c) {
          const std::uint32_t candidate = place.ColumnOf(n, c);
          const float over = sums[r / 2][n][r % 2 * 2 + c] - half_norms[candidate] - threshold;
          // NaN, from overflow, isn't below: distances are looked at.
          if (!(over < 0) && candidate < candidates) bits |= 1u << (candidate % 32);
        }
      }
      bits |= __shfl_xor_sync(kAll, bits, 1);
      bits |= __shfl_xor_sync(kAll, bits, 2);
      if (place.t == 0 && row < rows) captured[2 * (std::size_t{first_row} + row) + place.column_warp] = bits;
    }
  }
};

__global__ void __launch_bounds__(CaptureShape::kThreads, 1)
    CaptureTiles(TileOperands operands, std::uint32_t first_row, const float* shift, const float* half_norms,
                 const float* norms, const double* closest, ScoreBound bound, std::uint32_t candidates,
                 std::uint32_t* captured) {
  CaptureHook hook;
  hook.shift = shift;
  hook.half_norms = half_norms;
  hook.rows = operands.row_count;
  hook.first_row = first_row;
  hook.norms = norms;
  hook.closest = closest;
  hook.bound = bound;
  hook.candidates = candidates;
  hook.captured = captured;
  ForTiles<CaptureShape>(operands, reinterpret_cast<float*>(SharedMemory()), hook);
}

std::uint64_t SumBlockCount(std::uint64_t rows) { return (rows + kSumRows - 1) / kSumRows; }

}  // namespace

KMeansDeviceSeeding::KMeansDeviceSeeding(const KMeansDeviceRows& rows, std::uint32_t clusters,
                                         double* closest, const Stream& stream, KMeansPace& pace)
    : rows_(rows),
      clusters_(clusters),
      closest_(closest),
      stream_(stream),
      pace_(pace),
      blocks_(SumBlockCount(rows.size())),
      before_(blocks_ + 1),
      columns_(rows, kMostCandidates, kMostCandidates, stream),
      gains_(rows, stream, pace),
      sums_(blocks_),
      captured_(rows.size()),
      points_(std::size_t{kMostCandidates} * rows.stride()),
      drawn_(std::max(clusters, kMostCandidates)),
      drawn_values_(std::size_t{kMostCandidates} * kSumRows),
      host_sums_(blocks_),
      host_drawn_(std::max(clusters, kMostCandidates)),
      host_values_(std::size_t{kMostCandidates} * kSumRows) {}

std::uint64_t KMeansDeviceSeeding::Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters) {
  return rows * sizeof(std::uint64_t) + KMeansDeviceGains::Bytes(rows) +
         SumBlockCount(rows) * sizeof(double) + kMostCandidates * KMeansDeviceRows::BytesARow(dim) +
         KMeansDeviceColumns::Bytes(dim, kMostCandidates, kMostCandidates) +
         std::max(clusters, kMostCandidates) * sizeof(std::uint32_t) +
         kMostCandidates * kSumRows * sizeof(double);
}

void KMeansDeviceSeeding::Run(Rng& rng, const DeviceBuffer<float>& centers) {
  pace_.progress().BeginPart(0.5, clusters_);
  std::vector<std::uint32_t> chosen = {static_cast<std::uint32_t>(rng.Below(rows_.size()))};
  GatherPoints(chosen, points_.get());
  rows_.MeasureDistances(points_.get(), nullptr, closest_);
  SumWeights();
  while (chosen.size() < clusters_) {
    const std::size_t before = chosen.size();
    if (!(before_[blocks_] > 0)) {
      chosen.push_back(static_cast<std::uint32_t>(rng.Below(rows_.size())));
    } else {
      const auto left = clusters_ - static_cast<std::uint32_t>(chosen.size());
      const std::uint32_t seeds = std::min({kBatchSeeds, left, static_cast<std::uint32_t>(chosen.size())});
      const std::vector<std::uint32_t> candidates = Draw(seeds * kCandidatesASeed, rng);
      Capture(candidates);
      const auto count = static_cast<std::uint32_t>(candidates.size());
      gains_.List(captured_.get(), points_.get());
      for (const std::int32_t pick : gains_.TakeBest(seeds, count, closest_))
        chosen.push_back(candidates[static_cast<std::size_t>(pick)]);
      SumWeights();
    }
    pace_.Add(chosen.size() - before);
  }
  GatherPoints(chosen, centers.get());
}

void KMeansDeviceSeeding::GatherPoints(const std::vector<std::uint32_t>& which, float* to) {
  std::copy(which.begin(), which.end(), host_drawn_.get());
  CopyToDevice(drawn_, host_drawn_.get(), which.size(), stream_);
  rows_.Gather(drawn_.get(), static_cast<std::uint32_t>(which.size()), to);
}

// Sums of the weights before each block, on the host.
void KMeansDeviceSeeding::SumWeights() {
  Launch(SumBlocks, "sums of weights", {static_cast<unsigned>(blocks_), kSumThreads}, stream_, closest_,
         rows_.size(), sums_.get());
  CopyFromDevice(host_sums_.get(), sums_.get(), blocks_, stream_);
  pace_.Wait();
  before_[0] = 0;
  for (std::uint64_t block = 0; block < blocks_; ++block)
    before_[block + 1] = before_[block] + host_sums_[block];
}

// Candidates, in the order drawn; a row drawn again is the same candidate.
std::vector<std::uint32_t> KMeansDeviceSeeding::Draw(std::uint32_t count, Rng& rng) {
  double targets[kMostCandidates];
  std::uint32_t drawn_from[kMostCandidates];
  for (std::uint32_t draw = 0; draw < count; ++draw) {
    targets[draw] = rng.Uniform() * before_[blocks_];
    // The first block behind which the sum exceeds the target: sums never fall.
    const auto behind = std::upper_bound(before_.begin() + 1, before_.end(), targets[draw]);
    const auto block = static_cast<std::uint64_t>(behind - before_.begin()) - 1;
    drawn_from[draw] = static_cast<std::uint32_t>(std::min(block, blocks_ - 1));
  }
  std::copy_n(drawn_from, count, host_drawn_.get());
  CopyToDevice(drawn_, host_drawn_.get(), count, stream_);
  Launch(CopyBlocks, "weights to draw from", {count, kSumThreads}, stream_, closest_, rows_.size(),
         drawn_.get(), drawn_values_.get());
  CopyFromDevice(host_values_.get(), drawn_values_.get(), std::size_t{count} * kSumRows, stream_);
  pace_.Wait();
  std::vector<std::uint32_t> candidates;
  for (std::uint32_t draw = 0; draw < count; ++draw) {
    const std::uint32_t row =
        DrawnRow(drawn_from[draw], targets[draw], host_values_.get() + std::size_t{draw} * kSumRows);
    if (std::find(candidates.begin(), candidates.end(), row) == candidates.end()) candidates.push_back(row);
  }
  return candidates;
}

// The first row of the block at which the running sum of the weights exceeds `target`. Where rounding hides
// it: the first row of the next block, whose running sum begins above it; without one the last row with
// weight.
std::uint32_t KMeansDeviceSeeding::DrawnRow(std::uint64_t block, double target, const double* values) const {
  const std::uint64_t first = block * kSumRows;
  const std::uint64_t end = std::min<std::uint64_t>(first + kSumRows, rows_.size());
  double running = before_[block];
  std::uint64_t last = 0;
  for (std::uint64_t i = first; i < end; ++i) {
    running += values[i - first];
    if (values[i - first] > 0) last = i;
    if (running > target) return static_cast<std::uint32_t>(i);
  }
  return static_cast<std::uint32_t>(end < rows_.size() ? end : last);
}

void KMeansDeviceSeeding::Capture(const std::vector<std::uint32_t>& candidates) {
  GatherPoints(candidates, points_.get());
  const auto count = static_cast<std::uint32_t>(candidates.size());
  columns_.Set(points_.get(), nullptr, count, kMostCandidates);
  const std::uint64_t work = kMostCandidates * std::uint64_t{rows_.dim()} / kProductsASum;
  pace_.InParts(rows_.size(), work, CaptureShape::kRows, [&](std::uint64_t first, std::uint64_t n) {
    const std::uint64_t tiles = (n + CaptureShape::kRows - 1) / CaptureShape::kRows;
    const auto blocks = static_cast<unsigned>(
        std::min<std::uint64_t>(tiles, static_cast<std::uint64_t>(DeviceProperties().multiProcessorCount)));
    Launch(CaptureTiles, "candidates of rows", {blocks, CaptureShape::kThreads, CaptureShape::kRingBytes},
           stream_, columns_.Operands(rows_.data() + first * rows_.stride(), n), first, rows_.shift(),
           columns_.half_norms(), rows_.norms(), closest_, columns_.bound(), count,
           reinterpret_cast<std::uint32_t*>(captured_.get()));
  });
}

}  // namespace alfamix::cuda
