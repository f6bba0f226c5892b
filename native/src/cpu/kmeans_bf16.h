// The seeding's pass over the rows in bfloat16, twice as fast as float32 where the CPU multiplies it. What it
// finds are bounds, by the measured rounding of rows and candidates, so that the seeds don't depend on it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cpu/level_table.h"

namespace alfamix {

// Candidates in pairs of dimensions: panels of kBf16Panel columns, the last one rounded up to 16; [D /
// 2][width], the even dimension in the low half.
constexpr uint32_t kBf16Panel = 48;

struct Bf16Panels {
  const uint32_t* data;
  uint32_t pairs;  // D / 2, rounded up
  uint32_t padded;
};

struct Bf16Table {
  // Rows of fl(scale * x) - shift, rounded, PackedStride(D) apart, an odd D filled up with 0; error2[r]: the
  // square of what rounding took.
  void (*pack_rows)(const PackSource* source, int n, uint32_t dim, uint16_t* out, float* error2);
  // As LevelTable::capture.
  void (*capture)(const Bf16Panels* panels, const float* half_norms, const uint16_t* packed, int n,
                  const float* thresholds, const AheadRows* ahead, uint64_t* captured, float* gains);
};

#ifdef ALFAMIX_BF16
extern const Bf16Table kKMeansBf16Table;
#endif

}  // namespace alfamix
