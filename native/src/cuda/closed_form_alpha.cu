// ALFA-Mix's alpha for one anchor a row; see kernels/closed_form_alpha.h.
//
// The rows stream from the host (cuda/host_chunks.h). Cost: 8 D + 4 (+ 4) bytes a row over the bus to the
// device, 4 D back, at the same time; on the device each input is read twice, the second time from the cache,
// and an element takes about a dozen double operations and one division. The bus decides, also where double
// is slow: about 0.15 ns an element at 55 GB/s. The same bytes as the CPU: its sums in its order, then one
// rounding.
//
// Not for its own sake on a machine with many cores, which do the same at the rate of the host's memory.
#include <cmath>
#include <cstdint>

#include "cpu/anchor_index.h"
#include "cuda/double_rows.cuh"
#include "cuda/host_chunks.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/setup.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;

struct AlphaRows {
  const float* data;
  const float* gradient;
  const std::int32_t* anchor_index;
  const float* caps;  // or null: `cap`
  const float* anchors;
  double cap;
  double root;  // of D
  std::uint64_t first;
  std::uint64_t rows;
  std::uint32_t dim;
};

// As cpu/double_rows.inl, AlphaRow, for one element.
__device__ __forceinline__ float AlphaOf(float z, float anchor, float gradient, double scale) {
  constexpr double kMost = 3.4028234663852886e38;  // of float32
  const double delta = static_cast<double>(anchor) - static_cast<double>(z);
  double alpha = (scale * static_cast<double>(gradient)) / (delta == 0 ? 1.0 : delta);
  alpha = alpha < kMost ? alpha : kMost;
  alpha = alpha > -kMost ? alpha : -kMost;
  return delta == 0 || gradient == 0 ? 0.0f : static_cast<float>(alpha);
}

// Eight lanes a row.
__global__ void Alphas(AlphaRows of, float* out, unsigned long long* bad_row) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x / kGroup;
  const std::uint64_t group = (std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kGroup;
  // The warp stays together: its groups are at rows next to each other.
  for (std::uint64_t i = group; i - group % kGroupsOfWarp < of.rows; i += step) {
    const bool mine = i < of.rows;
    const std::uint32_t dim = mine ? of.dim : 0;
    const float* z = of.data + i * of.dim;
    const float* gradient = of.gradient + i * of.dim;
    const std::int32_t index = mine ? of.anchor_index[i] : -1;
    const float* anchor = of.anchors + static_cast<std::size_t>(index < 0 ? 0 : index) * of.dim;
    const double self = DotRows(z, z, dim);
    const double distance = sqrt(SquaredDistance(anchor, z, index < 0 ? 0 : dim));
    const double norm = sqrt(DotRows(gradient, gradient, index < 0 ? 0 : dim));
    if (!mine) continue;
    if (!IsFinite(self) && GroupLane() == 0)
      atomicMin(bad_row, static_cast<unsigned long long>(of.first + i));
    const double cap = of.caps == nullptr ? of.cap : static_cast<double>(of.caps[i]);
    const double scale = norm > 0 ? ((cap / of.root) * distance) / norm : 0;
    for (std::uint32_t j = GroupLane(); j < dim; j += kGroup)
      out[i * of.dim + j] = index < 0 ? 0.0f : AlphaOf(z[j], anchor[j], gradient[j], scale);
  }
}

Status Alpha(const ClosedFormAlphaParams& params, float* alpha, const JobOptions& options) {
  const std::size_t row_bytes = std::size_t{params.dim} * sizeof(float);
  const std::size_t cap_bytes = params.caps == nullptr ? 0 : sizeof(float);
  const Stream stream;
  const auto anchors = Upload(params.anchors, std::size_t{params.anchor_count} * params.dim, stream);
  const BadRow bad_row(stream);
  stream.Synchronize();
  JobProgress progress(options, params.rows);
  HostChunks chunks(params.rows, {{row_bytes}, {row_bytes}, {sizeof(std::int32_t)}, {cap_bytes}},
                    {{row_bytes}}, options);
  const Status status = chunks.Run(
      progress,
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* to) {
        FillFrom(params.data, row_bytes, first, rows, to[0]);
        FillFrom(params.gradient, row_bytes, first, rows, to[1]);
        FillFrom(params.anchor_index, sizeof(std::int32_t), first, rows, to[2]);
        FillFrom(params.caps, cap_bytes, first, rows, to[3]);
        return Status::Ok();
      },
      [&](const DeviceChunk& chunk) {
        const AlphaRows of{chunk.Input<float>(0),
                           chunk.Input<float>(1),
                           chunk.Input<std::int32_t>(2),
                           params.caps == nullptr ? nullptr : chunk.Input<float>(3),
                           anchors.get(),
                           params.cap,
                           std::sqrt(static_cast<double>(params.dim)),
                           chunk.first,
                           chunk.rows,
                           params.dim};
        Launch(Alphas, "closed-form alphas", {BlocksFor(chunk.rows, kThreads / kGroup), kThreads},
               chunk.stream, of, chunk.Output<float>(0), bad_row.get());
      },
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* from) {
        TakeTo(alpha, row_bytes, first, rows, from[0]);
      });
  return status.ok() ? bad_row.Find(stream) : status;
}

}  // namespace

Status ClosedFormAlpha(const ClosedFormAlphaParams& params, float* alpha, const JobOptions& options) {
  const Status status = CheckAnchorIndex(params.anchor_index, params.rows, params.anchor_count);
  if (!status.ok()) return status;
  return Guarded(options, [&] { return Alpha(params, alpha, options); });
}

}  // namespace alfamix::cuda
