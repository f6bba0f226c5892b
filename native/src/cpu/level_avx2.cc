// The block functions at level "avx2". See cpu/level_table.h for why only C headers are included here.
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/level_table.h"

namespace alfamix {
namespace {

#include "cpu/simd/avx2.h"
#include "cpu/level.inl"

}  // namespace

extern const LevelTable kAvx2Table = MakeLevelTable();

}  // namespace alfamix
