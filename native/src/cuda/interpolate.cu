// Mixes each row with one anchor, and the logits of the mix; see kernels/interpolate.h.
//
// The rows stream from the host (cuda/host_chunks.h). Cost: 8 D + 4 bytes a row over the bus to the device,
// 4 (D + C) back, at the same time; on the device 12 D bytes and four double operations an element, and
// C D multiply-adds in float32. The bus decides: about 0.15 ns an element at 55 GB/s, up to C = 1,000 on a
// device of 30 TFLOP/s. The mix is the CPU's to the bit; the logits add in its order too (chunks of 256
// dimensions, fused), so they differ from a level's only where that doesn't fuse.
//
// Not for few classes or none on a machine with many cores: they mix at the rate of the host's memory, which
// is above the bus's.
#include <cstdint>
#include <cstring>

#include "cpu/anchor_index.h"
#include "cuda/double_rows.cuh"
#include "cuda/host_chunks.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/setup.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;

// A warp a row.
__global__ void MixRows(const float* data, const float* alpha, const std::int32_t* anchor_index,
                        const float* anchors, std::uint64_t first, std::uint64_t rows, std::uint32_t dim,
                        float* mixed, unsigned long long* bad_row) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x / kWarp;
  for (std::uint64_t i = (std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kWarp; i < rows;
       i += step) {
    const std::int32_t index = anchor_index[i];
    const float* anchor = index < 0 ? nullptr : anchors + static_cast<std::size_t>(index) * dim;
    bool finite = true;
    for (std::uint32_t j = Lane(); j < dim; j += kWarp) {
      float z = data[i * dim + j];
      if (anchor != nullptr) {
        const double from = static_cast<double>(z);
        z = static_cast<float>(from + static_cast<double>(alpha[i * dim + j]) *
                                          (static_cast<double>(anchor[j]) - from));
      }
      mixed[i * dim + j] = z;
      finite = finite && IsFinite(z);
    }
    if (!__all_sync(kAll, finite) && Lane() == 0)
      atomicMin(bad_row, static_cast<unsigned long long>(first + i));
  }
}

// One product in double, in the order of cpu/reduce.h, by one thread.
__device__ __noinline__ double DotAlone(const float* a, const float* b, std::uint32_t n) {
  double s[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (std::uint32_t i = 0; i < n; i += 8) {
    ALFAMIX_UNROLLED
    for (std::uint32_t lane = 0; lane < 8; ++lane)
      if (i + lane < n) s[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  }
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

constexpr unsigned kTile = 64;    // rows, and classes, of a block
constexpr unsigned kDepth = 16;   // dimensions in shared memory
constexpr unsigned kChunk = 256;  // dimensions whose sum is kept apart, as the CPU does
constexpr unsigned kStride = kTile + 4;

// kTile rows from `first` of a row-major matrix, kDepth columns from `start`, transposed; zeros beyond it.
__device__ __forceinline__ void LoadTile(const float* from, std::uint64_t first, std::uint64_t rows,
                                         std::uint32_t start, std::uint32_t dim, float* tile) {
  for (unsigned at = threadIdx.x; at < kTile * kDepth; at += kThreads) {
    const std::uint64_t row = first + at / kDepth;
    const std::uint32_t column = start + at % kDepth;
    tile[at % kDepth * kStride + at / kDepth] = row < rows && column < dim ? from[row * dim + column] : 0.0f;
  }
}

// A block makes kTile x kTile logits, a thread 4 x 4 of them.
__global__ void __launch_bounds__(kThreads)
    MixLogits(const float* mixed, const float* weight, const float* bias, std::uint64_t rows,
              std::uint32_t dim, std::uint32_t classes, float* logits) {
  alignas(16) __shared__ float a[kDepth * kStride];
  alignas(16) __shared__ float b[kDepth * kStride];
  const std::uint32_t class_tiles = (classes + kTile - 1) / kTile;
  const std::uint64_t row_tile = std::uint64_t{blockIdx.x} / class_tiles * kTile;
  const std::uint32_t class_tile = blockIdx.x % class_tiles * kTile;
  const unsigned r0 = threadIdx.x / 16 * 4;
  const unsigned c0 = threadIdx.x % 16 * 4;
  float sum[4][4] = {}, total[4][4] = {};
  for (std::uint32_t start = 0; start < dim; start += kDepth) {
    LoadTile(mixed, row_tile, rows, start, dim, a);
    LoadTile(weight, class_tile, classes, start, dim, b);
    __syncthreads();
    ALFAMIX_UNROLLED
    for (unsigned k = 0; k < kDepth; ++k) {
      const float4 x = *reinterpret_cast<const float4*>(a + k * kStride + r0);
      const float4 y = *reinterpret_cast<const float4*>(b + k * kStride + c0);
      const float xs[4] = {x.x, x.y, x.z, x.w}, ys[4] = {y.x, y.y, y.z, y.w};
      ALFAMIX_UNROLLED
      for (unsigned r = 0; r < 4; ++r) {
        ALFAMIX_UNROLLED
        for (unsigned c = 0; c < 4; ++c) sum[r][c] = fmaf(xs[r], ys[c], sum[r][c]);
      }
    }
    __syncthreads();
    if ((start + kDepth) % kChunk != 0 && start + kDepth < dim) continue;
    ALFAMIX_UNROLLED
    for (unsigned r = 0; r < 4; ++r) {
      ALFAMIX_UNROLLED
      for (unsigned c = 0; c < 4; ++c) {
        total[r][c] = start < kChunk ? sum[r][c] : total[r][c] + sum[r][c];
        sum[r][c] = 0;
      }
    }
  }
  ALFAMIX_UNROLLED
  for (unsigned r = 0; r < 4; ++r) {
    ALFAMIX_UNROLLED
    for (unsigned c = 0; c < 4; ++c) {
      const std::uint64_t row = row_tile + r0 + r;
      const std::uint32_t column = class_tile + c0 + c;
      if (row >= rows || column >= classes) continue;
      float logit = total[r][c] + bias[column];
      // Sums that leave float32 on the way may come back, or end in NaN (cpu/recheck_logits.h).
      if (!IsFinite(logit))
        logit = static_cast<float>(DotAlone(mixed + row * dim, weight + std::size_t{column} * dim, dim) +
                                   static_cast<double>(bias[column]));
      logits[row * classes + column] = logit;
    }
  }
}

Status Mix(const InterpolateParams& params, const InterpolateOutput& output, const JobOptions& options) {
  const std::uint32_t dim = params.dim;
  const std::uint32_t classes = params.classes;
  const std::size_t row_bytes = std::size_t{dim} * sizeof(float);
  const std::size_t logit_bytes = std::size_t{classes} * sizeof(float);
  const Stream stream;
  const auto anchors = Upload(params.anchors, std::size_t{params.anchor_count} * dim, stream);
  const auto weight = Upload(params.weight, std::size_t{classes} * dim, stream);
  const auto bias = Upload(params.bias, classes, stream);
  const BadRow bad_row(stream);
  stream.Synchronize();
  JobProgress progress(options, params.rows);
  HostChunks chunks(params.rows, {{row_bytes}, {row_bytes}, {sizeof(std::int32_t)}},
                    {{row_bytes}, {logit_bytes}}, options);
  const Status status = chunks.Run(
      progress,
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* to) {
        FillFrom(params.data, row_bytes, first, rows, to[0]);
        FillFrom(params.alpha, row_bytes, first, rows, to[1]);
        FillFrom(params.anchor_index, sizeof(std::int32_t), first, rows, to[2]);
        return Status::Ok();
      },
      [&](const DeviceChunk& chunk) {
        float* mixed = chunk.Output<float>(0);
        Launch(MixRows, "mixing rows", {BlocksFor(chunk.rows, kThreads / kWarp), kThreads}, chunk.stream,
               chunk.Input<float>(0), chunk.Input<float>(1), chunk.Input<std::int32_t>(2), anchors.get(),
               chunk.first, chunk.rows, dim, mixed, bad_row.get());
        if (classes == 0) return;
        const std::uint64_t tiles = (chunk.rows + kTile - 1) / kTile * ((classes + kTile - 1) / kTile);
        Launch(MixLogits, "logits of mixed rows", {static_cast<unsigned>(tiles), kThreads}, chunk.stream,
               mixed, weight.get(), bias.get(), chunk.rows, dim, classes, chunk.Output<float>(1));
      },
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* from) {
        TakeTo(output.mixed, row_bytes, first, rows, from[0]);
        TakeTo(output.logits, logit_bytes, first, rows, from[1]);
      });
  return status.ok() ? bad_row.Find(stream) : status;
}

}  // namespace

Status Interpolate(const InterpolateParams& params, const InterpolateOutput& output,
                   const JobOptions& options) {
  const Status status = CheckAnchorIndex(params.anchor_index, params.rows, params.anchor_count);
  if (!status.ok()) return status;
  return Guarded(options, [&] { return Mix(params, output, options); });
}

}  // namespace alfamix::cuda
