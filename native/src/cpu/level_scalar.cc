// The block functions at level "scalar". See cpu/level_table.h for why only C headers are included here.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/level_table.h"

namespace alfamix {
namespace {

#include "cpu/simd/scalar.h"
#include "cpu/level.inl"

}  // namespace

extern const LevelTable kScalarTable = MakeLevelTable();

}  // namespace alfamix
