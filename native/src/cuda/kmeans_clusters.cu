#include "cuda/kmeans_clusters.h"

#include <algorithm>
#include <cmath>

#include "cuda/launch.h"
#include "cuda/warp.cuh"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kSumThreads = 128;
// Rows whose farthest one block of FindFarthest looks for.
constexpr std::uint32_t kFarthestRows = 1 << 12;
constexpr std::uint32_t kNone = 0xffffffffu;

std::uint64_t DivideUp(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

// Rows of a part of the sort: the table of K x parts is 16 bytes a row at most.
std::uint32_t PartRows(std::uint32_t clusters) {
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(DivideUp(clusters, 4 * kThreads), 1) * kThreads);
}

__global__ void ApplyLabels(const std::int32_t* to, std::int32_t* labels, std::uint32_t n,
                            std::uint32_t* counts, std::uint32_t* touched, std::uint32_t* moves) {
  const std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  const bool moved = i < n && labels[i] != to[i];
  if (moved) {
    if (labels[i] >= 0) {
      atomicAdd(counts + labels[i], kNone);  // one less
      touched[labels[i]] = 1;
    }
    atomicAdd(counts + to[i], 1u);
    touched[to[i]] = 1;
    labels[i] = to[i];
  }
  const unsigned together = __ballot_sync(kAll, moved);
  if (Lane() == 0 && together != 0) atomicAdd(moves, static_cast<std::uint32_t>(__popc(together)));
}

// --- The sort ---

// A row's rank among those of its part with its label; how many a part has of each.
__global__ void RankInParts(const std::int32_t* labels, std::uint32_t n, std::uint32_t part_rows,
                            std::uint32_t parts, std::uint32_t* ranks, std::uint32_t* in_parts) {
  __shared__ std::int32_t own[kThreads];
  const std::size_t first = std::size_t{blockIdx.x} * part_rows;
  for (std::size_t start = first; start < first + part_rows && start < n; start += kThreads) {
    const std::size_t i = start + threadIdx.x;
    const std::int32_t label = i < n ? labels[i] : -1;
    own[threadIdx.x] = label;
    __syncthreads();
    std::uint32_t before = 0;
    std::uint32_t after = 0;
    for (unsigned t = 0; t < kThreads; ++t) {
      const bool same = own[t] == label;
      before += same && t < threadIdx.x ? 1 : 0;
      after += same && t > threadIdx.x ? 1 : 0;
    }
    std::uint32_t* count = in_parts + static_cast<std::size_t>(i < n ? label : 0) * parts + blockIdx.x;
    const std::uint32_t rank = i < n ? *count + before : 0;
    __syncthreads();
    if (i < n) {
      ranks[i] = rank;
      if (after == 0) *count = rank + 1;
    }
    __syncthreads();
  }
}

// Of a warp: the sum of lanes up to this one.
__device__ __forceinline__ std::uint32_t SumUpTo(std::uint32_t x) {
  for (unsigned offset = 1; offset < kWarp; offset *= 2) {
    const std::uint32_t other = __shfl_up_sync(kAll, x, offset);
    if (Lane() >= offset) x += other;
  }
  return x;
}

// A warp for each cluster: rows of the parts before.
__global__ void SumOverParts(std::uint32_t* in_parts, std::uint32_t clusters, std::uint32_t parts) {
  const std::size_t k = (std::size_t{blockIdx.x} * kThreads + threadIdx.x) / kWarp;
  if (k >= clusters) return;
  std::uint32_t before = 0;
  for (std::uint32_t first = 0; first < parts; first += kWarp) {
    const std::uint32_t part = first + Lane();
    std::uint32_t* at = in_parts + k * parts + part;
    const std::uint32_t count = part < parts ? *at : 0;
    const std::uint32_t sum = SumUpTo(count);
    if (part < parts) *at = before + sum - count;
    before += __shfl_sync(kAll, sum, kWarp - 1);
  }
}

// One warp: where each cluster's members begin.
__global__ void FindStarts(const std::uint32_t* counts, std::uint32_t clusters, std::uint32_t* starts) {
  std::uint32_t before = 0;
  for (std::uint32_t first = 0; first < clusters; first += kWarp) {
    const std::uint32_t k = first + Lane();
    const std::uint32_t count = k < clusters ? counts[k] : 0;
    const std::uint32_t sum = SumUpTo(count);
    if (k < clusters) starts[k] = before + sum - count;
    before += __shfl_sync(kAll, sum, kWarp - 1);
  }
}

__global__ void PlaceMembers(const std::int32_t* labels, std::uint32_t n, std::uint32_t part_rows,
                             std::uint32_t parts, const std::uint32_t* starts, const std::uint32_t* in_parts,
                             const std::uint32_t* ranks, std::uint32_t* members) {
  const std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= n) return;
  const auto k = static_cast<std::size_t>(labels[i]);
  members[starts[k] + in_parts[k * parts + i / part_rows] + ranks[i]] = static_cast<std::uint32_t>(i);
}

// --- Means ---

// Adds members skip ... skip + most - 1 of a touched cluster, a dimension a thread, in order; the
// last of them divides.
__global__ void AddMembers(const float* rows, std::uint32_t dim, std::uint32_t stride, std::uint32_t slabs,
                           std::uint32_t skip, std::uint32_t most, const std::uint32_t* starts,
                           const std::uint32_t* counts, const std::uint32_t* touched,
                           const std::uint32_t* members, double* sums, float* centers, std::uint32_t* moved) {
  const std::size_t k = blockIdx.x / slabs;
  const std::uint32_t j = blockIdx.x % slabs * kSumThreads + threadIdx.x;
  const std::uint32_t count = counts[k];
  if (touched[k] == 0 || skip >= count || j >= dim) return;
  const std::uint32_t n = count - skip < most ? count - skip : most;
  const std::uint32_t* which = members + starts[k] + skip;
  double sum = skip == 0 ? 0.0 : sums[k * stride + j];
  constexpr std::uint32_t kAhead = 16;
  std::uint32_t at = 0;
  for (; at + kAhead <= n; at += kAhead) {
    float x[kAhead];
    ALFAMIX_UNROLLED
    for (std::uint32_t a = 0; a < kAhead; ++a) x[a] = rows[std::size_t{which[at + a]} * stride + j];
    ALFAMIX_UNROLLED
    for (std::uint32_t a = 0; a < kAhead; ++a) sum += static_cast<double>(x[a]);
  }
  for (; at < n; ++at) sum += static_cast<double>(rows[std::size_t{which[at]} * stride + j]);
  if (skip + n < count) {
    sums[k * stride + j] = sum;
    return;
  }
  const auto mean = static_cast<float>(sum / static_cast<double>(count));
  if (__float_as_uint(mean) != __float_as_uint(centers[k * stride + j])) moved[k] = 1;
  centers[k * stride + j] = mean;
}

// --- Empty clusters ---

// The larger distance, then the lower row; no row: kNone.
__device__ __forceinline__ bool Farther(double a, std::uint32_t row_a, double b, std::uint32_t row_b) {
  return a > b || (a == b && row_a < row_b);
}

// The farthest of the block's candidates, in thread 0.
__device__ __forceinline__ void JoinFarthest(double& distance2, std::uint32_t& row) {
  __shared__ double shared_distance[kThreads];
  __shared__ std::uint32_t shared_row[kThreads];
  shared_distance[threadIdx.x] = distance2;
  shared_row[threadIdx.x] = row;
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half && Farther(shared_distance[threadIdx.x + half], shared_row[threadIdx.x + half],
                                      shared_distance[threadIdx.x], shared_row[threadIdx.x])) {
      shared_distance[threadIdx.x] = shared_distance[threadIdx.x + half];
      shared_row[threadIdx.x] = shared_row[threadIdx.x + half];
    }
  }
  __syncthreads();
  distance2 = shared_distance[0];
  row = shared_row[0];
}

// Among rows of clusters with more than one that don't lie on their center.
__global__ void FindFarthest(const double* distances, const std::int32_t* labels, std::uint32_t n,
                             const std::uint32_t* counts, double* farthest, std::uint32_t* farthest_row) {
  double most = 0;
  std::uint32_t row = kNone;
  const std::size_t first = std::size_t{blockIdx.x} * kFarthestRows;
  for (std::size_t i = first + threadIdx.x; i < first + kFarthestRows && i < n; i += kThreads) {
    if (counts[labels[i]] > 1 && distances[i] > most) {
      most = distances[i];
      row = static_cast<std::uint32_t>(i);
    }
  }
  JoinFarthest(most, row);
  if (threadIdx.x == 0) {
    farthest[blockIdx.x] = most;
    farthest_row[blockIdx.x] = row;
  }
}

__global__ void TakeFarthest(const double* farthest, const std::uint32_t* farthest_row, unsigned blocks,
                             std::uint32_t empty, double* distances, std::int32_t* labels,
                             std::uint32_t* counts, std::uint32_t* touched, float* forget) {
  double most = 0;
  std::uint32_t row = kNone;
  for (unsigned i = threadIdx.x; i < blocks; i += kThreads) {
    if (!Farther(farthest[i], farthest_row[i], most, row)) continue;
    most = farthest[i];
    row = farthest_row[i];
  }
  JoinFarthest(most, row);
  if (threadIdx.x != 0 || row == kNone) return;
  counts[labels[row]] -= 1;
  touched[labels[row]] = 1;
  counts[empty] = 1;
  touched[empty] = 1;
  labels[row] = static_cast<std::int32_t>(empty);
  distances[row] = 0;
  forget[row] = HUGE_VALF;
}

}  // namespace

KMeansDeviceClusters::KMeansDeviceClusters(const KMeansDeviceRows& rows, std::uint32_t clusters,
                                           const Stream& stream, KMeansPace& pace)
    : rows_(rows),
      clusters_(clusters),
      stream_(stream),
      pace_(pace),
      part_rows_(PartRows(clusters)),
      parts_(static_cast<std::uint32_t>(DivideUp(rows.size(), part_rows_))),
      centers_(std::size_t{clusters} * rows.stride()),
      sums_(std::size_t{clusters} * rows.stride()),
      labels_(rows.size()),
      distances_(rows.size()),
      counts_(std::size_t{clusters} + 1),
      touched_(clusters),
      moved_(clusters),
      starts_(clusters),
      ranks_(rows.size()),
      in_parts_(std::size_t{clusters} * parts_),
      members_(rows.size()),
      farthest_(DivideUp(rows.size(), kFarthestRows)),
      farthest_row_(farthest_.count()),
      host_counts_(std::size_t{clusters} + 1),
      host_moved_(clusters) {
  // Padding stays zero.
  Check(cudaMemsetAsync(centers_.get(), 0, centers_.count() * sizeof(float), stream_.get()),
        "clearing memory");
}

std::uint64_t KMeansDeviceClusters::Bytes(std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters) {
  const std::uint64_t parts = DivideUp(rows, PartRows(clusters));
  return rows * 20 + clusters * (3 * KMeansDeviceRows::BytesARow(dim) + 4 * parts + 16);
}

void KMeansDeviceClusters::Begin() {
  Check(cudaMemsetAsync(labels_.get(), 0xff, rows_.size() * sizeof(std::int32_t), stream_.get()),
        "clearing memory");
  Check(cudaMemsetAsync(counts_.get(), 0, counts_.count() * sizeof(std::uint32_t), stream_.get()),
        "clearing memory");
  Check(cudaMemsetAsync(touched_.get(), 0, clusters_ * sizeof(std::uint32_t), stream_.get()),
        "clearing memory");
}

std::uint64_t KMeansDeviceClusters::Apply(const std::int32_t* to) {
  const std::uint32_t n = rows_.size();
  Check(cudaMemsetAsync(counts_.get() + clusters_, 0, sizeof(std::uint32_t), stream_.get()),
        "clearing memory");
  Launch(ApplyLabels, "new labels", {static_cast<unsigned>(DivideUp(n, kThreads)), kThreads}, stream_, to,
         labels_.get(), n, counts_.get(), touched_.get(), counts_.get() + clusters_);
  CopyFromDevice(host_counts_.get(), counts_.get(), counts_.count(), stream_);
  pace_.Wait();
  return host_counts_[clusters_];
}

void KMeansDeviceClusters::FillEmpty(float* forget) {
  std::uint32_t* const end = host_counts_.get() + clusters_;
  if (std::find(host_counts_.get(), end, 0u) == end) return;
  rows_.MeasureDistances(centers_.get(), labels_.get(), distances_.get());
  const auto blocks = static_cast<unsigned>(farthest_.count());
  for (std::uint32_t empty = 0; empty < clusters_; ++empty) {
    if (host_counts_[empty] > 0) continue;
    pace_.InParts(1, rows_.size(), 1, [&](std::uint64_t, std::uint64_t) {
      Launch(FindFarthest, "farthest row", {blocks, kThreads}, stream_, distances_.get(), labels_.get(),
             rows_.size(), counts_.get(), farthest_.get(), farthest_row_.get());
      Launch(TakeFarthest, "row for an empty cluster", {1, kThreads}, stream_, farthest_.get(),
             farthest_row_.get(), blocks, empty, distances_.get(), labels_.get(), counts_.get(),
             touched_.get(), forget);
    });
  }
}

void KMeansDeviceClusters::SortMembers() {
  const std::uint32_t n = rows_.size();
  Check(cudaMemsetAsync(in_parts_.get(), 0, in_parts_.count() * sizeof(std::uint32_t), stream_.get()),
        "clearing memory");
  Launch(RankInParts, "ranks of rows", {parts_, kThreads}, stream_, labels_.get(), n, part_rows_, parts_,
         ranks_.get(), in_parts_.get());
  const auto warps = static_cast<unsigned>(DivideUp(clusters_, kThreads / kWarp));
  Launch(SumOverParts, "sums over parts", {warps, kThreads}, stream_, in_parts_.get(), clusters_, parts_);
  Launch(FindStarts, "starts of clusters", {1, kWarp}, stream_, counts_.get(), clusters_, starts_.get());
  Launch(PlaceMembers, "places of rows", {static_cast<unsigned>(DivideUp(n, kThreads)), kThreads}, stream_,
         labels_.get(), n, part_rows_, parts_, starts_.get(), in_parts_.get(), ranks_.get(), members_.get());
}

std::vector<std::uint32_t> KMeansDeviceClusters::Average() {
  SortMembers();
  // Rows that empty clusters took make no cluster larger.
  const std::uint32_t largest = *std::max_element(host_counts_.get(), host_counts_.get() + clusters_);
  const auto slabs = static_cast<std::uint32_t>(DivideUp(rows_.dim(), kSumThreads));
  Check(cudaMemsetAsync(moved_.get(), 0, clusters_ * sizeof(std::uint32_t), stream_.get()),
        "clearing memory");
  for (std::uint32_t skip = 0; skip < largest; skip += kmeans_sizes.members) {
    pace_.InParts(1, 1, 1, [&](std::uint64_t, std::uint64_t) {
      Launch(AddMembers, "means of clusters", {clusters_ * slabs, kSumThreads}, stream_, rows_.data(),
             rows_.dim(), rows_.stride(), slabs, skip, kmeans_sizes.members, starts_.get(), counts_.get(),
             touched_.get(), members_.get(), sums_.get(), centers_.get(), moved_.get());
    });
  }
  Check(cudaMemsetAsync(touched_.get(), 0, clusters_ * sizeof(std::uint32_t), stream_.get()),
        "clearing memory");
  CopyFromDevice(host_moved_.get(), moved_.get(), clusters_, stream_);
  pace_.Wait();
  std::vector<std::uint32_t> moved;
  for (std::uint32_t k = 0; k < clusters_; ++k) {
    if (host_moved_[k] != 0) moved.push_back(k);
  }
  return moved;
}

double KMeansDeviceClusters::Inertia() {
  rows_.MeasureDistances(centers_.get(), labels_.get(), distances_.get());
  const std::uint64_t part = std::min<std::uint64_t>(kmeans_sizes.copied, rows_.size());
  const PinnedBuffer<double> pinned(part);
  const QuietStream quiet{stream_};
  double inertia = 0;
  for (std::uint64_t first = 0; first < rows_.size(); first += part) {
    const std::uint64_t n = std::min<std::uint64_t>(part, rows_.size() - first);
    CopyFromDevice(pinned.get(), distances_.get() + first, n, stream_);
    pace_.Wait();
    for (std::uint64_t i = 0; i < n; ++i) inertia += pinned[i];
  }
  return inertia;
}

}  // namespace alfamix::cuda
