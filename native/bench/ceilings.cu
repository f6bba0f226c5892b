#include "bench/ceilings.h"

#include "bench/data.h"
#include "cuda/cublas.h"
#include "cuda/launch.h"

namespace alfamix::bench {

namespace {

constexpr unsigned kTile = 64;   // rows and columns of a block's part of the result
constexpr unsigned kDepth = 16;  // of a tile in shared memory
constexpr unsigned kEach = 4;    // rows and columns of a thread

// out = a . b^T, n x n each, n a multiple of 64: the textbook's tiled product.
__global__ void MultiplyTiles(const float* a, const float* b, float* out, unsigned n) {
  __shared__ float tile_a[kDepth][kTile + 1];
  __shared__ float tile_b[kDepth][kTile + 1];
  const unsigned across = n / kTile;
  const unsigned row = blockIdx.x / across * kTile;
  const unsigned column = blockIdx.x % across * kTile;
  const unsigned y = threadIdx.x / (kTile / kEach);
  const unsigned x = threadIdx.x % (kTile / kEach);
  float sum[kEach][kEach] = {};
  for (unsigned k = 0; k < n; k += kDepth) {
    for (unsigned i = threadIdx.x; i < kTile * kDepth; i += blockDim.x) {
      tile_a[i % kDepth][i / kDepth] = a[(row + i / kDepth) * static_cast<std::size_t>(n) + k + i % kDepth];
      tile_b[i % kDepth][i / kDepth] =
          b[(column + i / kDepth) * static_cast<std::size_t>(n) + k + i % kDepth];
    }
    __syncthreads();
    for (unsigned d = 0; d < kDepth; ++d) {
      for (unsigned i = 0; i < kEach; ++i) {
        for (unsigned j = 0; j < kEach; ++j)
          sum[i][j] = fmaf(tile_a[d][y * kEach + i], tile_b[d][x * kEach + j], sum[i][j]);
      }
    }
    __syncthreads();
  }
  for (unsigned i = 0; i < kEach; ++i) {
    for (unsigned j = 0; j < kEach; ++j)
      out[(row + y * kEach + i) * static_cast<std::size_t>(n) + column + x * kEach + j] = sum[i][j];
  }
}

double CopyRate(const Setup& setup, const cuda::Stream& stream) {
  std::size_t bytes = setup.size == Size::kSmoke ? 1 << 16 : std::size_t{1} << 31;
  bytes = std::min(bytes, setup.device_bytes / 8) & ~std::size_t{255};
  const cuda::DeviceBuffer<float> from(bytes / 4), to(bytes / 4);
  Fill(from.get(), bytes / 256, 64, Values::kUniform, 1, stream);
  const Times times = TimeOnDevice(setup, stream, [&](int) {
    cuda::Check(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, stream.get()),
                "copying");
  });
  return 2 * static_cast<double>(bytes) / times.median * 1e3;
}

double PinnedRate(const Setup& setup, const cuda::Stream& stream) {
  std::size_t bytes = setup.size == Size::kSmoke ? 1 << 16 : std::size_t{1} << 28;
  bytes = std::min(bytes, setup.device_bytes / 8) & ~std::size_t{255};
  const cuda::DeviceBuffer<float> device(bytes / 4);
  const cuda::PinnedBuffer<float> host(bytes / 4);
  Fill(device.get(), bytes / 256, 64, Values::kUniform, 2, stream);
  cuda::CopyFromDevice(host.get(), device.get(), bytes / 4, stream);
  const Times times =
      TimeOnDevice(setup, stream, [&](int) { cuda::CopyToDevice(device, host.get(), bytes / 4, stream); });
  return static_cast<double>(bytes) / times.median * 1e3;
}

void ProductRates(const Setup& setup, const cuda::Stream& stream, Ceilings* out) {
  const unsigned n = setup.size == Size::kSmoke ? kTile : setup.size == Size::kQuick ? 4096 : 8192;
  const std::size_t count = static_cast<std::size_t>(n) * n;
  const cuda::DeviceBuffer<float> a(count), b(count), product(count);
  Fill(a.get(), n, n, Values::kUniform, 3, stream);
  Fill(b.get(), n, n, Values::kUniform, 4, stream);
  const double operations = 2 * static_cast<double>(count) * n;
  cuda::Cublas* const cublas = cuda::Cublas::Find();
  const auto rate = [&](cuda::ProductMath math) {
    bool works = true;
    const Times times = TimeOnDevice(setup, stream, [&](int) {
      works = works && cublas->Product(a.get(), n, b.get(), n, n, product.get(), math, stream.get());
    });
    return works ? operations / times.median * 1e3 : 0;
  };
  if (cublas != nullptr) {
    out->float32 = rate(cuda::ProductMath::kFloat32);
    out->tf32 = rate(cuda::ProductMath::kTf32);
  }
  if (out->float32 > 0) return;
  out->lower_bound = true;
  const Times times = TimeOnDevice(setup, stream, [&](int) {
    cuda::Launch(MultiplyTiles, "a product", {n / kTile * (n / kTile), kTile / kEach * (kTile / kEach)},
                 stream, a.get(), b.get(), product.get(), n);
  });
  out->float32 = operations / times.median * 1e3;
}

}  // namespace

Ceilings MeasureCeilings(const Setup& setup) {
  const cuda::Stream stream;
  Ceilings ceilings;
  ceilings.copy = CopyRate(setup, stream);
  ceilings.pinned = PinnedRate(setup, stream);
  ProductRates(setup, stream, &ceilings);
  return ceilings;
}

}  // namespace alfamix::bench
