// One instruction-set level: the templates below, compiled for the vector type included before them.

static inline uint32_t FirstBit(unsigned bits) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long index;
  _BitScanForward(&index, bits);
  return index;
#else
  return static_cast<uint32_t>(__builtin_ctz(bits));
#endif
}

#include "cpu/elementary.inl"
#include "cpu/double_rows.inl"
#include "cpu/double_product.inl"
#include "cpu/softmax_row.inl"
#include "cpu/widen.inl"
#include "cpu/product.inl"
#include "cpu/assign.inl"
#include "cpu/flip_bounds.inl"
#include "cpu/flip_lanes.inl"
#include "cpu/flip_scan.inl"
#include "cpu/flip_shared.inl"
#include "cpu/flip_block.inl"
#include "cpu/gradient.inl"

static constexpr LevelTable MakeLevelTable() {
  return {kLanes,   kPanelWidth, kScreenFloats, sizeof(Screen), StoreScreenOf,   Widen,
          Product,  FlipBlock,   GradientBlock, DotRows,        SquaredDistance, InterpolateRow,
          AlphaRow, AssignBlock, DoubleProduct, DotDoubles,     AddScaled,       SoftmaxRow};
}
