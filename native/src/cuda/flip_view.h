// What the flip search's kernels read of head and anchors, on the device. C classes, K anchors, D dimensions.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace alfamix::cuda {

struct FlipView {
  std::uint32_t dim;
  std::uint32_t classes;
  std::uint32_t anchors;
  std::uint32_t class_stride;   // C rounded up to 8
  std::uint32_t anchor_stride;  // K rounded up to 32
  const float* bias;            // C
  // Gram matrix of the centered weight, C x class_stride: over the dimensions where the anchors differ, and
  // over all of them; null where that is the same.
  const float* gram;
  const float* whole_gram;
  const float* centered;         // C x D
  const float* centered_by_dim;  // D x class_stride
  const float* anchors_by_dim;   // D x anchor_stride, NaN where there is no anchor
  const float* anchor_norm2;     // anchor_stride
  // A bit a dimension: all anchors hold one value there, or it is padding; and the same bits in the order in
  // which the scan keeps them (MatchBit).
  const std::uint32_t* one_value;
  const std::uint32_t* one_value_matches;
  float sqrt_dim;
  float logit_error;  // of the difference of two logits, times |z|
  float bias_max;     // max |b_c|
  float gram_max;     // largest entry of the whole Gram matrix
  float anchor_norm2_max;
  // For rows decided in double.
  const float* weight;           // C x D
  const float* anchor_rows;      // K x D
  const double* exact_centered;  // C x D
};

// The bit of dimension `lane` (0 ... 31) of a stage in a row's word of matches: a byte for each of the four
// lanes that read the row in tile_product.cuh, in it a bit for each of that lane's eight elements.
__host__ __device__ constexpr std::uint32_t MatchBit(std::uint32_t lane) {
  return lane % 16 / 4 * 8 + lane / 16 * 4 + lane % 4;
}

__host__ __device__ constexpr std::uint32_t DimOfMatchBit(std::uint32_t bit) {
  return bit % 8 / 4 * 16 + bit / 8 * 4 + bit % 4;
}

// One value a row; the flips may be null, all three, and so may the scores but the label.
struct FlipDeviceOutput {
  std::int32_t* pseudo_label = nullptr;
  float* confidence = nullptr;
  float* margin = nullptr;
  float* entropy = nullptr;
  float* flip_cap = nullptr;
  std::int32_t* flip_anchor = nullptr;
  std::int32_t* flip_to = nullptr;
};

// What scans leave beside their output.
struct FlipTally {
  unsigned long long bad_row;    // the lowest of the pool with NaN or infinity, or kNoBadRow
  unsigned long long rechecked;  // rows that float32 couldn't vouch for
  unsigned long long events;     // rows that share values with anchors
  unsigned int open;             // of the last scan: rows listed
};
constexpr unsigned long long kNoBadRow = ~0ull;

}  // namespace alfamix::cuda
