// Centers as the columns of a tile product, shifted like the rows: a score is x . c - |c|^2 / 2 with x and c
// without the shift, and the largest score is the nearest center, |x - c|^2 = |x|^2 - 2 * score.
//
// How far float32 scores may be off, u = 2^-24, a = |x|, b = |c|:
//   2 u a b                x and c, rounded when the shift is taken off
//   8 u a b                3xTF32's products (cuda/tile_product.cuh)
//   144 u a b              the tensor cores' sums: 6 products of 16 x 8 x 8 for each 16 dimensions, each of
//   at
//                          most two steps of 5 terms, cut off at the largest one's last bit, 2 u, and of
//                          their sum, likewise; the dimensions' |x c| add up to a b at most
//   D / 16 u a b           these, added in float32
//   u (a b + 2 |c|^2 / 2)  half the norm, rounded and taken off
// together less than (160 + D / 16) u (a b + |c|^2 / 2), and twice that for the difference of two scores.
// Values and products below 2^-126 may count as zero.
#pragma once

#include <cstdint>

#include "cuda/kmeans_rows.h"
#include "cuda/tile_product.cuh"

namespace alfamix::cuda {

// A bound of the rounding of the difference of two scores; infinite where products may leave float32.
struct ScoreBound {
  const unsigned long long* half_norm;  // the bits of the largest |c|^2 / 2, in double
  std::uint32_t dim;

  __device__ double Of(double norm) const {
    const double half = __longlong_as_double(static_cast<long long>(*half_norm));
    const double longest = sqrt(2 * half);
    const double size = norm * longest + half;
    if (!(size < 1e37)) return HUGE_VAL;
    const double unit = 5.9604644775390625e-8;
    return 2 * (160 + dim / 16) * unit * 1.01 * size + dim * 1e-36 * (1 + norm + longest);
  }
};

class KMeansDeviceColumns {
 public:
  // At most `most` columns, in panels of at most `panel`.
  KMeansDeviceColumns(const KMeansDeviceRows& rows, std::uint32_t most, std::uint32_t panel,
                      const Stream& stream);

  // From now on these `count` of the points (count x stride), or those that `which` names, in panels of
  // `panel`; without one a panel of padding.
  void Set(const float* points, const std::uint32_t* which, std::uint32_t count, std::uint32_t panel);

  // With n rows of the same stride, from `rows` on.
  TileOperands Operands(const float* rows, std::uint64_t n) const;
  const float* half_norms() const { return half_norms_.get(); }  // infinite in the padding
  ScoreBound bound() const { return {largest_.get(), rows_.dim()}; }
  static std::uint64_t Bytes(std::uint32_t dim, std::uint32_t most, std::uint32_t panel);

 private:
  const KMeansDeviceRows& rows_;
  const Stream& stream_;
  const std::uint32_t depth_;
  std::uint32_t panels_ = 0;
  DeviceBuffer<float> data_;
  DeviceBuffer<float> half_norms_;
  DeviceBuffer<unsigned long long> largest_;
};

// Takes the shift off a tile's rows on their way into the product.
struct ShiftElements {
  static constexpr std::uint32_t kSumChunks = 0;
  const float* shift;

  template <typename X>
  __device__ __forceinline__ void Elements(const float*, const TileCursor& at, int half, X& x) const {
    const float4 s = *reinterpret_cast<const float4*>(shift + at.chunk * kTileDepth +
                                                      half * (kTileDepth / 2) + Lane() % 4 * kChunk);
    ALFAMIX_UNROLLED
    for (auto& pair : x) {
      ALFAMIX_UNROLLED
      for (float4& value : pair) {
        value.x -= s.x;
        value.y -= s.y;
        value.z -= s.z;
        value.w -= s.w;
      }
    }
  }
};

}  // namespace alfamix::cuda
