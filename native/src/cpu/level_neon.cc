// The block functions at level "neon". See cpu/level_table.h for why only C headers are included here.
#include <arm_neon.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/level_table.h"

namespace alfamix {
namespace {

#include "cpu/simd/neon.h"
#include "cpu/level.inl"

}  // namespace

extern const LevelTable kNeonTable = MakeLevelTable();

}  // namespace alfamix
