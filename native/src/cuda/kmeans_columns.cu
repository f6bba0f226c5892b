#include <algorithm>
#include <cmath>

#include "cuda/double_rows.cuh"
#include "cuda/kmeans_columns.cuh"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 128;

std::uint32_t RoundUp(std::uint32_t n, std::uint32_t to) { return (n + to - 1) / to * to; }

// A block a column.
__global__ void WriteColumn(const float* points, const std::uint32_t* which, std::uint32_t count,
                            std::uint32_t dim, std::uint32_t stride, std::uint32_t depth, const float* shift,
                            float* columns, float* half_norms, unsigned long long* largest) {
  const std::size_t k = blockIdx.x;
  const bool any = k < count;
  const std::size_t at = !any ? 0 : which == nullptr ? k : which[k];
  const float* point = points + at * stride;
  for (std::uint32_t j = threadIdx.x; j < depth; j += kThreads)
    columns[k * depth + j] = any && j < dim ? point[j] - shift[j] : 0.0f;
  if (threadIdx.x >= kWarp) return;
  const double half_norm = SquaredDistance(point, shift, any ? dim : 0) / 2;
  if (threadIdx.x != 0) return;
  half_norms[k] = any ? static_cast<float>(half_norm) : HUGE_VALF;
  // Bits of doubles that aren't negative are in their order.
  if (any) atomicMax(largest, static_cast<unsigned long long>(__double_as_longlong(half_norm)));
}

}  // namespace

KMeansDeviceColumns::KMeansDeviceColumns(const KMeansDeviceRows& rows, std::uint32_t most,
                                         std::uint32_t panel, const Stream& stream)
    : rows_(rows),
      stream_(stream),
      depth_(RoundUp(rows.stride(), kTileDepth)),
      data_(std::size_t{RoundUp(most, panel)} * depth_),
      half_norms_(RoundUp(most, panel)),
      largest_(1) {}

void KMeansDeviceColumns::Set(const float* points, const std::uint32_t* which, std::uint32_t count,
                              std::uint32_t panel) {
  panels_ = std::max((count + panel - 1) / panel, 1u);
  Check(cudaMemsetAsync(largest_.get(), 0, sizeof(unsigned long long), stream_.get()), "clearing memory");
  Launch(WriteColumn, "columns of centers", {panels_ * panel, kThreads}, stream_, points, which, count,
         rows_.dim(), rows_.stride(), depth_, rows_.shift(), data_.get(), half_norms_.get(), largest_.get());
}

TileOperands KMeansDeviceColumns::Operands(const float* rows, std::uint64_t n) const {
  return {rows, n, rows_.stride(), data_.get(), depth_, panels_};
}

std::uint64_t KMeansDeviceColumns::Bytes(std::uint32_t dim, std::uint32_t most, std::uint32_t panel) {
  return std::uint64_t{RoundUp(most, panel)} * (RoundUp(dim, kTileDepth) + 1) * sizeof(float);
}

}  // namespace alfamix::cuda
