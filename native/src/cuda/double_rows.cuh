// Distances in double, to the bit those of cpu/reduce.h: lane l of eight sums dimensions l, l + 8 ..., and
// the eight sums are joined pairwise. A warp computes four at a time. Compiled without fused multiply-adds.
#pragma once

#include "cuda/warp.cuh"

namespace alfamix::cuda {

constexpr unsigned kEight = 8;
constexpr unsigned kGroups = kWarp / kEight;  // of a warp

// ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)), in every lane. All lanes of the warp take part.
__device__ __forceinline__ double JoinEight(double s) {
  s += __shfl_xor_sync(kAll, s, 4);
  s += __shfl_xor_sync(kAll, s, 2);
  s += __shfl_xor_sync(kAll, s, 1);
  return s;
}

// |a - b_i|^2 for kCount rows, by the lane's eight; `dim` may be 0 where there is none to compute. A row of a
// is converted to double once for all: the conversions are what such a distance waits for.
template <unsigned kCount>
__device__ __forceinline__ void SquaredDistances(const float* a, const float* const (&b)[kCount],
                                                 unsigned dim, double (&out)[kCount]) {
  ALFAMIX_UNROLLED
  for (unsigned i = 0; i < kCount; ++i) out[i] = 0;
#if defined(__CUDACC__)
#pragma unroll 4
#endif
  for (unsigned j = Lane() % kEight; j < dim; j += kEight) {
    const auto x = static_cast<double>(a[j]);
    ALFAMIX_UNROLLED
    for (unsigned i = 0; i < kCount; ++i) {
      const double d = x - static_cast<double>(b[i][j]);
      out[i] += d * d;
    }
  }
  ALFAMIX_UNROLLED
  for (unsigned i = 0; i < kCount; ++i) out[i] = JoinEight(out[i]);
}

__device__ __forceinline__ double SquaredDistance(const float* a, const float* b, unsigned dim) {
  const float* const one[1] = {b};
  double distance2[1];
  SquaredDistances<1>(a, one, dim, distance2);
  return distance2[0];
}

}  // namespace alfamix::cuda
