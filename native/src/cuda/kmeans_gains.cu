#include "cuda/kmeans_gains.h"

#include <algorithm>

#include "cuda/double_rows.cuh"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kScanThreads = 1024;
constexpr std::uint32_t kMostPicks = 64;

std::uint32_t BlockCount(std::uint64_t rows) {
  return static_cast<std::uint32_t>((rows + kSumRows - 1) / kSumRows);
}

// Bit i of out[t]: row i of 32 has captured candidate t. One warp.
__device__ __forceinline__ void TransposeBits(const std::uint64_t* words, std::uint32_t* out) {
  const std::uint64_t word = words[Lane()];
  for (unsigned t = 0; t < kMostCandidates; ++t) {
    const unsigned rows = __ballot_sync(kAll, static_cast<int>(word >> t & 1));
    if (Lane() == t % kWarp) out[t] = rows;
  }
}

// A block for 1,024 rows; warp w counts for rows 32 w ... A list's length goes where its start will be.
__global__ void CountLists(const std::uint64_t* captured, std::uint32_t rows, std::uint64_t* lengths) {
  __shared__ std::uint32_t counts[kMostCandidates];
  if (threadIdx.x < kMostCandidates) counts[threadIdx.x] = 0;
  __syncthreads();
  const std::size_t i = std::size_t{blockIdx.x} * kSumRows + threadIdx.x;
  const std::uint64_t word = i < rows ? captured[i] : 0;
  for (unsigned t = 0; t < kMostCandidates; ++t) {
    const unsigned set = __ballot_sync(kAll, static_cast<int>(word >> t & 1));
    if (Lane() == 0 && set != 0) atomicAdd(counts + t, static_cast<std::uint32_t>(__popc(set)));
  }
  __syncthreads();
  if (threadIdx.x < kMostCandidates)
    lengths[std::size_t{blockIdx.x} * kMostCandidates + threadIdx.x] = counts[threadIdx.x];
}

// One block: lengths become starts, and the end of the last is written behind them.
__global__ void SumLengths(std::uint64_t* starts, std::uint64_t count) {
  __shared__ std::uint64_t sums[2][kScanThreads];
  const std::uint64_t share = (count + kScanThreads - 1) / kScanThreads;
  const std::uint64_t first = threadIdx.x * share;
  const std::uint64_t end = first + share < count ? first + share : count;
  std::uint64_t own = 0;
  for (std::uint64_t i = first; i < end; ++i) own += starts[i];
  unsigned from = 0;
  sums[0][threadIdx.x] = own;
  for (unsigned offset = 1; offset < kScanThreads; offset *= 2) {
    __syncthreads();
    sums[1 - from][threadIdx.x] =
        sums[from][threadIdx.x] + (threadIdx.x >= offset ? sums[from][threadIdx.x - offset] : 0);
    from = 1 - from;
  }
  std::uint64_t before = sums[from][threadIdx.x] - own;
  if (threadIdx.x == kScanThreads - 1) starts[count] = before + own;
  for (std::uint64_t i = first; i < end; ++i) {
    const std::uint64_t length = starts[i];
    starts[i] = before;
    before += length;
  }
}

// A block for 1,024 rows, 32 of them at a time; a warp takes four of these, eight lanes a candidate of a row.
__global__ void ListRows(const float* rows, std::uint32_t count, std::uint32_t dim, std::uint32_t stride,
                         std::uint32_t first_block, const std::uint64_t* captured, const float* points,
                         const std::uint64_t* starts, double* distances, std::uint16_t* list_rows) {
  __shared__ std::uint64_t words[kWarp];
  __shared__ std::uint32_t bits[kMostCandidates];  // of candidates: the 32 rows that have it
  __shared__ std::uint64_t next[kMostCandidates];  // place in the list of the first of these
  const std::size_t block = first_block + blockIdx.x;
  const std::size_t first = block * kSumRows;
  if (threadIdx.x < kMostCandidates) next[threadIdx.x] = starts[block * kMostCandidates + threadIdx.x];
  for (std::size_t start = first; start < first + kSumRows && start < count; start += kWarp) {
    if (threadIdx.x < kWarp) {
      words[threadIdx.x] = start + threadIdx.x < count ? captured[start + threadIdx.x] : 0;
      __syncwarp();
      TransposeBits(words, bits);
    }
    __syncthreads();
    for (unsigned r = threadIdx.x / kWarp; r < kWarp; r += kThreads / kWarp) {
      std::uint64_t left = words[r];
      const float* row = rows + (start + r < count ? start + r : first) * stride;
      while (left != 0) {
        // The lowest four that are left, one for each eight lanes.
        int own = -1;
        for (unsigned group = 0; group < kGroupsOfWarp; ++group) {
          if (left == 0) break;
          const int t = __ffsll(static_cast<long long>(left)) - 1;
          left &= left - 1;
          if (group == Lane() / kGroup) own = t;
        }
        const float* point = points + static_cast<std::size_t>(own < 0 ? 0 : own) * stride;
        const double distance2 = SquaredDistance(row, point, own < 0 ? 0 : dim);
        if (own < 0 || GroupLane() != 0) continue;
        const std::uint64_t at = next[own] + __popc(bits[own] & ((1u << r) - 1));
        distances[at] = distance2;
        list_rows[at] = static_cast<std::uint16_t>(start + r - first);
      }
    }
    __syncthreads();
    if (threadIdx.x < kMostCandidates) next[threadIdx.x] += __popc(bits[threadIdx.x]);
    __syncthreads();
  }
}

// A block for 1,024 rows. First the pick before this one lowers D^2, then each candidate's gain is summed, a
// candidate a thread.
__global__ void SumGains(const std::uint64_t* starts, const double* distances, const std::uint16_t* list_rows,
                         std::uint32_t rows, std::uint32_t candidates, const std::int32_t* pick,
                         double* closest, double* gains) {
  __shared__ double values[kSumRows];
  const std::size_t first = std::size_t{blockIdx.x} * kSumRows;
  const std::uint64_t* own_starts = starts + std::size_t{blockIdx.x} * kMostCandidates;
  const auto n = static_cast<unsigned>(rows - first < kSumRows ? rows - first : kSumRows);
  for (unsigned i = threadIdx.x; i < n; i += kMostCandidates) values[i] = closest[first + i];
  __syncthreads();
  const std::int32_t lowering = pick == nullptr ? -1 : *pick;
  if (lowering >= 0) {
    for (std::uint64_t at = own_starts[lowering] + threadIdx.x; at < own_starts[lowering + 1];
         at += kMostCandidates) {
      if (!(distances[at] < values[list_rows[at]])) continue;
      values[list_rows[at]] = distances[at];
      closest[first + list_rows[at]] = distances[at];
    }
  }
  __syncthreads();
  if (gains == nullptr || threadIdx.x >= candidates) return;
  double sum = 0;
  for (std::uint64_t at = own_starts[threadIdx.x]; at < own_starts[threadIdx.x + 1]; ++at) {
    const double now = values[list_rows[at]];
    if (distances[at] < now) sum += now - distances[at];
  }
  gains[std::size_t{blockIdx.x} * kMostCandidates + threadIdx.x] = sum;
}

// One block.
__global__ void PickBest(const double* gains, std::uint32_t blocks, std::uint32_t candidates,
                         std::int32_t* pick) {
  __shared__ double totals[kMostCandidates];
  double total = 0;
  if (threadIdx.x < candidates) {
    constexpr std::uint32_t kAhead = 8;
    std::uint32_t block = 0;
    for (; block + kAhead <= blocks; block += kAhead) {
      double values[kAhead];
      ALFAMIX_UNROLLED
      for (std::uint32_t a = 0; a < kAhead; ++a)
        values[a] = gains[std::size_t{block + a} * kMostCandidates + threadIdx.x];
      ALFAMIX_UNROLLED
      for (std::uint32_t a = 0; a < kAhead; ++a) total += values[a];
    }
    for (; block < blocks; ++block) total += gains[std::size_t{block} * kMostCandidates + threadIdx.x];
  }
  totals[threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.x != 0) return;
  std::uint32_t best = 0;
  for (std::uint32_t t = 1; t < candidates; ++t) {
    if (totals[t] > totals[best]) best = t;
  }
  *pick = totals[best] > 0 ? static_cast<std::int32_t>(best) : -1;
}

}  // namespace

KMeansDeviceGains::KMeansDeviceGains(const KMeansDeviceRows& rows, const Stream& stream, KMeansPace& pace)
    : rows_(rows),
      stream_(stream),
      pace_(pace),
      blocks_(BlockCount(rows.size())),
      starts_(std::size_t{blocks_} * kMostCandidates + 1),
      gains_(std::size_t{blocks_} * kMostCandidates),
      picks_(kMostPicks),
      host_total_(1),
      host_picks_(kMostPicks) {}

std::uint64_t KMeansDeviceGains::Bytes(std::uint64_t rows) {
  return std::uint64_t{BlockCount(rows)} * kMostCandidates * (sizeof(std::uint64_t) + sizeof(double));
}

void KMeansDeviceGains::List(const std::uint64_t* captured, const float* points) {
  const std::uint64_t lists = std::uint64_t{blocks_} * kMostCandidates;
  Launch(CountLists, "lengths of lists", {blocks_, kSumRows}, stream_, captured, rows_.size(), starts_.get());
  Launch(SumLengths, "starts of lists", {1, kScanThreads}, stream_, starts_.get(), lists);
  CopyFromDevice(host_total_.get(), starts_.get() + lists, 1, stream_);
  pace_.Wait();
  const std::uint64_t total = host_total_[0];
  if (total > list_distances_.count()) {
    // Later batches capture less: what is held shrinks to the longest.
    list_distances_ = DeviceBuffer<double>();
    list_rows_ = DeviceBuffer<std::uint16_t>();
    list_distances_ = DeviceBuffer<double>(total);
    list_rows_ = DeviceBuffer<std::uint16_t>(total);
  }
  const std::uint64_t work = total / blocks_ * rows_.dim();
  pace_.InParts(blocks_, work, 1, [&](std::uint64_t first, std::uint64_t n) {
    Launch(ListRows, "distances to candidates", {static_cast<unsigned>(n), kThreads}, stream_, rows_.data(),
           rows_.size(), rows_.dim(), rows_.stride(), first, captured, points, starts_.get(),
           list_distances_.get(), list_rows_.get());
  });
}

std::vector<std::int32_t> KMeansDeviceGains::TakeBest(std::uint32_t seeds, std::uint32_t candidates,
                                                      double* closest) {
  const auto sum = [&](const std::int32_t* pick, double* gains) {
    Launch(SumGains, "gains of candidates", {blocks_, kMostCandidates}, stream_, starts_.get(),
           list_distances_.get(), list_rows_.get(), rows_.size(), candidates, pick, closest, gains);
  };
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    sum(seed == 0 ? nullptr : picks_.get() + seed - 1, gains_.get());
    Launch(PickBest, "the best candidate", {1, kMostCandidates}, stream_, gains_.get(), blocks_, candidates,
           picks_.get() + seed);
  }
  sum(picks_.get() + seeds - 1, nullptr);
  CopyFromDevice(host_picks_.get(), picks_.get(), seeds, stream_);
  pace_.Wait();
  std::int32_t* const end = std::find(host_picks_.get(), host_picks_.get() + seeds, -1);
  return {host_picks_.get(), end};
}

}  // namespace alfamix::cuda
