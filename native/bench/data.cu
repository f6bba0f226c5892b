#include "bench/data.h"

#include <algorithm>

#include "cuda/launch.h"

namespace alfamix::bench {

namespace {

constexpr unsigned kThreads = 256;
constexpr std::uint32_t kCenters = 2000;

// splitmix64's finalizer: a hash of the position, so that the order of the threads doesn't matter.
__device__ __forceinline__ std::uint64_t Mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

__device__ __forceinline__ float Uniform(std::uint64_t key) {
  return static_cast<float>(static_cast<std::int32_t>(Mix(key) >> 40) - (1 << 23)) * (1.0f / (1 << 23));
}

// The values first ... first + count - 1 of all.
__global__ void FillValues(float* out, std::uint64_t first, std::uint64_t count, std::uint32_t dim,
                           Values values, std::uint64_t seed) {
  const std::uint64_t key = Mix(seed + 0x9e3779b97f4a7c15u);
  const std::uint64_t stride = static_cast<std::uint64_t>(gridDim.x) * blockDim.x;
  for (std::uint64_t i = first + static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < first + count; i += stride) {
    float x = Uniform(key + i);
    if (values == Values::kRelu && x < 0) x = 0;
    if (values == Values::kClustered) {
      const std::uint64_t center = Mix(~key + i / dim) % kCenters;
      x = Uniform(center * dim + i % dim) + 0.3f * x;
    }
    out[i - first] = x;
  }
}

}  // namespace

void Fill(float* out, std::uint64_t rows, std::uint32_t dim, Values values, std::uint64_t seed,
          const cuda::Stream& stream) {
  const std::uint64_t count = rows * dim;
  if (count == 0) return;
  const auto blocks = static_cast<unsigned>(std::min<std::uint64_t>((count + kThreads - 1) / kThreads, 4096));
  cuda::Launch(FillValues, "random values", {blocks, kThreads}, stream, out, std::uint64_t{0}, count, dim,
               values, seed);
}

std::vector<float> HostValues(std::uint64_t rows, std::uint32_t dim, Values values, std::uint64_t seed) {
  const std::uint64_t count = rows * dim;
  std::vector<float> host(count);
  // In pieces: the device may hold less than the host.
  const std::uint64_t piece = std::min<std::uint64_t>(count, std::uint64_t{1} << 26);
  const cuda::Stream stream;
  const cuda::DeviceBuffer<float> device(piece);
  const auto blocks = static_cast<unsigned>(std::min<std::uint64_t>((piece + kThreads - 1) / kThreads, 4096));
  for (std::uint64_t at = 0; at < count; at += piece) {
    const std::uint64_t now = std::min(piece, count - at);
    cuda::Launch(FillValues, "random values", {blocks, kThreads}, stream, device.get(), at, now, dim, values,
                 seed);
    cuda::CopyFromDevice(host.data() + at, device.get(), now, stream);
    stream.Synchronize();
  }
  return host;
}

}  // namespace alfamix::bench
