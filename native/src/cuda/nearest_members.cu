// For each cluster the member nearest its center; see kernels/nearest_members.h.
//
// The rows stream from the host (cuda/host_chunks.h) and their squared distances, exact in the twin's order,
// come back; the rule is the CPU's own (cpu/nearest_rule.h). Cost: 4 D + 8 bytes a row to the device, 8 back,
// and three double operations an element: the bus decides, about 0.075 ns an element at 55 GB/s, on a device
// with slow double (1/64) still.
//
// Not for its own sake on a machine with many cores, which measure the distances at the rate of the host's
// memory.
#include <cstdint>

#include "cpu/buffer.h"
#include "cpu/nearest_rule.h"
#include "cpu/selected_row.h"
#include "cuda/double_rows.cuh"
#include "cuda/host_chunks.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/setup.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;

struct Members {
  const float* data;
  const std::int32_t* labels;
  const float* scale;  // or null: 1
  const float* centers;
  std::uint64_t first;
  std::uint64_t rows;
  std::uint32_t dim;
};

// Eight lanes a row, scaled in float32 and rounded as SelectedRow does.
__global__ void MemberDistances(Members of, double* distance, unsigned long long* bad_row) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x / kGroup;
  const std::uint64_t group = (std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kGroup;
  for (std::uint64_t i = group; i - group % kGroupsOfWarp < of.rows; i += step) {
    const bool mine = i < of.rows;
    const float* row = of.data + i * of.dim;
    const float* center = of.centers + (mine ? static_cast<std::size_t>(of.labels[i]) * of.dim : 0);
    const float scale = mine && of.scale != nullptr ? of.scale[i] : 1.0f;
    double s = 0;
#pragma unroll 4
    for (std::uint32_t j = GroupLane(); j < (mine ? of.dim : 0); j += kGroup) {
      const float x = row[j] * scale;
      const double d = static_cast<double>(x) - static_cast<double>(center[j]);
      s += d * d;
    }
    s = JoinSums(s);
    if (!mine || GroupLane() != 0) continue;
    distance[i] = s;
    if (!IsFinite(s)) atomicMin(bad_row, static_cast<unsigned long long>(of.first + i));
  }
}

Status Nearest(const NearestMembersParams& params, std::int32_t* members, const JobOptions& options) {
  const std::size_t row_bytes = std::size_t{params.dim} * sizeof(float);
  const std::size_t scale_bytes = params.scale == nullptr ? 0 : sizeof(float);
  const Buffer<double> distance(params.rows);
  const Stream stream;
  const auto centers = Upload(params.centers, std::size_t{params.clusters} * params.dim, stream);
  const BadRow bad_row(stream);
  stream.Synchronize();
  JobProgress progress(options, params.rows);
  HostChunks chunks(params.rows, {{row_bytes}, {sizeof(std::int32_t)}, {scale_bytes}}, {{sizeof(double)}},
                    options);
  Status status = chunks.Run(
      progress,
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* to) {
        if (params.index == nullptr) {
          FillFrom(params.data, row_bytes, first, rows, to[0]);
        } else {
          for (std::uint64_t i = 0; i < rows; ++i)
            FillFrom(SourceRow(params, first + i), row_bytes, 0, 1, to[0] + i * row_bytes);
        }
        FillFrom(params.labels, sizeof(std::int32_t), first, rows, to[1]);
        FillFrom(params.scale, scale_bytes, first, rows, to[2]);
        return Status::Ok();
      },
      [&](const DeviceChunk& chunk) {
        const Members of{chunk.Input<float>(0),
                         chunk.Input<std::int32_t>(1),
                         params.scale == nullptr ? nullptr : chunk.Input<float>(2),
                         centers.get(),
                         chunk.first,
                         chunk.rows,
                         params.dim};
        Launch(MemberDistances, "members' distances", {BlocksFor(chunk.rows, kThreads / kGroup), kThreads},
               chunk.stream, of, chunk.Output<double>(0), bad_row.get());
      },
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* from) {
        TakeTo(distance.get(), sizeof(double), first, rows, from[0]);
      });
  if (status.ok()) status = bad_row.Find(stream);
  if (status.ok()) PickNearest(params, distance.get(), members);
  return status;
}

}  // namespace

Status NearestMembers(const NearestMembersParams& params, std::int32_t* members, const JobOptions& options) {
  const Status status = CheckLabels(params);
  if (!status.ok()) return status;
  return Guarded(options, [&] { return Nearest(params, members, options); });
}

}  // namespace alfamix::cuda
