// The block functions at level "avx512bf16": those of avx512; k-means adds its own (level_kmeansbf16.cc). See
// cpu/level_table.h for why only C headers are included here.
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/level_table.h"

namespace alfamix {
namespace {

#include "cpu/simd/avx512.h"
#include "cpu/level.inl"

}  // namespace

extern const LevelTable kAvx512Bf16Table = MakeLevelTable();

}  // namespace alfamix
