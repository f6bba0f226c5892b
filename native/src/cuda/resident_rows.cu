#include "cuda/resident_rows.h"

#include <cstring>

#include "cuda/double_rows.cuh"
#include "cuda/host_chunks.h"
#include "cuda/launch.h"
#include "cuda/setup.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;

// A warp a row.
__global__ void FindNonFinite(const float* data, std::uint64_t first, std::uint64_t rows,
                              std::uint32_t stride, unsigned long long* bad_row) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x / kWarp;
  for (std::uint64_t i = (std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kWarp; i < rows;
       i += step) {
    bool finite = true;
    for (std::uint32_t j = Lane(); j < stride; j += kWarp) finite = finite && IsFinite(data[i * stride + j]);
    if (!__all_sync(kAll, finite) && Lane() == 0)
      atomicMin(bad_row, static_cast<unsigned long long>(first + i));
  }
}

}  // namespace

Status ResidentRows::Load(JobProgress& progress, const JobOptions& options, bool finite) {
  const std::size_t row_bytes = std::size_t{dim_} * sizeof(float);
  const std::size_t padded_bytes = std::size_t{stride_} * sizeof(float);
  std::size_t free = 0, total = 0;
  Check(cudaMemGetInfo(&free, &total), "asking for free device memory");
  if (rows_ * padded_bytes > free)
    return Status::Error(
        Code::kOutOfMemory, "expected %llu MB free on the device for %llu rows, found %llu MB",
        static_cast<unsigned long long>((rows_ * padded_bytes + 999999) / 1000000),
        static_cast<unsigned long long>(rows_), static_cast<unsigned long long>(free / 1000000));
  device_ = DeviceBuffer<float>(rows_ * stride_);
  const Stream stream;
  const BadRow bad_row(stream);
  stream.Synchronize();
  HostChunks chunks(rows_, {{padded_bytes, device_.get()}}, {}, options);
  const Status status = chunks.Run(
      progress,
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* to) {
        if (padded_bytes == row_bytes) {
          FillFrom(data_, row_bytes, first, rows, to[0]);
          return Status::Ok();
        }
        for (std::uint64_t i = 0; i < rows; ++i) {
          FillFrom(data_, row_bytes, first + i, 1, to[0] + i * padded_bytes);
          std::memset(to[0] + i * padded_bytes + row_bytes, 0, padded_bytes - row_bytes);
        }
        return Status::Ok();
      },
      [&](const DeviceChunk& chunk) {
        if (!finite) return;
        Launch(FindNonFinite, "looking for values that aren't finite",
               {BlocksFor(chunk.rows, kThreads / kWarp), kThreads}, chunk.stream, chunk.Input<float>(0),
               chunk.first, chunk.rows, stride_, bad_row.get());
      },
      nullptr, 0);
  return status.ok() && finite ? bad_row.Find(stream) : status;
}

}  // namespace alfamix::cuda
