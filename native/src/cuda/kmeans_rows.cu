#include "cuda/kmeans_rows.h"

#include <cmath>
#include <cstring>

#include "cpu/lowest_row.h"
#include "cpu/selected_row.h"
#include "cpu/thread_pool.h"
#include "cuda/double_rows.cuh"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

// Rows whose mean is the shift: any shift is right, a mean is good.
constexpr std::uint64_t kSample = 1024;
constexpr unsigned kThreads = 256;
constexpr unsigned kRowsABlock = kThreads / kGroup;
constexpr std::uint32_t kNone = 0xffffffffu;

unsigned Blocks(std::uint64_t rows) { return static_cast<unsigned>((rows + kRowsABlock - 1) / kRowsABlock); }

__global__ void Measure(const float* rows, std::uint32_t first, std::uint32_t n, std::uint32_t dim,
                        std::uint32_t stride, const float* shift, float* norms, std::uint32_t* bad_row) {
  const std::uint32_t at = blockIdx.x * kRowsABlock + threadIdx.x / kGroup;
  const bool any = at < n;
  const std::size_t i = std::size_t{first} + (any ? at : 0);
  const double norm2 = SquaredDistance(rows + i * stride, shift, any ? dim : 0);
  if (!any || GroupLane() != 0) return;
  norms[i] = static_cast<float>(sqrt(norm2));
  if (!(norm2 < HUGE_VAL)) atomicMin(bad_row, static_cast<std::uint32_t>(i));
}

__global__ void MeasureToPoints(const float* rows, std::uint32_t first, std::uint32_t n, std::uint32_t dim,
                                std::uint32_t stride, const float* points, const std::int32_t* labels,
                                double* out) {
  const std::uint32_t at = blockIdx.x * kRowsABlock + threadIdx.x / kGroup;
  const bool any = at < n;
  const std::size_t i = std::size_t{first} + (any ? at : 0);
  const std::size_t point = labels == nullptr ? 0 : static_cast<std::size_t>(labels[i]);
  const double distance2 = SquaredDistance(rows + i * stride, points + point * stride, any ? dim : 0);
  if (any && GroupLane() == 0) out[i] = distance2;
}

__global__ void GatherRows(const float* rows, std::uint32_t stride, const std::uint32_t* which, float* to) {
  const float* from = rows + std::size_t{which[blockIdx.x]} * stride;
  for (unsigned j = threadIdx.x; j < stride; j += blockDim.x)
    to[std::size_t{blockIdx.x} * stride + j] = from[j];
}

}  // namespace

KMeansDeviceRows::KMeansDeviceRows(const KMeansParams& params, const JobOptions& options,
                                   const Stream& stream, KMeansPace& pace)
    : params_(params),
      options_(options),
      stream_(stream),
      pace_(pace),
      size_(static_cast<std::uint32_t>(params.rows)),
      dim_(params.dim),
      stride_(static_cast<std::uint32_t>(BytesARow(params.dim) / sizeof(float))),
      data_(std::size_t{size_} * stride_),
      shift_(shift_count()),
      norms_(size_) {}

void KMeansDeviceRows::FillPinned(std::uint64_t first, std::uint64_t n, float* to) const {
  const std::uint64_t block = std::max<std::uint64_t>((1 << 18) / stride_, 1);
  const int threads = n * stride_ < (1 << 18) ? 1 : options_.threads;
  ThreadPool::Instance().ParallelFor((n + block - 1) / block, threads, [&](std::uint64_t at, int) {
    const std::uint64_t end = std::min((at + 1) * block, n);
    for (std::uint64_t r = at * block; r < end; ++r) {
      float* row = to + r * stride_;
      const float* from = SelectedRow(params_, first + r, row);
      if (from != row) std::memcpy(row, from, dim_ * sizeof(float));
      std::fill(row + dim_, row + stride_, 0.0f);
    }
    return true;
  });
}

void KMeansDeviceRows::TakeShift() {
  const std::uint64_t sample = std::min<std::uint64_t>(size_, kSample);
  std::vector<double> sum(dim_);
  std::vector<float> scratch(dim_);
  for (std::uint64_t s = 0; s < sample; ++s) {
    const float* row = SelectedRow(params_, s * size_ / sample, scratch.data());
    for (std::uint32_t j = 0; j < dim_; ++j) sum[j] += static_cast<double>(row[j]);
  }
  const PinnedBuffer<float> shift(shift_count());
  const QuietStream quiet{stream_};
  for (std::uint32_t j = 0; j < shift_count(); ++j) {
    const float mean = j < dim_ ? static_cast<float>(sum[j] / static_cast<double>(sample)) : 0.0f;
    shift[j] = std::isfinite(mean) ? mean : 0.0f;  // the bad row is named by Upload
  }
  CopyToDevice(shift_, shift.get(), shift_count(), stream_);
  pace_.Wait();
}

Status KMeansDeviceRows::Upload() {
  TakeShift();
  const DeviceBuffer<std::uint32_t> bad_row(1);
  Check(cudaMemsetAsync(bad_row.get(), 0xff, sizeof(std::uint32_t), stream_.get()), "clearing memory");
  const std::uint64_t part =
      std::min<std::uint64_t>(std::max<std::uint64_t>(kmeans_sizes.pinned_bytes / BytesARow(dim_), 1), size_);
  const PinnedBuffer<float> pinned[2] = {PinnedBuffer<float>(part * stride_),
                                         PinnedBuffer<float>(part * stride_)};
  const PinnedBuffer<std::uint32_t> bad(1);
  const QuietStream quiet{stream_};
  Event copied[2];
  std::uint64_t parts = 0;
  for (std::uint64_t first = 0; first < size_; first += part, ++parts) {
    const std::uint64_t n = std::min<std::uint64_t>(part, size_ - first);
    float* from = pinned[parts % 2].get();
    if (parts >= 2) pace_.Wait(copied[parts % 2]);
    FillPinned(first, n, from);
    Check(cudaMemcpyAsync(data_.get() + first * stride_, from, n * BytesARow(dim_), cudaMemcpyHostToDevice,
                          stream_.get()),
          "copying to the device");
    copied[parts % 2].Record(stream_);
    Launch(Measure, "norms of rows", {Blocks(n), kThreads}, stream_, data_.get(), first, n, dim_, stride_,
           shift_.get(), norms_.get(), bad_row.get());
    pace_.Look();
  }
  CopyFromDevice(bad.get(), bad_row.get(), 1, stream_);
  pace_.Wait();
  if (bad[0] == kNone) return Status::Ok();
  LowestRow lowest;
  lowest.Report(bad[0]);
  return lowest.NonFinite();
}

void KMeansDeviceRows::CopyCentersIn(const float* centers, std::uint32_t count,
                                     const DeviceBuffer<float>& to) const {
  const PinnedBuffer<float> padded(std::size_t{count} * stride_);
  const QuietStream quiet{stream_};
  for (std::size_t k = 0; k < count; ++k) {
    float* row = padded.get() + k * stride_;
    std::memcpy(row, centers + k * dim_, dim_ * sizeof(float));
    std::fill(row + dim_, row + stride_, 0.0f);
  }
  CopyToDevice(to, padded.get(), std::size_t{count} * stride_, stream_);
  pace_.Wait();
}

void KMeansDeviceRows::CopyCentersOut(const DeviceBuffer<float>& from, std::uint32_t count,
                                      float* centers) const {
  const PinnedBuffer<float> padded(std::size_t{count} * stride_);
  const QuietStream quiet{stream_};
  CopyFromDevice(padded.get(), from.get(), std::size_t{count} * stride_, stream_);
  pace_.Wait();
  for (std::size_t k = 0; k < count; ++k)
    std::memcpy(centers + k * dim_, padded.get() + k * stride_, dim_ * sizeof(float));
}

void KMeansDeviceRows::Gather(const std::uint32_t* which, std::uint32_t count, float* to) const {
  Launch(GatherRows, "gathering rows", {count, 128}, stream_, data_.get(), stride_, which, to);
}

void KMeansDeviceRows::MeasureDistances(const float* points, const std::int32_t* labels, double* out) const {
  pace_.InParts(size_, dim_, kRowsABlock, [&](std::uint64_t first, std::uint64_t n) {
    Launch(MeasureToPoints, "distances of rows", {Blocks(n), kThreads}, stream_, data_.get(), first, n, dim_,
           stride_, points, labels, out);
  });
}

}  // namespace alfamix::cuda
