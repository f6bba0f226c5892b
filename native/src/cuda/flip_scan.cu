#include "cuda/flip_scan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu/flip_row.h"
#include "cpu/reduce.h"
#include "cuda/flip_exact.cuh"
#include "cuda/flip_kernels.h"
#include "cuda/flip_rows.cuh"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

constexpr std::uint32_t kExactThreads = 256;
constexpr std::uint32_t kExactBlocks = 4;  // a multiprocessor
// At most so much scratch for rows decided in double: with thousands of classes fewer at once.
constexpr std::size_t kExactBytes = std::size_t{128} << 20;

std::uint32_t RoundUp(std::uint32_t n, std::uint32_t to) { return (n + to - 1) / to * to; }

template <typename T>
DeviceBuffer<T> Upload(const std::vector<T>& values, const Stream& stream) {
  DeviceBuffer<T> buffer(values.size());
  CopyToDevice(buffer, values.data(), values.size(), stream);
  // The vector goes out of scope before the stream is waited for elsewhere.
  stream.Synchronize();
  return buffer;
}

// Entries (c, d) of the Gram matrix in double, eight lanes each: over the dimensions without one value, and
// over all.
__global__ void __launch_bounds__(256)
    GramKernel(const double* centered, std::uint32_t classes, std::uint32_t dim, std::uint32_t stride,
               const std::uint32_t* one_value, float* gram, float* whole) {
  const std::uint64_t group = (std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x) / 8;
  const std::uint64_t pairs = std::uint64_t{classes} * classes;
  const std::uint64_t pair = group < pairs ? group : pairs - 1;
  const auto c = static_cast<std::uint32_t>(pair / classes);
  const auto d = static_cast<std::uint32_t>(pair % classes);
  const double* a = centered + std::size_t{c} * dim;
  const double* b = centered + std::size_t{d} * dim;
  double all = 0;
  double differing = 0;
  for (std::uint32_t j = threadIdx.x % 8; j < dim; j += 8) {
    const double product = a[j] * b[j];
    all += product;
    if ((one_value[j / 32] >> j % 32 & 1u) == 0) differing += product;
  }
  all = JoinSums(all);
  differing = JoinSums(differing);
  if (group >= pairs || threadIdx.x % 8 != 0) return;
  gram[std::size_t{c} * stride + d] = static_cast<float>(differing);
  if (whole != nullptr) whole[std::size_t{c} * stride + d] = static_cast<float>(all);
}

}  // namespace

FlipScan::FlipScan(const FlipSearchParams& params, std::uint64_t most_rows, const Stream& stream)
    : open_(most_rows), tally_(1) {
  const std::uint32_t columns = params.classes + params.anchor_count;
  kernel_ = FlipKernelFor(columns, DeviceProperties().sharedMemPerBlockOptin);
  if (kernel_ == nullptr)
    throw CudaFailure{cudaErrorInvalidConfiguration, "finding a scan that fits the device's shared memory"};
  panels_ = (columns + kernel_->columns - 1) / kernel_->columns;
  depth_ = RoundUp(params.pool.dim, kTileDepth);
  view_.dim = params.pool.dim;
  view_.classes = params.classes;
  view_.anchors = params.anchor_count;
  view_.class_stride = RoundUp(params.classes, kGainBlock);
  view_.anchor_stride = RoundUp(params.anchor_count, kWarp);
  view_.sqrt_dim = static_cast<float>(std::sqrt(static_cast<double>(params.pool.dim)));
  const FlipRowTables exact(params);
  UploadHead(params, exact.centered(), stream);
  UploadColumns(params, stream);
  if (params.anchor_count > 0) UploadAnchors(params, stream);
  PlaceWork(most_rows);
  const FlipTally tally = {kNoBadRow, 0, 0, 0};
  CopyToDevice(tally_, &tally, 1, stream);
  stream.Synchronize();
}

void FlipScan::UploadHead(const FlipSearchParams& params, const double* centered, const Stream& stream) {
  const std::size_t dim = params.pool.dim;
  const std::size_t classes = params.classes;
  std::vector<float> narrow(classes * dim);
  std::vector<float> by_dim(dim * view_.class_stride);
  float weight_max = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    const float* weight = params.weight + c * dim;
    const double* row = centered + c * dim;
    for (std::size_t j = 0; j < dim; ++j)
      narrow[c * dim + j] = by_dim[j * view_.class_stride + c] = static_cast<float>(row[j]);
    for (std::size_t j = 0; j < dim; ++j) weight_max = std::max(weight_max, std::fabs(weight[j]));
    weight_norm_ = std::max(weight_norm_, static_cast<float>(std::sqrt(Dot(weight, weight, dim))));
    view_.bias_max = std::max(view_.bias_max, std::fabs(params.bias[c]));
    view_.gram_max = std::max(view_.gram_max, static_cast<float>(Dot(row, row, dim)));
  }
  view_.logit_error = std::min(kLogitError * weight_norm_,
                               std::max(kSpreadLogitError * weight_max, kLeastLogitError * weight_norm_));
  centered_ = Upload(narrow, stream);
  centered_by_dim_ = Upload(by_dim, stream);
  weight_ = Upload(std::vector<float>(params.weight, params.weight + classes * dim), stream);
  bias_ = Upload(std::vector<float>(params.bias, params.bias + classes), stream);
  exact_centered_ = Upload(std::vector<double>(centered, centered + classes * dim), stream);
  view_.centered = centered_.get();
  view_.centered_by_dim = centered_by_dim_.get();
  view_.weight = weight_.get();
  view_.bias = bias_.get();
  view_.exact_centered = exact_centered_.get();
}

void FlipScan::UploadColumns(const FlipSearchParams& params, const Stream& stream) {
  const std::size_t dim = params.pool.dim;
  std::vector<float> columns(std::size_t{panels_} * kernel_->columns * depth_);
  for (std::size_t c = 0; c < params.classes; ++c)
    std::copy_n(params.weight + c * dim, dim, columns.data() + c * depth_);
  for (std::size_t k = 0; k < params.anchor_count; ++k)
    std::copy_n(params.anchors + k * dim, dim, columns.data() + (params.classes + k) * depth_);
  columns_ = Upload(columns, stream);
}

void FlipScan::UploadAnchors(const FlipSearchParams& params, const Stream& stream) {
  const std::size_t dim = params.pool.dim;
  const std::size_t anchors = params.anchor_count;
  std::vector<float> norm2(view_.anchor_stride);
  for (std::size_t k = 0; k < anchors; ++k) {
    const float* anchor = params.anchors + k * dim;
    norm2[k] = static_cast<float>(Dot(anchor, anchor, dim));
    view_.anchor_norm2_max = std::max(view_.anchor_norm2_max, norm2[k]);
  }
  std::vector<float> by_dim(dim * view_.anchor_stride, std::numeric_limits<float>::quiet_NaN());
  std::vector<std::uint32_t> one_value(depth_ / kTileDepth);
  std::vector<std::uint32_t> one_value_matches(depth_ / kTileDepth);
  bool one_values = false;
  for (std::size_t j = 0; j < depth_; ++j) {
    bool same = true;
    for (std::size_t k = 0; j < dim && k < anchors; ++k) {
      by_dim[j * view_.anchor_stride + k] = params.anchors[k * dim + j];
      same = same && params.anchors[k * dim + j] == params.anchors[j];
    }
    if (!same) continue;
    one_values = one_values || j < dim;
    const auto lane = static_cast<std::uint32_t>(j % kTileDepth);
    one_value[j / kTileDepth] |= 1u << lane;
    one_value_matches[j / kTileDepth] |= 1u << MatchBit(lane);
  }
  anchor_norm2_ = Upload(norm2, stream);
  anchors_by_dim_ = Upload(by_dim, stream);
  one_value_ = Upload(one_value, stream);
  one_value_matches_ = Upload(one_value_matches, stream);
  anchors_ = Upload(std::vector<float>(params.anchors, params.anchors + anchors * dim), stream);
  view_.anchor_norm2 = anchor_norm2_.get();
  view_.anchors_by_dim = anchors_by_dim_.get();
  view_.one_value = one_value_.get();
  view_.one_value_matches = one_value_matches_.get();
  view_.anchor_rows = anchors_.get();
  MultiplyGram(one_values, stream);
}

void FlipScan::MultiplyGram(bool one_values, const Stream& stream) {
  const std::size_t size = std::size_t{view_.classes} * view_.class_stride;
  gram_ = DeviceBuffer<float>(size);
  whole_gram_ = DeviceBuffer<float>(one_values ? size : 0);
  for (const DeviceBuffer<float>* buffer : {&gram_, &whole_gram_}) {
    if (buffer->get() != nullptr)
      Check(cudaMemsetAsync(buffer->get(), 0, size * sizeof(float), stream.get()),
            "clearing the Gram matrix");
  }
  const std::uint64_t threads = std::uint64_t{view_.classes} * view_.classes * 8;
  Launch(GramKernel, "Gram matrix", {static_cast<unsigned>((threads + 255) / 256), 256}, stream,
         exact_centered_.get(), view_.classes, view_.dim, view_.class_stride, one_value_.get(), gram_.get(),
         whole_gram_.get());
  view_.gram = gram_.get();
  view_.whole_gram = whole_gram_.get();
}

void FlipScan::PlaceWork(std::uint64_t most_rows) {
  const cudaDeviceProp& device = DeviceProperties();
  const std::uint64_t tiles = (most_rows + kernel_->rows - 1) / kernel_->rows;
  const auto processors = static_cast<std::uint64_t>(device.multiProcessorCount);
  blocks_ = static_cast<std::uint32_t>(std::min(tiles, processors));
  work_floats_ = FlipWorkColumns(view_.classes, view_.anchors, kernel_->parts) * kernel_->stride;
  const std::size_t work_bytes = std::size_t{work_floats_} * sizeof(float);
  const std::size_t match_words = std::size_t{kernel_->rows} * (depth_ / kTileDepth);
  // Shared memory for the workspace first, which is touched more often; what doesn't fit goes to a buffer.
  shared_bytes_ = kernel_->ring_bytes;
  if (shared_bytes_ + work_bytes <= device.sharedMemPerBlockOptin) {
    work_offset_ = shared_bytes_;
    shared_bytes_ += work_bytes;
  } else {
    work_ = DeviceBuffer<float>(std::size_t{work_floats_} * blocks_);
  }
  if (view_.anchors == 0) {
    matches_offset_ = 0;
  } else if (shared_bytes_ + match_words * 4 <= device.sharedMemPerBlockOptin) {
    matches_offset_ = shared_bytes_;
    shared_bytes_ += match_words * 4;
  } else {
    matches_ = DeviceBuffer<std::uint32_t>(match_words * blocks_);
  }
  if (view_.anchors > 0)
    events_ = DeviceBuffer<float>(std::size_t{blocks_} * (kernel_->threads / kWarp) * 4 * view_.dim);
  const std::size_t row_bytes = (4 * std::size_t{view_.classes} + view_.anchors + view_.dim) * sizeof(double);
  const std::size_t block_bytes = row_bytes * (kExactThreads / kWarp);
  const std::uint64_t fit = std::max<std::uint64_t>(kExactBytes / block_bytes, 1);
  const std::uint64_t wanted =
      std::min(processors * kExactBlocks, (most_rows + kExactThreads / kWarp - 1) / (kExactThreads / kWarp));
  exact_blocks_ = static_cast<std::uint32_t>(std::min(fit, wanted));
  exact_work_ = DeviceBuffer<double>(block_bytes / sizeof(double) * exact_blocks_);
}

FlipTally FlipScan::Tally(const Stream& stream) const {
  FlipTally tally;
  CopyFromDevice(&tally, tally_.get(), 1, stream);
  stream.Synchronize();
  return tally;
}

void FlipScan::Run(const float* rows, std::uint64_t count, std::uint64_t first, const FlipDeviceOutput& out,
                   const Stream& stream) {
  FlipScanArguments scan;
  scan.operands = {rows, count, view_.dim, columns_.get(), depth_, panels_};
  scan.out = out;
  Start(scan, first, stream);
}

void FlipScan::RunGradient(const float* rows, std::uint64_t count, std::uint64_t first, bool unit,
                           float* gradient, const FlipDeviceOutput& out, const Stream& stream) {
  FlipScanArguments scan;
  scan.operands = {rows, count, view_.dim, columns_.get(), depth_, panels_};
  scan.out = out;
  scan.gradient.values = gradient;
  scan.gradient.unit = unit;
  scan.gradient.weight_norm = weight_norm_;
  Start(scan, first, stream);
}

void FlipScan::Start(FlipScanArguments& scan, std::uint64_t first, const Stream& stream) {
  FlipTally* tally = tally_.get();
  Check(cudaMemsetAsync(&tally->open, 0, sizeof tally->open, stream.get()), "clearing a tally");
  scan.view = view_;
  scan.tally = tally;
  scan.open = open_.get();
  scan.work = work_.get();
  scan.work_offset = work_offset_;
  scan.work_floats = work_floats_;
  scan.matches = matches_.get();
  scan.matches_offset = matches_offset_;
  scan.events = events_.get();
  const std::uint64_t tiles = (scan.operands.row_count + kernel_->rows - 1) / kernel_->rows;
  const auto blocks = static_cast<unsigned>(std::min<std::uint64_t>(tiles, blocks_));
  Launch(kernel_->kernel, "flip scan", {blocks, kernel_->threads, shared_bytes_}, stream, scan);
  const FlipExactArguments exact = {view_,       scan.operands.rows, first, scan.out, scan.gradient, tally,
                                    open_.get(), exact_work_.get()};
  Launch(FlipExactKernel, "flip search in double", {exact_blocks_, kExactThreads}, stream, exact);
}

}  // namespace alfamix::cuda
