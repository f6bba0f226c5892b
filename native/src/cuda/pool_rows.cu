#include "cuda/pool_rows.h"

#include <algorithm>
#include <cstring>

#include "cpu/levels.h"
#include "cuda/launch.h"

namespace alfamix::cuda {

namespace {

DType CommonType(const RowSource& pool) {
  if (pool.data != nullptr) return pool.dtype;
  const DType first = pool.segments[0].dtype;
  for (std::size_t i = 1; i < pool.segment_count; ++i) {
    if (pool.segments[i].dtype != first) return DType::kFloat32;
  }
  return first;
}

// From the bits of a float16: exact, subnormals, infinities and NaN included.
__device__ float HalfToFloat(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float x = static_cast<float>(fraction) * 5.9604644775390625e-8f;  // 2^-24
    return sign != 0 ? -x : x;
  }
  return __uint_as_float(sign | (exponent == 31 ? 0xffu : exponent + 112) << 23 | fraction << 13);
}

__device__ float Widen(std::uint16_t bits, bool bfloat) {
  return bfloat ? __uint_as_float(static_cast<std::uint32_t>(bits) << 16) : HalfToFloat(bits);
}

__global__ void __launch_bounds__(256)
    WidenHalves(const std::uint16_t* from, std::uint64_t count, bool bfloat, float* to) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step)
    to[i] = Widen(from[i], bfloat);
}

__global__ void __launch_bounds__(256) NarrowDoubles(const double* from, std::uint64_t count, float* to) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  for (std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step)
    to[i] = static_cast<float>(from[i]);
}

}  // namespace

PoolRows::PoolRows(const RowSource& pool)
    : pool_(pool), dtype_(CommonType(pool)), reader_(pool, *LevelAt(LevelCount() - 1).table) {}

Status PoolRows::Fill(std::uint64_t first, std::uint64_t count, unsigned char* to) const {
  auto* const buffer = reinterpret_cast<float*>(to);
  const void* rows = nullptr;
  DType dtype = dtype_;
  Status status;
  if (pool_.data == nullptr && dtype_ == DType::kFloat32) {
    const float* floats = nullptr;
    status = reader_.Read(first, count, buffer, &floats);
    rows = floats;
  } else {
    status = reader_.ReadStored(first, count, buffer, &rows, &dtype);
  }
  if (status.ok() && rows != to) std::memcpy(to, rows, count * row_bytes());
  return status;
}

const float* PoolRows::Widened(const void* stored, std::uint64_t rows, const Stream& stream) {
  if (dtype_ == DType::kFloat32) return static_cast<const float*>(stored);
  const std::uint64_t count = rows * pool_.dim;
  if (widened_.count() < count) widened_ = DeviceBuffer<float>(count);
  const auto blocks = static_cast<unsigned>(std::min<std::uint64_t>((count + 1023) / 1024, 1u << 16));
  if (dtype_ == DType::kFloat64) {
    Launch(NarrowDoubles, "narrowing of float64", {blocks, 256}, stream, static_cast<const double*>(stored),
           count, widened_.get());
  } else {
    Launch(WidenHalves, "widening of 16-bit values", {blocks, 256}, stream,
           static_cast<const std::uint16_t*>(stored), count, dtype_ == DType::kBfloat16, widened_.get());
  }
  return widened_.get();
}

}  // namespace alfamix::cuda
