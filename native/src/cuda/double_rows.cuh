// Sums over rows in double by groups of eight lanes, the same bits as cpu/reduce.h: lane k holds the partial
// sum s[k], of elements k, k + 8, ..., and the eight are joined pairwise. The four groups of a warp work on
// four pairs of rows; all 32 lanes call, and every lane of a group gets its group's sum.
#pragma once

#include <cstdint>

#include "cuda/warp.cuh"

namespace alfamix::cuda {

constexpr unsigned kGroup = 8;
constexpr unsigned kGroupsOfWarp = kWarp / kGroup;

__device__ __forceinline__ unsigned GroupLane() { return threadIdx.x % kGroup; }

// Addition commutes to the bit, so the order within a pair doesn't matter.
__device__ __forceinline__ double JoinSums(double s) {
  s += __shfl_xor_sync(kAll, s, 4);
  s += __shfl_xor_sync(kAll, s, 2);
  s += __shfl_xor_sync(kAll, s, 1);
  return s;
}

// n = 0 for a group without a pair.
template <typename A, typename B>
__device__ __forceinline__ double DotRows(const A* a, const B* b, std::uint32_t n) {
  double s = 0;
#pragma unroll 4
  for (std::uint32_t j = GroupLane(); j < n; j += kGroup)
    s += static_cast<double>(a[j]) * static_cast<double>(b[j]);
  return JoinSums(s);
}

__device__ __forceinline__ double SquaredDistance(const float* a, const float* b, std::uint32_t n) {
  double s = 0;
#pragma unroll 4
  for (std::uint32_t j = GroupLane(); j < n; j += kGroup) {
    const double d = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    s += d * d;
  }
  return JoinSums(s);
}

// Of one row and kCount others: its values are converted to double once, and conversions take longest.
template <unsigned kCount>
__device__ __forceinline__ void SquaredDistances(const float* a, const float* const (&b)[kCount],
                                                 std::uint32_t n, double (&out)[kCount]) {
  ALFAMIX_UNROLLED
  for (unsigned i = 0; i < kCount; ++i) out[i] = 0;
#pragma unroll 4
  for (std::uint32_t j = GroupLane(); j < n; j += kGroup) {
    const auto x = static_cast<double>(a[j]);
    ALFAMIX_UNROLLED
    for (unsigned i = 0; i < kCount; ++i) {
      const double d = x - static_cast<double>(b[i][j]);
      out[i] += d * d;
    }
  }
  ALFAMIX_UNROLLED
  for (unsigned i = 0; i < kCount; ++i) out[i] = JoinSums(out[i]);
}

__device__ __forceinline__ bool IsFinite(float x) {
  return (__float_as_uint(x) & 0x7f800000u) != 0x7f800000u;
}
__device__ __forceinline__ bool IsFinite(double x) { return x - x == 0.0; }

}  // namespace alfamix::cuda
